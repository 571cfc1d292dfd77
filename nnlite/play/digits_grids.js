// The pictures of one number's arithmetic: its input with the window, the window's products, and the output so far.

class Grids {
  constructor(find) {
    this.find = find;
  }

  show(looked) {
    const { step, x, y, n, map, pixel, channel, isDrawing, isFilling } = looked, { find } = this;
    const colour = isDrawing ? inky : signed(largest(x));
    this.width = find("grids").clientWidth;
    // Two beside each other on a phone; with the window between them where there is room.
    this.side = this.width < 640 ? Math.floor((this.width - 12) / 2) : Math.min(264, Math.floor(this.width / 3.6));
    this.showInput(looked, colour);
    find("window").hidden = !step.windows;
    find("grids").classList.toggle("plain", !step.windows);
    if (step.windows) this.showProducts(step, productsOf(step, x, n, channel), n, channel, colour);
    const { rows, cols, maps, count = rows * cols } = layout(step.output);
    const cell = (p) => (p < count ? { v: y[p * maps + map], later: isFilling && p > pixel } : null);
    this.cell = this.cellSize(rows, cols);
    this.out = { rows, cols };
    const cells = Array.from({ length: rows * cols }, (_, p) => cell(p));
    paintGrid(find("out"), cells, { cols, size: this.cell, colour: signed(largest(y)), isFramed: (p) => p === pixel });
  }

  cellSize(rows, cols) {
    const size = this.side / Math.max(rows, cols);
    return size > 1 ? Math.min(40, Math.floor(size)) : size;
  }

  // Which number of the output is clicked; none beside it.
  pixelAt({ offsetX, offsetY }) {
    const row = Math.floor((offsetY - 1) / this.cell), col = Math.floor((offsetX - 1) / this.cell);
    return row < this.out.rows && col < this.out.cols ? row * this.out.cols + col : undefined;
  }

  // The input, with the padding that windows reach into, and a frame around what this number is computed from.
  showInput({ step, x, y, n, channel }, colour) {
    const { rows, cols, maps, count = rows * cols } = layout(step.input), { top, left, bottom, right } = padding(step);
    const width = left + cols + right, cells = [], at = new Set(step.windows ? windowCells(step, n, width) : []);
    if (!step.windows && x.length === y.length) at.add(Math.floor(n / maps));
    for (let r = -top; r < rows + bottom; r++)
      for (let s = -left; s < cols + right; s++) {
        const isInside = r >= 0 && r < rows && s >= 0 && s < cols, p = r * cols + s;
        cells.push(!isInside ? { v: 0, outside: true } : p < count ? { v: x[p * maps + channel] } : null);
      }
    const size = this.cellSize(cells.length / width, width), isFramed = (p) => at.has(p);
    paintGrid(this.find("in"), cells, { cols: width, size, colour, isFramed });
  }

  // The window's pixels; of a convolution also the filter's weights, and their products; of a max pool the largest.
  showProducts(step, seen, n, channel, colour) {
    const [kh, kw] = step.size, isFilter = step.kind === "conv2d", { find } = this;
    const room = Math.min(150, isFilter && this.width < 640 ? (this.width - 40) / 3 : 150);
    const size = Math.max(1, Math.min(44, Math.floor(room / Math.max(kh, kw))));
    const grid = (name, value, colour, isFramed) => {
      const cells = Array.from({ length: kh * kw }, () => ({ v: 0, outside: true }));
      for (const tap of seen) cells[tap.i * kw + tap.j] = { v: value(tap) };
      paintGrid(find(name), cells, { cols: kw, size, colour, isFramed });
    };
    const best = Math.max(...seen.map(({ x }) => x)), winner = seen.find(({ x }) => x === best);
    const isWinner = (p) => step.kind === "max_pool2d" && p === winner?.i * kw + winner?.j;
    grid("seen", ({ x }) => x, colour, isWinner);
    for (const name of ["weights", "products"]) find(name).closest("figure").hidden = !isFilter;
    if (!isFilter) return;
    grid("products", ({ x, w }) => x * w, signed(Math.max(...seen.map(({ x, w }) => Math.abs(x * w)))));
    const weights = weightsOf(step, n, channel).map((v) => ({ v }));
    paintGrid(find("weights"), weights, { cols: kw, size, colour: signed(largest(step.W)) });
  }
}

// How far the windows of a step reach over each edge of its input.
function padding({ windows, pads: [top, left] = [0, 0], size, strides, dilation, input }) {
  if (!windows) return { top: 0, left: 0, bottom: 0, right: 0 };
  const after = (axis, before) =>
    Math.max(0, (windows[axis] - 1) * strides[axis] + (size[axis] - 1) * dilation[axis] + 1 - before - input[axis]);
  return { top, left, bottom: after(0, top), right: after(1, left) };
}

// The cells of a window on its padded input, which is so wide.
function windowCells({ windows: [, OW], output, size: [kh, kw], strides, dilation }, n, width) {
  const pixel = Math.floor(n / output.at(-1));
  const row = Math.floor(pixel / OW) * strides[0], col = (pixel % OW) * strides[1];
  const cell = (_, tap) => (row + Math.floor(tap / kw) * dilation[0]) * width + col + (tap % kw) * dilation[1];
  return Array.from({ length: kh * kw }, cell);
}
