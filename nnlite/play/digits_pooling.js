// Average and maximum over windows of 2 x 2, for an image and for the same one a little further on.

const pools = (image, { height, width }) => {
  const [rows, cols] = [height, width].map((size) => Math.floor(size / 2));
  const window = { windows: [rows, cols], size: [2, 2], strides: [2, 2], dilation: [1, 1], pads: [0, 0] };
  const step = { input: [height, width, 1], ...window };
  return { rows, cols, mean: KERNELS.avg_pool2d(image, step), largest: KERNELS.max_pool2d(image, step) };
};

const CORNERS = { "top left": [0, 0], "top right": [0, 1], "bottom right": [1, 1], "bottom left": [1, 0] };

// The homework's four images: a block of 3 x 3 ones in each corner of 4 x 4.
function cornerImages() {
  const block = ([down, right], n) => (Math.floor(n / 4) - down) >>> 0 < 3 && ((n % 4) - right) >>> 0 < 3;
  return Object.values(CORNERS).map((corner) => Float32Array.from({ length: 16 }, (_, n) => +block(corner, n)));
}

function showCorners(table) {
  const size = { height: 4, width: 4 }, images = cornerImages(), results = images.map((image) => pools(image, size));
  const corner = (n) => Object.keys(CORNERS)[n];
  const cell = Math.min(22, Math.floor((table.parentElement.clientWidth - 150) / 16));
  const row = (name, arrays, cols, cell) =>
    gridRow(name, arrays.map((numbers, n) => ({ numbers, cols, cell, label: `${name}, block at the ${corner(n)}` })));
  table.tBodies[0].replaceChildren(
    row("image", images, 4, cell),
    row("average", results.map((r) => r.mean), 2, 2 * cell),
    row("maximum", results.map((r) => r.largest), 2, 2 * cell),
  );
}

// The drawing, the moved drawing, and what changed; `words` tells it in a sentence.
function showMoved(table, words, image, size, [right, down], judge) {
  const after = moved(image, size, right, down), [a, b] = [pools(image, size), pools(after, size)];
  const cell = Math.max(1, Math.min(24, Math.floor((table.parentElement.clientWidth - 140) / 3 / size.width)));
  const row = (name, before, after, cols, cell) => gridRow(name, [
    { numbers: before, cols, cell, label: `${name}, as drawn` },
    { numbers: after, cols, cell, label: `${name}, moved` },
    { numbers: before.map((v, n) => after[n] - v), cols, cell, colour: signed(1), label: `${name}, difference` },
  ]);
  table.tBodies[0].replaceChildren(
    row("image", image, after, size.width, cell),
    row("average", a.mean, b.mean, a.cols, 2 * cell),
    row("maximum", a.largest, b.largest, a.cols, 2 * cell),
  );
  words.textContent = "Move the drawing with the arrows: what stays the same, what changes?";
  if (!right && !down) return;
  const change = (before, after) => {
    const differences = before.map((v, n) => Math.abs(after[n] - v)).filter((v) => v !== 0);
    return `${differences.length} of ${before.length} change, by ${short(sum(differences) / before.length)} on average`;
  };
  words.textContent = `Averages: ${change(a.mean, b.mean)}. Maxima: ${change(a.largest, b.largest)}. ${judge(after)}`;
}

// A row of a table: its name, and a canvas with a grid for each array.
function gridRow(name, grids) {
  const cells = grids.map(({ numbers, cols, cell, colour = inky, label }) => {
    const content = numbers.length > 64 ? `${numbers.length} numbers` : Array.from(numbers, (v) => short(v)).join(" ");
    const canvas = element("canvas", { role: "img", "aria-label": `${label}: ${content}` });
    paintGrid(canvas, Array.from(numbers, (v) => ({ v })), { cols, size: cell, colour });
    return element("td", {}, canvas);
  });
  return element("tr", {}, element("th", { scope: "row" }, name), ...cells);
}
