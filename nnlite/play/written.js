// The gradients of one unit at one step, written out: the equations of nnlite.derive.backward, in letters and in numbers.

// Each [name, formula]: the names in a formula are those of the values; "h_{t-1}" and "dh_next" are of other steps.
const EQUATIONS = {
  LSTM: [
    ["dh_t", "dy_t + dh_next"],
    ["dc_t", "dh_t * o * (1 - tanh(c_t)^2) + dc_next"],
    ["do", "dh_t * tanh(c_t)"],
    ["di", "dc_t * g"],
    ["df", "dc_t * c_{t-1}"],
    ["dg", "dc_t * i"],
    ["dz_i", "di * i * (1 - i)"],
    ["dz_f", "df * f * (1 - f)"],
    ["dz_o", "do * o * (1 - o)"],
    ["dz_g", "dg * (1 - g^2)"],
    ["dc_{t-1}", "dc_t * f"],
  ],
  GRU: [
    ["dh_t", "dy_t + dh_next"],
    ["dz", "dh_t * (h_{t-1} - g_t)"],
    ["dg", "dh_t * (1 - z_t)"],
    ["da_g", "dg * (1 - g_t^2)"],
    ["dr", "da_g * u_t"],
    ["du", "da_g * r_t"],
    ["da_z", "dz * z_t * (1 - z_t)"],
    ["da_r", "dr * r_t * (1 - r_t)"],
  ],
  GRU_RESET_BEFORE: [
    ["dh_t", "dy_t + dh_next"],
    ["dz", "dh_t * (h_{t-1} - g_t)"],
    ["dg", "dh_t * (1 - z_t)"],
    ["da_g", "dg * (1 - g_t^2)"],
    ["da_z", "dz * z_t * (1 - z_t)"],
    ["dr", "dv * h_{t-1}"],
    ["da_r", "dr * r_t * (1 - r_t)"],
  ],
  RNN: [
    ["dh_t", "dy_t + dh_next"],
    ["dz", "dh_t * (1 - h_t^2)"],
  ],
  RNN_RELU: [["dh_t", "dy_t + dh_next"]],
};

function equationsOf(layer) {
  if (layer.kind === "GRU" && !layer.reset_after) return EQUATIONS.GRU_RESET_BEFORE;
  return EQUATIONS[layer.kind === "RNN" && layer.activation === "relu" ? "RNN_RELU" : layer.kind];
}

// The sum that is too long to be written out, of as many terms as the layer has gates times units.
const SUMS = {
  LSTM: "dh_{t-1} = dz Wh'",
  GRU: "dh_{t-1} = dh_t * z_t + da_h Wh'",
  RNN: "dh_{t-1} = dz Wh'",
};

// Names in a formula: letters, then _t, _{t-1} or _next or a gate. Not tanh, nor numbers.
const NAME = /[a-z]+(?:_(?:\{t-1\}|next|[a-z]))?/g;

// Rows of an equation in letters, in numbers and its value: [name, letters, numbers, value] of unit u.
function written(layer, now, gradients, after, u) {
  const values = {
    dy_t: gradients.dh[u] - after.h[u],
    dh_next: after.h[u],
    dc_next: after.c && after.c[u],
    "c_{t-1}": now.before.c && now.before.c[u],
    "h_{t-1}": now.before.h[u],
    "dc_{t-1}": gradients.before.c && gradients.before.c[u],
  };
  for (const [name, array] of [...Object.entries(now), ...Object.entries(gradients)])
    if (array instanceof Float64Array) values[name] = values[`${name}_t`] = array[u];
  const inLetters = (formula) => formula.replace(NAME, (name) => (name === "tanh" ? name : `${name}[${u}]`));
  const inNumbers = (formula) =>
    formula
      .replace(/tanh\(([a-z_]+)\)/g, (_, name) => `TANH(${digits(values[name])})`)
      .replace(NAME, (name) => (values[name] < 0 ? `(${digits(values[name])})` : digits(values[name])))
      .replaceAll(" * ", "*")
      .replaceAll("TANH", "tanh");
  return equationsOf(layer).map(([name, formula]) => [
    `${name}[${u}]`,
    inLetters(formula),
    inNumbers(formula),
    digits(values[name]),
  ]);
}
