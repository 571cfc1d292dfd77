// A model of characters: one step forward, and backward through time. It computes what nnlite's kernels compute, in
// float64 with the kernels' float32 weights; tests/play/ compares the two, and the gradients.
//
// Letters: F features in, H units, V characters. x is an id, shorthand for a one-hot vector, or an array (F). A matrix is
// {numbers, rows, columns}, row after row. What a step computes is a record; records are never changed, so that a text
// can be continued from any of its characters. Each kind of layer has
//
//     start(layer, options)                 the record before the first step, of layers that have a state
//     step(layer, x, before, options)       the record of a step, with its output y
//     back(layer, now, dy, after)           gradients of that step; dx of its input, `before` of the states before it

// Arithmetic.

const zeros = (n) => new Float64Array(n);
const sigmoid = (z) => 1 / (1 + Math.exp(-z));
function mapped(n, f) {
  const made = new Float64Array(n);
  for (let i = 0; i < n; i++) made[i] = f(i);
  return made;
}
const sum = (a, b) => (b ? mapped(a.length, (i) => a[i] + b[i]) : a);

function addProduct(z, x, W, from = 0, columns = W.columns) {
  // z += x W, or columns from .. from + columns of W
  const { numbers } = W;
  const add = (scale, row) => {
    const start = row * W.columns + from;
    for (let k = 0; k < columns; k++) z[k] += scale * numbers[start + k];
  };
  if (typeof x === "number") add(1, x);
  else for (let row = 0; row < x.length; row++) if (x[row] !== 0) add(x[row], row);
  return z;
}

function productBack(dz, W, from = 0) {
  // dz W': the gradient of x in x W
  const { numbers } = W;
  return mapped(W.rows, (row) => {
    let dx = 0;
    const start = row * W.columns + from;
    for (let k = 0; k < dz.length; k++) dx += dz[k] * numbers[start + k];
    return dx;
  });
}

const held = (state, hold) => state.map((value, u) => (hold.has(u) ? hold.get(u) : value));
function joined(...blocks) {
  const H = blocks[0].length, made = new Float64Array(blocks.length * H);
  blocks.forEach((block, n) => made.set(block, n * H));
  return made;
}
const gateBack = (dgate, gate) => mapped(gate.length, (u) => dgate[u] * gate[u] * (1 - gate[u]));
const inputBack = (now, dz, Wx) => (typeof now.x === "number" ? null : productBack(dz, Wx)); // ids have no gradient

// Recurrent layers. options.hold maps units to values at which their state is held; options.shift gates to a number
// that is added to their sums.

const LSTM = {
  parts: ["i", "f", "g", "o", "c", "h"],
  state: "c",
  start: ({ units: H }, { hold = new Map() } = {}) => ({ h: zeros(H), c: held(zeros(H), hold) }),

  step({ units: H, arrays: { Wx, Wh, b } }, x, before, { hold = new Map(), shift = {} } = {}) {
    const z = addProduct(addProduct(Float64Array.from(b.numbers), x, Wx), before.h, Wh); // (1)
    const block = (n, gate, f) => mapped(H, (u) => f(z[n * H + u] + (shift[gate] || 0)));
    const i = block(0, "i", sigmoid), f = block(1, "f", sigmoid), g = block(2, "g", Math.tanh); // (2)
    const o = block(3, "o", sigmoid);
    const c = held(mapped(H, (u) => f[u] * before.c[u] + i[u] * g[u]), hold); // (3)
    const h = mapped(H, (u) => o[u] * Math.tanh(c[u])); // (4)
    return { x, before, hold, i, f, g, o, c, h, y: h };
  },

  back({ units: H, arrays: { Wx, Wh } }, now, dy, after) {
    const { i, f, g, o, c, before, hold } = now;
    const dh = sum(dy, after.h);
    const dc = mapped(H, (u) => dh[u] * o[u] * (1 - Math.tanh(c[u]) ** 2) + after.c[u]); // undoes (4)
    const through = (u) => (hold.has(u) ? 0 : dc[u]); // a cell that is held hands nothing on
    const dout = mapped(H, (u) => dh[u] * Math.tanh(c[u]));
    const di = mapped(H, (u) => through(u) * g[u]), df = mapped(H, (u) => through(u) * before.c[u]); // undoes (3)
    const dg = mapped(H, (u) => through(u) * i[u]);
    const dz_i = gateBack(di, i), dz_f = gateBack(df, f), dz_o = gateBack(dout, o); // undoes (2)
    const dz_g = mapped(H, (u) => dg[u] * (1 - g[u] ** 2));
    const dz = joined(dz_i, dz_f, dz_g, dz_o);
    const earlier = { h: productBack(dz, Wh), c: mapped(H, (u) => through(u) * f[u]) }; // undoes (1), (3)
    return { dh, dc, do: dout, di, df, dg, dz_i, dz_f, dz_g, dz_o, dx: inputBack(now, dz, Wx), before: earlier };
  },
};

