// How numbers become pictures: maps of many numbers as colours, and grids of few as colours with the numbers in them.

const MINUS = "−";

const palette = colour; // here a colour is what a number has: a function that gives [red, green, blue]

const css = (rgb) => `rgb(${rgb.map(Math.round).join(" ")})`;
const blend = (from, to, share) => from.map((v, n) => v + (to[n] - v) * share);

// A number as colour: 0 is the paper's, up to `most` in either direction.
const signed = (most) => (v) =>
  blend(palette.zero, v < 0 ? palette.low : palette.high, Math.min(1, Math.abs(v) / (most || 1)) ** 0.8 || 0);
// Ink from 0 to 1.
const inky = (v) => blend(palette.zero, palette.ink, Math.max(0, Math.min(1, v)) || 0);

// The largest absolute value, which has the full colour.
const largest = (numbers) => numbers.reduce((most, v) => Math.max(most, Math.abs(v) || 0), 0);

// An array as maps of rows x cols: the channels of an image; anything else is one map.
function layout(shape) {
  if (shape.length === 3) return { rows: shape[0], cols: shape[1], maps: shape[2] };
  if (shape.length === 2) return { rows: shape[0], cols: shape[1], maps: 1 };
  const count = shape.reduce((product, size) => product * size, 1);
  const cols = count <= 10 ? 1 : Math.ceil(Math.sqrt(count / 2)); // a column of classes, or a tall block
  return { rows: Math.ceil(count / cols), cols, maps: 1, count };
}

// A canvas of so many CSS pixels, sharp on this screen, and empty.
function blankCanvas(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1, [wide, high] = [width, height].map((v) => Math.round(v * ratio));
  if (canvas.width !== wide || canvas.height !== high) {
    Object.assign(canvas, { width: wide, height: high });
    Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.imageSmoothingEnabled = false;
  return pen;
}

const scratch = document.createElement("canvas");

// One map of an array as a tile, in the colours that a number has.
function paintMap(pen, numbers, { rows, cols, maps, count = rows * cols }, map, { x, y, width, height }, colour) {
  scratch.width = cols;
  scratch.height = rows;
  const small = scratch.getContext("2d"), picture = small.createImageData(cols, rows);
  for (let n = 0; n < count; n++) picture.data.set([...colour(numbers[n * maps + map]), 255], 4 * n);
  small.putImageData(picture, 0, 0);
  pen.drawImage(scratch, x, y, width, height);
}

// A grid of cells {v, outside, later}, null where there is none: cols beside each other, each of a size, in the colours
// of their numbers, which are written with so many digits where there is room. Some cells have a frame.
function paintGrid(canvas, cells, { cols, size, colour, isFramed = () => false, digits = 2 }) {
  const rows = Math.ceil(cells.length / cols), pen = blankCanvas(canvas, cols * size + 2, rows * size + 2);
  const family = getComputedStyle(document.body).fontFamily;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  const corner = (n) => [1 + (n % cols) * size, 1 + Math.floor(n / cols) * size];
  cells.forEach((cell, n) => {
    if (!cell) return;
    const [x, y] = corner(n), fill = cell.outside ? palette.paper : colour(cell.v);
    pen.globalAlpha = cell.later ? 0.2 : 1;
    pen.fillStyle = css(fill);
    pen.fillRect(x, y, size, size);
    if (cell.outside) hatch(pen, x, y, size);
    pen.strokeStyle = css(palette.line);
    pen.lineWidth = size < 8 ? 0.25 : 1;
    pen.strokeRect(x, y, size, size);
    if (size >= 20 && !cell.later) {
      pen.fillStyle = css(luminance(fill) > 0.3 ? [20, 18, 16] : [255, 253, 249]);
      const text = cell.outside ? "0" : short(cell.v, digits);
      pen.font = `${Math.min(13, size / 2.6, (1.6 * size) / text.length)}px ${family}`;
      pen.fillText(text, x + size / 2, y + size / 2 + 0.5);
    }
    pen.globalAlpha = 1;
  });
  // Cells side by side with a frame have one around all of them.
  pen.strokeStyle = css(palette.accent);
  pen.lineWidth = size < 14 ? 2 : 3;
  pen.beginPath();
  cells.forEach((_, n) => {
    if (!isFramed(n)) return;
    const [x, y] = corner(n), col = n % cols, [right, below] = [x + size, y + size];
    const edge = (isInner, ...ends) => isInner || (pen.moveTo(ends[0], ends[1]), pen.lineTo(ends[2], ends[3]));
    edge(isFramed(n - cols), x, y, right, y);
    edge(isFramed(n + cols), x, below, right, below);
    edge(col > 0 && isFramed(n - 1), x, y, x, below);
    edge(col < cols - 1 && isFramed(n + 1), right, y, right, below);
  });
  pen.stroke();
}

// Lines across a cell of the padding, which is no part of the image.
function hatch(pen, x, y, size) {
  pen.save();
  pen.beginPath();
  pen.rect(x, y, size, size);
  pen.clip();
  pen.strokeStyle = css(palette.line);
  pen.lineWidth = 1;
  pen.beginPath();
  for (let at = -size; at < size; at += Math.max(4, size / 5)) {
    pen.moveTo(x + at, y + size);
    pen.lineTo(x + at + size, y);
  }
  pen.stroke();
  pen.restore();
}

function luminance(rgb) {
  const [r, g, b] = rgb.map((v) => (v / 255) ** 2.2);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

// A number with few digits: 0.25, -1.3, 12.
function short(v, digits = 2) {
  if (!Number.isFinite(v)) return String(v).replace("-", MINUS).replace("Infinity", "∞");
  const places = Math.abs(v) >= 99.5 ? 0 : Math.abs(v) >= 9.95 ? Math.min(1, digits) : digits;
  const text = v.toFixed(places);
  const bare = text.includes(".") ? text.replace(/\.?0+$/, "") : text;
  return bare === "-0" || bare === "" ? "0" : bare.replace("-", MINUS);
}

// The same for the written arithmetic: with four digits.
const exact = (v) => (Number.isFinite(v) ? digits(v).replaceAll("-", MINUS) : short(v));
// A probability: 98.3 %.
const percent = (p) => `${(100 * p).toFixed(1)} %`;
// Sizes of an array: 8 x 8 x 16.
const sizes = (shape) => shape.join(" × ");
