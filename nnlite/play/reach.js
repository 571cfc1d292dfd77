// The norm of the gradient back through time: of the model's own layer, with its gates moved, and of a plain RNN.

const STEPS_BACK = 200; // at most: the text may be shorter

// What can be moved: a number added to the sums of a gate, for all units.
const MOVED = {
  LSTM: [
    ["f", "Forget gate"],
    ["i", "Input gate"],
    ["o", "Output gate"],
  ],
  GRU: [
    ["z", "Update gate"],
    ["r", "Reset gate"],
  ],
  RNN: [],
};
const shift = {};
let radius = null; // of the RNN's Wh
let forget = 0.95; // beside an RNN: the forget gate of an LSTM's cell whose input gate is closed

// A plain RNN made of the candidate's weights, whose Wh has a spectral radius that Python has computed.
function plainRnn(layer) {
  const H = layer.units,
    gates = layer.kind === "LSTM" ? 4 : 3;
  const block = ({ numbers, rows }) => {
    const cut = new Float32Array(rows * H);
    for (let row = 0; row < rows; row++)
      cut.set(numbers.subarray((row * gates + 2) * H, (row * gates + 3) * H), row * H);
    return { numbers: cut, rows, columns: H };
  };
  const { Wx, Wh, b } = layer.arrays;
  return {
    kind: "RNN",
    units: H,
    activation: "tanh",
    arrays: { Wx: block(Wx), Wh: block(Wh), b: { numbers: b.numbers.subarray(2 * H, 3 * H) } },
  };
}

// Norms of the states' gradients, from the last step back to the first, each over that of the last step.
function flow(layer, xs, options) {
  const one = KINDS[layer.kind],
    now = [];
  for (const x of xs) now.push(one.step(layer, x, now.length ? now[now.length - 1] : one.start(layer), options));
  let after = one.start(layer);
  const norms = { h: [], c: [] };
  const start = mapped(layer.units, (u) => Math.sin(1 + 7 * u)); // some direction, always the same
  const direction = start.map((x) => x / normOf(start));
  if (layer.kind === "LSTM") after.c = direction;
  for (let t = xs.length - 1; t >= 0; t--) {
    const back = one.back(layer, now[t], t === xs.length - 1 ? direction : zeros(layer.units), after);
    norms.h.push(normOf(back.dh));
    if (back.dc) norms.c.push(normOf(back.dc));
    after = back.before;
  }
  const relative = (list) => list.map((norm) => norm / list[0]);
  return { h: relative(norms.h), c: relative(norms.c), now };
}

const meanOf = (now, gate) =>
  now.reduce((total, { [gate]: g }) => total + g.reduce((a, b) => a + b, 0) / g.length, 0) / now.length;
const LEAST = -12; // powers of ten

