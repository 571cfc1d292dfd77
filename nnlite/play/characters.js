// The page of a model of characters: its state, and what it reads and writes. cells.js, backward.js, reach.js and film.js
// are the sections below.

const data = JSON.parse(byId("data").textContent);
const network = readNetwork(data.network);
const characters = Array.from(data.characters); // not split(""): a character may take two units of UTF-16
const idOf = new Map(characters.map((c, id) => [c, id]));
const recurrent = network.flatMap((layer, n) => (KINDS[layer.kind].start ? [n] : []));

// ids: what was read; the first `typed` are the user's, the others the model's. steps[t]: the records of all layers after
// ids[t]; surprise[t]: 0 where ids[t] was expected. at: how many are looked at. held: for each layer the units that are
// held, and at what. writing: what tells one request to write from the next; null while the model does not write.
const state = {
  ids: [],
  steps: [],
  surprise: [],
  typed: 0,
  at: 1,
  seed: 0,
  choice: { temperature: 0.75, topK: characters.length, topP: 1 },
  layer: data.suggested.layer,
  unit: data.suggested.unit,
  held: network.map(() => new Map()),
  writing: null,
};

const shownCharacter = (c) => ({ "\n": "↵", " ": "␣", "\t": "⇥" })[c] || c;
const named = (c) => ({ "\n": "line break", " ": "space", "\t": "tab" })[c] || `“${c}”`;
const percent = (p) => `${(100 * p).toFixed(p < 0.0995 ? 1 : 0)}\u00a0%`;
const nameOf = (layer) => (recurrent.length > 1 ? `${layer.kind} “${layer.name}”` : `the ${layer.kind}`);
const kind = () => KINDS[network[state.layer].kind];
const records = (t) => steps(t)[state.layer];
const steps = (t) => (t < 0 ? startOf(network, options(state.held)) : state.steps[t]);
const options = (held) => network.map((_, n) => ({ hold: held[n] }));

// Sections redraw what depends on the text: `fast` also while the model writes, `slow` when it has stopped.
const fast = [],
  slow = [];
let later = null;
const drawSoon = soon(() => {
  for (const draw of fast) draw();
  clearTimeout(later);
  if (state.writing) return;
  later = setTimeout(() => {
    for (const draw of slow) draw();
    byId("main").setAttribute("aria-busy", "false");
  }, 60);
});
function redraw() {
  byId("main").setAttribute("aria-busy", "true");
  drawSoon();
}

// Reading.

function read(from) {
  state.steps.length = from;
  for (let t = from; t < state.ids.length; t++) {
    const p = t ? softmax(logitsOf(network, steps(t - 1)))[state.ids[t]] : 1;
    state.surprise[t] = Math.min(1, -Math.log(p) / 6); // 6 nats: one of 400 characters
    state.steps.push(stepOf(network, steps(t - 1), state.ids[t], options(state.held)));
  }
}

function type(text) {
  const known = [],
    unknown = new Set();
  for (let c of Array.from(text)) {
    if (!idOf.has(c) && idOf.has(c.toLowerCase())) c = c.toLowerCase();
    if (idOf.has(c)) known.push(idOf.get(c));
    else unknown.add(c);
  }
  if (!known.length) known.push(idOf.get("\n") ?? 0); // as nnlite sample begins
  let same = 0; // what has been read need not be read again
  while (same < known.length && known[same] === state.ids[same]) same++;
  stop();
  state.ids = known;
  state.typed = state.at = known.length;
  read(Math.min(same, state.steps.length));
  const which = [...unknown].map(named).join(", ");
  byId("unknown").textContent = unknown.size ? `Left out, as the model does not know it: ${which}` : "";
  redraw();
}

function goTo(at) {
  stop();
  state.at = Math.max(1, Math.min(state.ids.length, at));
  redraw();
}

// Writing: the k-th character after the typed ones is drawn with the seed's k-th number.

let numbers = { seed: null, drawn: [] };
function uniform(k) {
  if (numbers.seed !== state.seed) numbers = { seed: state.seed, drawn: [], next: uniformsOf(state.seed) };
  while (numbers.drawn.length <= k) numbers.drawn.push(numbers.next());
  return numbers.drawn[k];
}

