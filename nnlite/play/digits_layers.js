// The model from left to right: for the image and each layer a column with its maps, in colours.

const quiet = (text) => element("p", { class: "quiet" }, text);
const TILE = 32, GAP = 2, ACROSS = 3; // CSS pixels, and maps beside each other

class Layers {
  // `chosen(step, map)` is called when a map is clicked, or the name of a layer.
  constructor(place, steps, image, chosen) {
    this.chosen = chosen;
    const output = [image.height, image.width, image.channels];
    this.columns = [this.column({ name: "drawing", output, text: "What the model reads" }, -1)];
    let passed = []; // layers that hand on the same numbers have no column of their own
    steps.forEach((step, n) => {
      if (step.kind === "same" && n < steps.length - 1) return passed.push(step.name);
      this.columns.push(this.column(step, n, passed));
      passed = [];
    });
    place.replaceChildren(...this.columns.map(({ element }) => element));
  }

  column(step, n, passed = []) {
    const grid = layout(step.output), canvas = element("canvas", { role: "img" }), range = quiet("");
    const [title] = step.text.split("\n");
    const name = element(n < 0 ? "span" : "button", { class: "layer-name", title }, step.name);
    const parts = [name, quiet(sizes(step.output)), canvas, range];
    if (passed.length) parts.push(quiet(`after ${passed.join(", ")}`));
    const column = { n, canvas, name, grid, range };
    column.element = element("div", { class: grid.maps > 1 ? "layer" : "layer narrow" }, ...parts);
    if (n < 0) return column;
    canvas.classList.add("clickable");
    name.onclick = () => this.chosen(n, 0);
    canvas.onclick = ({ offsetX, offsetY }) => {
      const { width, height } = tileSize(grid), place = (at, size) => Math.floor(Math.max(0, at - 1) / (size + GAP));
      const map = place(offsetY, height) * ACROSS + Math.min(ACROSS - 1, place(offsetX, width));
      if (map < grid.maps) this.chosen(n, map);
    };
    return column;
  }

  // `read` are the channels that the chosen map is computed from: they have a frame, too.
  show(arrays, chosen, read) {
    const before = this.columns.findLast(({ n }) => n < chosen.step);
    for (const column of this.columns) {
      const { n, grid, canvas, range, name } = column, numbers = arrays[n + 1], most = largest(numbers);
      const isChosen = n === chosen.step;
      const isRead = (map) => column === before && (grid.maps === 1 || read.includes(map));
      const frame = (map) => (isChosen && map === chosen.map ? 3 : isRead(map) ? 1.5 : 0);
      if (grid.maps === 1 && grid.cols === 1 && n >= 0) paintScores(canvas, numbers, signed(most));
      else paintTiles(canvas, numbers, grid, n < 0 ? inky : signed(most), frame);
      range.textContent = n < 0 ? "0 to 1" : `± ${short(most)}`;
      const maps = `${grid.maps} map${grid.maps > 1 ? "s" : ""} of ${grid.rows} by ${grid.cols} numbers`;
      canvas.setAttribute("aria-label", `${name.textContent}: ${maps}, the largest ${short(most)}`);
      if (n >= 0) name.setAttribute("aria-pressed", String(isChosen));
    }
  }
}

function paintTiles(canvas, numbers, grid, colour, frame) {
  const { width, height } = tileSize(grid), across = Math.min(grid.maps, ACROSS), down = Math.ceil(grid.maps / across);
  const pen = blankCanvas(canvas, across * (width + GAP) + 1, down * (height + GAP) + 1);
  const order = Array.from({ length: grid.maps }, (_, map) => map).sort((a, b) => frame(a) - frame(b));
  for (const map of order) { // the thickest frames last, above the others
    const x = 2 + (map % across) * (width + GAP), y = 2 + Math.floor(map / across) * (height + GAP);
    paintMap(pen, numbers, grid, map, { x, y, width, height }, colour);
    pen.strokeStyle = css(frame(map) ? palette.accent : palette.line);
    pen.lineWidth = frame(map) || 1;
    pen.strokeRect(x - 0.5, y - 0.5, width + 1, height + 1);
  }
}

// A number for each of a few classes, from top to bottom.
function paintScores(canvas, numbers, colour) {
  paintGrid(canvas, Array.from(numbers, (v) => ({ v })), { cols: 1, size: 34, colour, digits: 1 });
}

// Whole screen pixels for each number, so that all are equally large; a map on its own may be larger.
function tileSize({ rows, cols, maps }) {
  const scale = (maps === 1 ? 2 * TILE : TILE) / Math.max(rows, cols), whole = scale > 1 ? Math.floor(scale) : scale;
  return { width: cols * whole, height: rows * whole };
}
