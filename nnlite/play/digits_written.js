// The arithmetic behind one number of a layer's output, written out.

const factor = (v) => (v < 0 ? `(${exact(v)})` : exact(v));
// A product is never broken between two lines.
const product = (x, w) => `${factor(x)}\u00a0·\u00a0${factor(w)}`;
const index = (...numbers) => `[${numbers.join(", ")}]`;

// How number n of y = step(x) was computed: the equation, and rows {label, text, value}, the last for the number itself.
// Of a sum of many terms `rows` has those to be read first, and `all` has every one. `channel` is the one of a
// convolution to be read first.
function written(step, x, y, n, channel = 0) {
  const C = step.output.at(-1), image = step.output.length === 3;
  const place = image ? index(Math.floor(n / C / step.output[1]), Math.floor(n / C) % step.output[1], n % C) : index(n);
  const { equation, text = "", rows = [], all = [] } = (WRITTEN[step.kind] ?? pointwise)(step, x, n, channel);
  const result = { label: `y${place}`, text, value: y[n], total: true };
  return { equation: `y${place} = ${equation}`, rows: [...rows, result], all };
}

const WRITTEN = {
  conv2d(step, x, n, channel) {
    const { b, groups, input, output } = step, F = output[2], f = n % F, inGroup = input[2] / groups;
    const first = Math.floor(f / (F / groups)) * inGroup, bias = { label: `b${index(f)}`, text: "", value: b[f] };
    const channels = Array.from({ length: inGroup }, (_, c) => {
      const products = productsOf(step, x, n, first + c);
      const text = joined(products.map(({ x, w }) => product(x, w)), " + ");
      return { label: `channel ${first + c}`, text, value: sum(products.map(({ x, w }) => x * w)) };
    });
    const rest = sum(channels.map((c) => c.value)) - channels[channel].value, rows = [bias, channels[channel]];
    if (inGroup > 1) rows.push({ label: others(inGroup - 1, "channel"), text: "", value: rest });
    const all = inGroup > 1 ? [bias, ...channels] : [];
    return { equation: `b${index(f)} + the sum of x · W over the window`, rows, all };
  },

  dense({ W, b, input, output }, x, n) {
    const F = input.at(-1), U = output.at(-1), u = n % U, start = Math.floor(n / U) * F;
    const bias = { label: `b${index(u)}`, text: "", value: b[u] };
    const terms = Array.from({ length: F }, (_, f) => ({
      label: `x${index(start + f)} W${index(f, u)}`,
      text: product(x[start + f], W[f * U + u]),
      value: x[start + f] * W[f * U + u],
    }));
    const sorted = [...terms].sort((a, c) => Math.abs(c.value) - Math.abs(a.value)), most = sorted.slice(0, 8);
    const rest = F - most.length, rows = [bias, ...most];
    if (rest) rows.push({ label: others(rest, "product"), text: "", value: sum(sorted.slice(8).map((t) => t.value)) });
    const equation = `b${index(u)} + the sum of x · W over ${F} inputs, the largest first`;
    return { equation, rows, all: rest ? [bias, ...terms] : [] };
  },

  max_pool2d(step, x, n) {
    const numbers = productsOf(step, x, n, n % step.input[2]).map(({ x }) => exact(x));
    return { equation: "the largest number in the window", text: `max(${joined(numbers, ", ")})` };
  },

  avg_pool2d(step, x, n) {
    const numbers = productsOf(step, x, n, n % step.input[2]).map(({ x }) => x);
    const text = `(${joined(numbers.map(factor), " + ")}) / ${divisor(step, numbers.length)}`;
    return { equation: "the mean of the window", text };
  },

  batch_norm({ gamma, beta, mean, variance, epsilon }, x, n) {
    const c = n % gamma.length;
    const numbers = [gamma, beta, mean, variance].map((array) => array[c]);
    return normed("the mean and the variance of the training", numbers, epsilon, x[n]);
  },

  layer_norm({ gamma, beta, epsilon }, x, n) {
    const C = gamma.length, row = Array.from(x.subarray(n - (n % C), n - (n % C) + C)), m = sum(row) / C;
    const v = sum(row.map((number) => (number - m) ** 2)) / C;
    return normed("the mean and the variance of this place", [gamma[n % C], beta[n % C], m, v], epsilon, x[n]);
  },

  softmax({ input }, x, n) {
    const V = input.at(-1), row = x.subarray(n - (n % V), n - (n % V) + V);
    const powers = joined(Array.from(row, (v) => `e^${factor(v)}`), " + ");
    return { equation: "its share of all e^x", text: `e^${factor(x[n])} / (${powers})` };
  },

  zero_padding2d({ pads: [top, left], input: [H, W, C], output: [, OW] }, x, n) {
    const h = Math.floor(n / C / OW) - top, w = (Math.floor(n / C) % OW) - left;
    const inside = h >= 0 && h < H && w >= 0 && w < W;
    return { equation: inside ? `x${index(h, w, n % C)}` : "0, as it is outside of the image" };
  },
};

const FORMULAS = {
  relu: ["max(0, x)", (v) => `max(0, ${v})`],
  leaky_relu: ["x, and less of it below 0", (v, { slope }) => (v.startsWith("(") ? `${exact(slope)} · ${v}` : v)],
  sigmoid: ["1 / (1 + e^−x)", (v) => `1 / (1 + e^−${v})`],
  tanh: ["tanh x", (v) => `tanh ${v}`],
  gelu: ["x Φ(x), Φ the share of a normal distribution below x", (v) => `${v} · Φ(${v})`],
  gelu_tanh: ["x Φ(x), nearly", (v) => `${v} · Φ(${v})`],
  same: ["x", (v) => v],
};

function pointwise({ kind, ...step }, x, n) {
  const [equation, text] = FORMULAS[kind];
  return { equation, text: text(factor(x[n]), step) };
}

function normed(whose, [gamma, beta, mean, variance], epsilon, x) {
  const difference = `(${exact(x)} ${MINUS} ${factor(mean)})`, deviation = `√(${exact(variance)} + ${epsilon})`;
  const text = `${factor(gamma)} · ${difference} / ${deviation} + ${factor(beta)}`;
  return { equation: `γ (x ${MINUS} m) / √(v + ε) + β, with ${whose}`, text };
}

// Many numbers are left out, and counted.
function joined(texts, separator) {
  const shown = texts.length > 64 ? [...texts.slice(0, 8), `… (${texts.length} in all)`] : texts;
  return shown.join(separator);
}

const others = (count, noun) => `the other ${count} ${noun}${count > 1 ? "s" : ""}`;

// The pixels that the window of number n sees in one channel, each with its weight: {i, j, r, s, x, w}.
function productsOf(step, x, n, channel) {
  const [, W, C] = step.input, pixel = Math.floor(n / step.output.at(-1)), [, OW] = step.windows;
  const weights = weightsOf(step, n, channel);
  return taps(step, Math.floor(pixel / OW), pixel % OW).map((tap) => ({
    ...tap,
    x: x[(tap.r * W + tap.s) * C + channel],
    w: weights[tap.i * step.size[1] + tap.j],
  }));
}

// The filter of number n for one channel, row by row; of a pool it is empty.
function weightsOf({ W = [], groups, input, output, size: [kh, kw] }, n, channel) {
  const inGroup = input[2] / groups, F = output.at(-1);
  return Array.from({ length: kh * kw }, (_, tap) => W[(tap * inGroup + (channel % inGroup)) * F + (n % F)]);
}