function writeOne() {
  if (state.at < state.ids.length) state.ids.length = state.steps.length = state.at;
  if (state.at < state.typed) {
    state.typed = state.at;
    byId("typed").value = state.ids.map((id) => characters[id]).join("");
  }
  const id = draw(logitsOf(network, steps(state.at - 1)), state.choice, uniform(state.at - state.typed));
  state.ids.push(id);
  read(state.at);
  state.at++;
}

function write(count) {
  stop();
  if (isCalm()) {
    for (; count > 0; count--) writeOne();
    return redraw();
  }
  const mine = (state.writing = {});
  byId("write-200").textContent = count > 1 ? "Stop" : "Write 200";
  const next = () => {
    if (state.writing !== mine) return; // it was stopped
    writeOne();
    if (--count > 0) requestAnimationFrame(next);
    else stop();
    redraw();
  };
  next();
}

function stop() {
  state.writing = null;
  byId("write-200").textContent = "Write 200";
}

// A text on paper: a span for each character, with a background by number -1 .. 1, and what a click does. Backgrounds
// are half as strong as elsewhere, so that ink can be read on all of them.
function paper(place, { ids, backgrounds = () => 0, classes = () => "", onPick = () => {} }) {
  place.onclick = ({ target }) => target !== place && onPick([...place.children].indexOf(target));
  while (place.children.length > ids.length) place.lastChild.remove();
  ids.forEach((id, t) => {
    const span = place.children[t] || place.appendChild(element("span"));
    const text = characters[id] === "\n" ? "↵\n" : characters[id];
    if (span.textContent !== text) span.textContent = text;
    const name = `${classes(t)}${characters[id] === "\n" ? " break" : ""}`.trim();
    if (span.className !== name) span.className = name;
    const value = Math.max(-1, Math.min(1, backgrounds(t))),
      tint = Math.abs(value) > 0.02 ? diverging(value / 2) : "";
    if (span.tint !== tint) span.style.backgroundColor = span.tint = tint;
  });
}

fast.push(() => {
  const { ids, at, typed } = state;
  paper(byId("paper"), {
    ids,
    backgrounds: (t) => (t < at ? state.surprise[t] : 0),
    classes: (t) => `${t < typed ? "given" : ""}${t === at - 1 ? " here" : ""}${t >= at ? " later" : ""}`,
    onPick: (t) => goTo(t + 1),
  });
  byId("at").max = ids.length;
  byId("at").value = at;
  atSlider.show();
  byId("back").disabled = at <= 1;
  byId("forward").disabled = at >= ids.length;
});

// Inside: a strip of all units for each gate and state.

const MEANING = {
  LSTM: { i: "input gate", f: "forget gate", g: "candidate", o: "output gate", c: "cell", h: "output" },
  GRU: { z: "update gate", r: "reset gate", g: "candidate", h: "state" },
  RNN: { h: "state" },
};
const isGate = (part) => "ifozr".includes(part);
// A number for its colour, from -1 to 1: a gate is in the middle at 1/2.
const shade = (part, value) => (isGate(part) ? 2 * value - 1 : part === "c" ? Math.tanh(value) : value);

function makeStrips() {
  const { kind: name, units } = network[state.layer];
  byId("strips").replaceChildren(
    ...KINDS[name].parts.map((part) => {
      const canvas = element("canvas", { width: units, height: 1, role: "img", id: `strip-${part}` });
      canvas.onclick = (event) => choose(Math.floor((event.offsetX / canvas.clientWidth) * units));
      const label = element("span", { class: "strip-name" }, element("b", {}, part), ` ${MEANING[name][part]}`);
      return element("div", { class: "strip" }, label, element("output", { id: `strip-${part}-value` }), canvas);
    }),
  );
  const gates = KINDS[name].parts.some(isGate) ? " A gate is blue where it is closed, orange where it is open." : "";
  byId("strips-hint").textContent =
    `${units} units, from left to right.${gates} The numbers are those of the unit under ` +
    "the mark: click a strip to choose another.";
}