function makeGates() {
  const layer = network[state.layer];
  for (const [gate] of MOVED[layer.kind]) shift[gate] = 0;
  radius = layer.kind === "RNN" ? data.usual[state.layer].radius : 1;
  const made = (id, text, attributes) =>
    element(
      "div",
      { class: "slider" },
      element("label", { for: id }, text),
      element("output", { id: `${id}-value`, for: id }),
      element("input", { type: "range", id, ...attributes }),
    );
  const reset = element("button", { type: "button", id: "gates-reset" }, "As it learned to");
  reset.onclick = () => {
    makeGates();
    redraw();
  };
  byId("gates").replaceChildren(
    ...MOVED[layer.kind].map(([gate, text]) => made(`move-${gate}`, text, { min: -8, max: 8, step: 0.25, value: 0 })),
    made("radius", layer.kind === "RNN" ? "Spectral radius of Wh" : "The RNN's spectral radius", {
      min: 0.2,
      max: Math.max(2, 1.5 * radius).toFixed(1),
      step: 0.01,
      value: radius,
    }),
    ...(layer.kind === "RNN"
      ? [made("forget", "Beside it: an LSTM's forget gate", { min: 0.5, max: 1, step: 0.01, value: forget })]
      : []),
    element("div", { class: "row" }, reset),
  );
  for (const [gate] of MOVED[layer.kind])
    slider(
      `move-${gate}`,
      (by) => `${by < 0 ? "−" : "+"}${Math.abs(by)}`,
      (by) => {
        shift[gate] = by;
        drawFlow();
      },
    );
  if (layer.kind === "RNN")
    slider(
      "forget",
      (value) => value.toFixed(2),
      (value) => {
        forget = value;
        drawFlow();
      },
    );
  slider(
    "radius",
    (value) => value.toFixed(2),
    (value) => {
      radius = value;
      drawFlow();
    },
  );
  byId("reach-lead").textContent =
    layer.kind === "RNN"
      ? `At each step back the gradient is multiplied by Wh' and by the slope of ${layer.activation}. Where the largest ` +
        "eigenvalue of Wh is below 1 it vanishes, and what is far back cannot be learned; above 1 it may explode. An " +
        "LSTM's cell multiplies it by its forget gate, and by nothing else."
      : `A gradient of length 1 at the character chosen above, and what is left of it further back: in ${nameOf(layer)}, ` +
        "and in an RNN without gates that has the weights of its candidate. Move the gates: " +
        (layer.kind === "LSTM"
          ? "with the forget gate open and the input gate closed the cell's gradient hardly changes."
          : "with the update gate open the state, and its gradient, hardly changes.");
}
remade.push(makeGates);

function drawFlow() {
  const layer = network[state.layer];
  const xs = state.steps.slice(Math.max(0, state.at - STEPS_BACK), state.at).map((records) => records[state.layer].x);
  const scale = radius / (data.usual[state.layer].radius || 1);
  const own = flow(layer, xs, layer.kind === "RNN" ? { scale } : { shift });
  const rnn = layer.kind === "RNN" ? null : flow(plainRnn(layer), xs, { scale });
  const curves = [["own", `δh of ${nameOf(layer)}`, own.h]];
  if (own.c.length) curves.unshift(["cell", `δc of ${nameOf(layer)}`, own.c]);
  if (rnn) curves.push(["rnn", "δh of an RNN", rnn.h]);
  else curves.push(["cell", `δc of a cell with f = ${forget.toFixed(2)}, i = 0`, own.h.map((_, n) => forget ** n)]);
  const log = (norm) => Math.max(LEAST, Math.min(4, norm > 0 ? Math.log10(norm) : LEAST));
  const last = xs.length - 1;
  const ticks = [-12, -9, -6, -3, 0, 3].map((power) => [power, power ? `1e${power}` : "1"]);
  const every = Math.max(1, Math.ceil(last / 8 / 5) * 5);
  const drawn = chart({
    label:
      "The gradient's norm by the number of steps back. " +
      curves.map(([, name, list]) => `${name}: ${digits(list[last])} after ${last} steps`).join("; "),
    curves: curves.map(([className, , list]) => ({ className, points: list.map((norm, n) => [n, log(norm)]) })),
    axes: { x: [0, Math.max(1, last)], y: [LEAST, 4] },
    ticks: {
      y: ticks,
      x: Array.from({ length: Math.floor(last / every) + 1 }, (_, n) => [n * every, n ? String(n * every) : "now"]),
    },
  });
  byId("flow").replaceChildren(drawn, element("p", { class: "axis" }, "steps back"));
  byId("flow-legend").replaceChildren(
    ...curves.map(([className, name, list]) =>
      element(
        "span",
        { class: `key ${className}` },
        `${name}: ${last > 0 ? `times ${digits(list[last] ** (1 / last))} at each step` : ""}`,
      ),
    ),
  );
  for (const [gate] of MOVED[layer.kind])
    byId(`move-${gate}-value`).textContent =
      `${shift[gate] < 0 ? "−" : "+"}${Math.abs(shift[gate])}: ${meanOf(own.now, gate).toFixed(2)} on average`;
}
slow.push(drawFlow);