const GRU = {
  // Also with reset_after=False, where r acts on h before the product with Wh: v = r * h, and u is not there.
  parts: ["z", "r", "g", "h"],
  state: "h",
  start: ({ units: H }, { hold = new Map() } = {}) => ({ h: held(zeros(H), hold) }),

  step({ units: H, reset_after: isAfter, arrays: { Wx, Wh, b } }, x, before, { hold = new Map(), shift = {} } = {}) {
    const ax = addProduct(Float64Array.from(b.numbers.subarray(0, 3 * H)), x, Wx); // (1)
    const ah = isAfter ? Float64Array.from(b.numbers.subarray(3 * H)) : zeros(3 * H);
    addProduct(ah, before.h, Wh, 0, isAfter ? 3 * H : 2 * H);
    const gate = (n, name) => mapped(H, (k) => sigmoid(ax[n * H + k] + ah[n * H + k] + (shift[name] || 0)));
    const z = gate(0, "z"), r = gate(1, "r"); // (2)
    const v = mapped(H, (k) => r[k] * before.h[k]);
    const u = isAfter ? ah.subarray(2 * H) : addProduct(zeros(H), v, Wh, 2 * H, H);
    const g = mapped(H, (k) => Math.tanh(ax[2 * H + k] + (isAfter ? r[k] * u[k] : u[k]) + (shift.g || 0))); // (3)
    const h = held(mapped(H, (k) => z[k] * before.h[k] + (1 - z[k]) * g[k]), hold); // (4)
    return { x, before, hold, z, r, g, u, h, y: h };
  },

  back({ units: H, reset_after: isAfter, arrays: { Wx, Wh } }, now, dy, after) {
    const { z, r, g, u, before, hold } = now;
    const dh = sum(dy, after.h);
    const through = (k) => (hold.has(k) ? 0 : dh[k]);
    const dz = mapped(H, (k) => through(k) * (before.h[k] - g[k])); // undoes (4)
    const dg = mapped(H, (k) => through(k) * (1 - z[k]));
    const da_g = mapped(H, (k) => dg[k] * (1 - g[k] ** 2)); // undoes (3)
    const du = isAfter ? mapped(H, (k) => da_g[k] * r[k]) : da_g;
    const dv = isAfter ? zeros(H) : productBack(da_g, Wh, 2 * H);
    const dr = mapped(H, (k) => (isAfter ? da_g[k] * u[k] : dv[k] * before.h[k]));
    const da_z = gateBack(dz, z), da_r = gateBack(dr, r); // undoes (2)
    const direct = mapped(H, (k) => through(k) * z[k] + dv[k] * r[k]);
    const to_h = isAfter ? joined(da_z, da_r, du) : joined(da_z, da_r);
    const earlier = { h: sum(direct, productBack(to_h, Wh)) }; // undoes (1)
    const dx = inputBack(now, joined(da_z, da_r, da_g), Wx);
    return { dh, dz, dr, dg, da_z, da_r, da_g, du, dv, dx, before: earlier };
  },
};

const RNN = {
  parts: ["h"],
  state: "h",
  start: ({ units: H }, { hold = new Map() } = {}) => ({ h: held(zeros(H), hold) }),

  step({ units: H, activation, arrays: { Wx, Wh, b } }, x, before, { hold = new Map(), shift = {}, scale = 1 } = {}) {
    const recurrent = addProduct(zeros(H), before.h, Wh);
    const z = addProduct(Float64Array.from(b.numbers), x, Wx); // (1)
    const f = activation === "relu" ? (a) => Math.max(a, 0) : Math.tanh;
    const h = held(mapped(H, (u) => f(z[u] + scale * recurrent[u] + (shift.h || 0))), hold); // (2)
    return { x, before, hold, scale, h, y: h };
  },

  back({ units: H, activation, arrays: { Wx, Wh } }, { x, h, hold, scale }, dy, after) {
    const dh = sum(dy, after.h);
    const slope = activation === "relu" ? (y) => Number(y > 0) : (y) => 1 - y * y;
    const dz = mapped(H, (u) => (hold.has(u) ? 0 : dh[u] * slope(h[u]))); // undoes (2)
    const earlier = productBack(dz, Wh).map((d) => scale * d); // undoes (1)
    return { dh, dz, dx: inputBack({ x }, dz, Wx), before: { h: earlier } };
  },
};

// Layers without a state.

function elementwise(f, slope) {
  return {
    step: (layer, x) => ({ x, y: x.map((a) => f(a, layer)) }),
    back: (layer, { x, y }, dy) => ({ dx: mapped(dy.length, (i) => dy[i] * slope(y[i], layer, x[i])) }),
  };
}