fast.push(() => {
  const now = records(state.at - 1),
    { units } = network[state.layer];
  byId("inside-of").textContent = `after ${named(characters[state.ids[state.at - 1]])}`;
  for (const part of kind().parts) {
    const canvas = byId(`strip-${part}`),
      context = canvas.getContext("2d");
    now[part].forEach((value, u) => {
      context.fillStyle = diverging(shade(part, value));
      context.fillRect(u, 0, 1, 1);
    });
    const shown = now[part][state.unit].toFixed(2);
    byId(`strip-${part}-value`).textContent = shown;
    canvas.parentNode.style.setProperty("--mark-at", `${((state.unit + 0.5) / units) * 100}%`);
    canvas.setAttribute("aria-label", `${part} of all units; of unit ${state.unit}: ${shown}`);
  }
});

// The next character.

const MOST_BARS = 60;
function makeBars() {
  const label = (v) => element("b", {}, shownCharacter(characters[v]));
  const bar = (v) => element("span", { class: "bar" }, element("i"), element("u"), label(v));
  byId("bars").replaceChildren(...characters.slice(0, MOST_BARS).map((_, v) => bar(v)));
}

fast.push(() => {
  const logits = logitsOf(network, steps(state.at - 1));
  const own = softmax(logits),
    p = probabilities(logits, state.choice);
  const order = [...p.keys()].sort((a, b) => p[b] - p[a] || own[b] - own[a]);
  // Of a large vocabulary the likeliest, in their order.
  const shown = characters.length > MOST_BARS ? order.slice(0, MOST_BARS).sort((a, b) => a - b) : [...p.keys()];
  const top = Math.max(...p, ...own);
  shown.forEach((v, n) => {
    const [solid, line, label] = byId("bars").children[n].children;
    solid.style.height = `${(100 * p[v]) / top}%`;
    line.style.bottom = `${(100 * own[v]) / top}%`;
    if (characters.length > MOST_BARS) label.textContent = shownCharacter(characters[v]);
  });
  const likeliest = order.slice(0, 5).filter((v) => p[v] >= 0.0005);
  const words = likeliest.map((v) => `${named(characters[v])} ${percent(p[v])}`).join(", ");
  byId("likely").textContent = words;
  byId("bars").setAttribute("aria-label", `The most likely next characters: ${words}`);
  const shownEntropy = (id, nats) => {
    byId(id).textContent = `${nats.toFixed(2)} nats`;
    byId(`${id}-choice`).textContent = `a choice between ${Math.exp(nats).toFixed(1)}`;
  };
  shownEntropy("entropy", entropy(p));
  shownEntropy("entropy-own", entropy(own));
});

// Which layer and which unit the whole page looks at.

function choose(unit, layer = state.layer) {
  const isOther = layer !== state.layer;
  state.layer = layer;
  state.unit = Math.max(0, Math.min(network[layer].units - 1, unit));
  if (isOther) for (const make of remade) make();
  redraw();
}
const remade = [makeStrips]; // what depends on the layer

// Controls.

function chosen(name) {
  return (value) => {
    state.choice[name] = value;
    redraw();
  };
}
const place = (t) => (state.ids.length ? `${t} of ${state.ids.length}: ${named(characters[state.ids[t - 1]])}` : "");
const atSlider = slider("at", place, goTo);
slider("temperature", (t) => (t ? t.toFixed(2) : "0: always the most likely"), chosen("temperature"));
byId("top-k").max = characters.length; // before its value, which may not be larger
byId("top-k").value = characters.length;
slider("top-k", (k) => (k === characters.length ? "all" : `${k} (top-k)`), chosen("topK"));
slider("top-p", (p) => (p === 1 ? "all" : `${p.toFixed(2)} (top-p)`), chosen("topP"));
byId("typed").oninput = () => type(byId("typed").value);
byId("back").onclick = () => goTo(state.at - 1);
byId("forward").onclick = () => goTo(state.at + 1);
byId("write-1").onclick = () => write(1);
byId("write-200").onclick = () => (state.writing ? (stop(), redraw()) : write(200));
byId("seed").oninput = () => {
  state.seed = Math.max(0, Math.floor(Number(byId("seed").value)) || 0);
  redraw();
};
for (const n of recurrent) {
  const { name, kind, units } = network[n];
  byId("layer").append(element("option", { value: n }, `${name}: ${kind} of ${units} units`));
}
byId("layer").value = state.layer;
byId("layer").onchange = () => choose(0, Number(byId("layer").value));
byId("layer-row").hidden = recurrent.length < 2;
