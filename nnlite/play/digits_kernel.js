// A model of images, forward: each layer as on its page in nnlite's docs, one image at a time.
//
// A step is a layer with its numbers, as digits.py wrote it: {kind, name, text, input, output, ...}. Its input and its
// output are flat arrays of float32, in the order in which nnlite has them in memory: place (r, s, c) of an image of
// H x W pixels and C channels is number (r W + s) C + c. Sums are float64.

const KERNELS = {
  // y[h,w,f] = b[f] + sum over i, j, c of x[r,s,c] W[i,j,c,f], with r = sh h + dh i - top and s = sw w + dw j - left
  conv2d(x, step) {
    const { W, b, groups, size: [kh, kw], input: [, width, C], output: [OH, OW, F] } = step;
    const inGroup = C / groups, filters = F / groups, sums = new Float64Array(F), y = new Float32Array(OH * OW * F);
    for (let h = 0; h < OH; h++)
      for (let w = 0; w < OW; w++) {
        sums.set(b);
        for (const { i, j, r, s } of taps(step, h, w))
          for (let c = 0; c < C; c++) {
            const pixel = x[(r * width + s) * C + c], group = Math.floor(c / inGroup);
            const row = ((i * kw + j) * inGroup + (c % inGroup)) * F;
            for (let f = group * filters; f < (group + 1) * filters; f++) sums[f] += pixel * W[row + f];
          }
        y.set(sums, (h * OW + w) * F);
      }
    return y;
  },

  // y[u] = b[u] + sum over f of x[f] W[f,u], for every row of x
  dense(x, { W, b, input, output }) {
    const F = input.at(-1), U = output.at(-1), rows = x.length / F, y = new Float32Array(rows * U);
    for (let n = 0; n < rows; n++) {
      const sums = Float64Array.from(b);
      for (let f = 0; f < F; f++) for (let u = 0; u < U; u++) sums[u] += x[n * F + f] * W[f * U + u];
      y.set(sums, n * U);
    }
    return y;
  },

  max_pool2d: (x, step) =>
    pooled(x, step, (numbers) => numbers.reduce((most, v) => (v > most || Number.isNaN(v) ? v : most))),
  avg_pool2d: (x, step) => pooled(x, step, (numbers) => sum(numbers) / divisor(step, numbers.length)),

  zero_padding2d(x, { pads: [top, left], input: [H, width, C], output: [OH, OW] }) {
    const y = new Float32Array(OH * OW * C);
    for (let h = 0; h < H; h++)
      y.set(x.subarray(h * width * C, (h + 1) * width * C), ((h + top) * OW + left) * C);
    return y;
  },

  // The mean and the variance are those of the training, one for each channel.
  batch_norm(x, { gamma, beta, mean, variance, epsilon }) {
    const C = gamma.length;
    return x.map((v, n) => (gamma[n % C] * (v - mean[n % C])) / Math.sqrt(variance[n % C] + epsilon) + beta[n % C]);
  },

  layer_norm: (x, { gamma, beta, epsilon }) =>
    inRows(x, gamma.length, (row) => {
      const mean = sum(row) / row.length;
      const deviation = Math.sqrt(sum(row.map((v) => (v - mean) ** 2)) / row.length + epsilon);
      return row.map((v, c) => (gamma[c] * (v - mean)) / deviation + beta[c]);
    }),

  softmax: (x, { input }) =>
    inRows(x, input.at(-1), (row) => {
      const most = Math.max(...row), powers = row.map((v) => Math.exp(v - most)), total = sum(powers);
      return powers.map((v) => v / total);
    }),

  relu: (x) => x.map((v) => (v < 0 ? 0 : v)),
  leaky_relu: (x, { slope }) => x.map((v) => (v < 0 ? slope * v : v)),
  sigmoid: (x) => x.map((v) => 1 / (1 + Math.exp(-v))),
  tanh: (x) => x.map((v) => Math.tanh(v)),
  gelu: (x) => x.map((v) => (v * (1 + erf(v / Math.SQRT2))) / 2),
  gelu_tanh: (x) => x.map((v) => (v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)))) / 2),
  same: (x) => x, // dropout, which is off outside of training, and what gives the numbers another shape
};

// What each layer computes from an image: an array for the image itself, then one for each step.
function forward(steps, image) {
  const arrays = [Float32Array.from(image)];
  for (const step of steps) arrays.push(KERNELS[step.kind](arrays.at(-1), step));
  return arrays;
}

// Where window (h, w) lies on the image: its places (i, j) whose pixels (r, s) are not in the padding.
function taps({ size: [kh, kw], strides: [sh, sw], dilation: [dh, dw], pads: [top, left], input: [H, W] }, h, w) {
  const seen = [];
  for (let i = 0; i < kh; i++)
    for (let j = 0; j < kw; j++) {
      const r = h * sh + i * dh - top, s = w * sw + j * dw - left;
      if (r >= 0 && r < H && s >= 0 && s < W) seen.push({ i, j, r, s });
    }
  return seen;
}

// One number for each window and channel.
function pooled(x, step, reduce) {
  const { input: [, W, C] } = step, [OH, OW] = step.windows, y = new Float32Array(OH * OW * C);
  for (let h = 0; h < OH; h++)
    for (let w = 0; w < OW; w++) {
      const seen = taps(step, h, w);
      for (let c = 0; c < C; c++) y[(h * OW + w) * C + c] = reduce(seen.map(({ r, s }) => x[(r * W + s) * C + c]));
    }
  return y;
}

// What the mean divides by: the pixels of the image in the window, or all of the window.
const divisor = ({ include, size: [kh, kw] }, pixels) => (include ? kh * kw : pixels);

// What a function makes of each row of so many numbers.
function inRows(x, length, compute) {
  const y = new Float32Array(x.length);
  for (let n = 0; n < x.length; n += length) y.set(compute(Array.from(x.subarray(n, n + length))), n);
  return y;
}

function sum(numbers) {
  let total = 0;
  for (const v of numbers) total += v;
  return total;
}

// The error function by its series e^(-x x) (x + 2 x^3 / 3 + 4 x^5 / (3 5) + ...), whose terms all have one sign.
function erf(x) {
  if (Math.abs(x) > 6) return Math.sign(x);
  let total = 0;
  for (let term = x, n = 1; Math.abs(term) > 1e-17 * Math.abs(total); n++) {
    total += term;
    term *= (2 * x * x) / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * total;
}

// The steps as digits.py wrote them, with their arrays: each is a part of all numbers, [where it begins, how many].
function unpacked({ steps, numbers }) {
  const bytes = Uint8Array.from(atob(numbers), (letter) => letter.charCodeAt(0));
  const all = new Float32Array(bytes.buffer);
  return steps.map(({ arrays, ...step }) => {
    for (const [name, [begin, count]] of Object.entries(arrays)) step[name] = all.subarray(begin, begin + count);
    return step;
  });
}