const KINDS = {
  LSTM,
  GRU,
  RNN,
  OneHot: {
    step: ({ vocabulary_size: V }, x) => ({ x, y: mapped(V, (v) => Number(v === x)) }),
    back: () => ({ dx: null }),
  },
  Embedding: {
    step: ({ arrays: { W } }, x) => ({ x, y: addProduct(zeros(W.columns), x, W) }),
    back: () => ({ dx: null }),
  },
  Dense: {
    step({ arrays: { W, b } }, x) {
      return { x, y: addProduct(b ? Float64Array.from(b.numbers) : zeros(W.columns), x, W) };
    },
    back: ({ arrays: { W } }, now, dy) => ({ dx: productBack(dy, W) }),
  },
  LayerNorm: {
    step({ epsilon, arrays: { gamma, beta } }, x) {
      const mean = x.reduce((total, a) => total + a, 0) / x.length;
      const variance = x.reduce((total, a) => total + (a - mean) ** 2, 0) / x.length;
      const deviation = Math.sqrt(variance + epsilon);
      const u = x.map((a) => (a - mean) / deviation);
      return { x, u, deviation, y: u.map((a, i) => gamma.numbers[i] * a + beta.numbers[i]) };
    },
    back({ arrays: { gamma } }, { u, deviation }, dy) {
      const g = dy.map((d, i) => d * gamma.numbers[i]);
      const mean = g.reduce((total, a) => total + a, 0) / g.length;
      const along = g.reduce((total, a, i) => total + a * u[i], 0) / g.length;
      return { dx: g.map((a, i) => (a - mean - u[i] * along) / deviation) };
    },
  },
  Tanh: elementwise(Math.tanh, (y) => 1 - y * y),
  Sigmoid: elementwise(sigmoid, (y) => y * (1 - y)),
  ReLU: elementwise((x) => Math.max(x, 0), (y) => Number(y > 0)),
  LeakyReLU: elementwise(
    (x, layer) => (x >= 0 ? x : layer.negative_slope * x),
    (y, layer, x) => (x > 0 ? 1 : layer.negative_slope)
  ),
  Softmax: {
    step: (layer, x) => ({ x, y: softmax(x) }),
    back(layer, { y }, dy) {
      const along = dy.reduce((total, d, v) => total + d * y[v], 0);
      return { dx: y.map((p, v) => p * (dy[v] - along)) };
    },
  },
};

function softmax(logits, temperature = 1) {
  const top = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const e = logits.map((a) => Math.exp((a - top) / temperature));
  const total = e.reduce((a, b) => a + b, 0);
  return e.map((a) => a / total);
}

// The model.

function readNetwork({ layers, format, numbers }) {
  const bytes = Uint8Array.from(atob(numbers), (c) => c.charCodeAt(0)).buffer;
  const all = format === "float16" ? Float32Array.from(new Uint16Array(bytes), fromHalf) : new Float32Array(bytes);
  let start = 0;
  return layers.map((layer) => {
    const arrays = {};
    for (const [name, shape] of Object.entries(layer.arrays)) {
      const size = shape.reduce((a, b) => a * b, 1);
      arrays[name] = { numbers: all.subarray(start, start + size), rows: shape[0], columns: shape[1] };
      start += size;
    }
    return { ...layer, arrays };
  });
}

function fromHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return exponent ? sign * 2 ** (exponent - 15) * (1 + fraction / 1024) : sign * 2 ** -14 * (fraction / 1024);
}

function startOf(network, options = []) {
  return network.map((layer, n) => (KINDS[layer.kind].start ? KINDS[layer.kind].start(layer, options[n]) : null));
}

// One step of all layers from the records before it. options is a list: those of each layer, if it has any.
function stepOf(network, before, id, options = []) {
  let y = id;
  return network.map((layer, n) => {
    const now = KINDS[layer.kind].step(layer, y, before[n], options[n]);
    y = now.y;
    return now;
  });
}

// The logits of the next character: of a model that ends in Softmax the logarithms of its probabilities.
function logitsOf(network, records) {
  const y = records[records.length - 1].y;
  return network[network.length - 1].kind === "Softmax" ? y.map(Math.log) : y;
}

// Gradients at each step, of each layer, of a loss whose gradient with respect to the logits is dlogits[t], or null.
function backward(network, steps, dlogits) {
  const last = network.length - (network[network.length - 1].kind === "Softmax" ? 2 : 1); // p - target is before Softmax
  const gradients = steps.map(() => []);
  const after = startOf(network); // zeros: nothing comes back from behind the text
  for (let t = steps.length - 1; t >= 0; t--) {
    let dy = dlogits[t] || zeros(steps[t][last].y.length);
    for (let n = last; n >= 0; n--) {
      const found = KINDS[network[n].kind].back(network[n], steps[t][n], dy, after[n]);
      gradients[t][n] = found;
      after[n] = found.before;
      dy = found.dx;
    }
  }
  return gradients;
}

// The gradient of the cross-entropy of a target with respect to the logits.
const lossBack = (logits, target) => softmax(logits).map((p, v) => p - Number(v === target));
