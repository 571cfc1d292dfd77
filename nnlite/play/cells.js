// All cells of a layer as a grid; one of them on the text; and what a poem loses where cells are held.

const POEM = 400; // characters

function makeGrid() {
  const { units } = network[state.layer];
  byId("grid").replaceChildren(
    ...Array.from({ length: units }, (_, u) => {
      const says = { "aria-selected": "false", "aria-label": `${what()} ${u}` };
      const cell = element("div", { role: "option", id: `cell-${u}`, ...says });
      cell.onclick = () => choose(u);
      return cell;
    }),
  );
  const { kind: name, units: H } = network[state.layer];
  byId("grid-head").textContent = `The ${H} ${name === "LSTM" ? "cells" : "units"} of ${nameOf(network[state.layer])}`;
  byId("cells-lead").textContent =
    `${name === "LSTM" ? "Its cells are" : "The units of its state are"} what the model ` +
    "remembers. Some can be read, such as one that counts the characters of a line. But that a cell goes along with " +
    "something does not prove that the model uses it. To find out, hold it at one value: the poem is written again, from " +
    "the same line and with the same random numbers.";
}
remade.push(makeGrid);

const isHeld = (u) => state.held[state.layer].has(u);
const valueOf = (now, u) => now[kind().state][u];
const what = () => (kind().state === "c" ? "Cell" : "Unit");

fast.push(() => {
  const now = records(state.at - 1);
  const cells = byId("grid").children;
  for (let u = 0; u < cells.length; u++) {
    cells[u].style.backgroundColor = diverging(shade(kind().state, valueOf(now, u)));
    cells[u].className = `${u === state.unit ? "chosen" : ""}${isHeld(u) ? " held" : ""}`;
    cells[u].setAttribute("aria-selected", String(u === state.unit));
  }
  cells[state.unit].setAttribute(
    "aria-label",
    `${what()} ${state.unit}: ${valueOf(now, state.unit).toFixed(2)}${isHeld(state.unit) ? ", held" : ""}`,
  );
  byId("grid").setAttribute("aria-activedescendant", `cell-${state.unit}`);
});

byId("grid").onkeydown = (event) => {
  const cells = byId("grid").children;
  const columns = [...cells].filter((cell) => cell.offsetTop === cells[0].offsetTop).length;
  const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -Infinity, End: Infinity };
  const move = moves[event.key];
  if (move) choose(Math.max(0, Math.min(cells.length - 1, state.unit + move)));
  else if (event.key === "Enter" || event.key === " ") toggle();
  else return;
  event.preventDefault();
};

// Holding.

function hold(unit, value) {
  if (value === null) state.held[state.layer].delete(unit);
  else state.held[state.layer].set(unit, value);
  heldChanged();
}

function heldChanged() {
  stop();
  read(0);
  redraw();
}

const mean = () => data.usual[state.layer].mean[state.unit];
const toggle = () => hold(state.unit, isHeld(state.unit) ? null : Number(byId("hold-at").value));
byId("hold").onclick = toggle;
byId("hold-mean").onclick = () => hold(state.unit, mean());
byId("release").onclick = () => {
  for (const held of state.held) held.clear();
  heldChanged();
};
const holdSlider = slider(
  "hold-at",
  (value) => value.toFixed(2),
  (value) => {
    if (isHeld(state.unit)) hold(state.unit, value);
  },
);

let shownUnit = "";
fast.push(() => {
  const { low, high } = data.usual[state.layer],
    u = state.unit;
  if (shownUnit !== `${state.layer} ${u}`) {
    shownUnit = `${state.layer} ${u}`;
    const room = Math.max(0.5, (high[u] - low[u]) / 2);
    byId("hold-at").min = (low[u] - room).toFixed(2);
    byId("hold-at").max = (high[u] + room).toFixed(2);
    byId("hold-at").value = isHeld(u) ? state.held[state.layer].get(u) : mean();
  } else if (isHeld(u)) byId("hold-at").value = state.held[state.layer].get(u);
  holdSlider.show();
  byId("unit-head").textContent = `${what()} ${u}, on your text`;
  const usual =
    `In 2,000 characters that the model wrote it was between ${low[u].toFixed(2)} and ${high[u].toFixed(2)}, ` +
    `${mean().toFixed(2)} on average.`;
  const { layer, unit, r } = data.suggested;
  const isBest = layer === state.layer && unit === u && r;
  const best = `Of all it follows the place in the line best, with a correlation of ${r.toFixed(2)}`;
  byId("unit-why").textContent = `${usual}${isBest ? ` ${best}${Math.abs(r) < 0.4 ? ": hardly" : ""}.` : ""}`;
  byId("hold").textContent = isHeld(u) ? "Let go" : "Hold";
  byId("hold").setAttribute("aria-pressed", String(isHeld(u)));
  const list = network.flatMap((layer, n) => {
    const where = recurrent.length > 1 ? `${layer.name} ` : "";
    return [...state.held[n]].map(([unit, value]) => `${where}${unit} at ${value.toFixed(2)}`);
  });
  byId("held").textContent = list.length ? `Held, on the whole page: ${list.join(", ")}.` : "Nothing is held.";
  byId("release").disabled = !list.length;
  const scale = Math.max(Math.abs(low[u]), Math.abs(high[u]), 0.1);
  paper(byId("coloured"), {
    ids: state.ids,
    backgrounds: (t) => valueOf(records(t), u) / scale,
    classes: (t) => (t === state.at - 1 ? "here" : ""),
    onPick: (t) => goTo(t + 1),
  });
});

// The same poem twice, with the same line and the same random numbers.

let poemOf = {};
function poem(held, line) {
  const key = JSON.stringify([line, state.seed, state.choice, held.map((one) => [...one])]);
  if (poemOf[key]) return poemOf[key];
  let now = startOf(network, options(held));
  const next = (id) => (now = stepOf(network, now, id, options(held)));
  for (const id of line) next(id);
  const ids = [];
  for (let k = 0; k < POEM; k++) {
    if (k) next(ids[k - 1]);
    ids.push(draw(logitsOf(network, now), state.choice, uniform(k)));
  }
  if (Object.keys(poemOf).length > 20) poemOf = {};
  return (poemOf[key] = ids);
}

function counted(ids) {
  const text = ids.map((id) => characters[id]).join("");
  const lines = text.split("\n"),
    words = text.match(/[\p{L}']+/gu) || [];
  return [
    ["line breaks", lines.length - 1],
    ["characters a line", (text.replaceAll("\n", "").length / lines.length).toFixed(0)],
    ["letters a word", (words.join("").length / Math.max(1, words.length)).toFixed(1)],
    ["different words", new Set(words).size],
  ];
}

slow.push(() => {
  const line = state.ids.slice(0, state.typed),
    isAny = state.held.some((held) => held.size);
  byId("poems").hidden = !isAny;
  if (!isAny) return;
  const free = poem(
      network.map(() => new Map()),
      line,
    ),
    held = poem(state.held, line);
  for (const [name, ids, other] of [
    ["free", free, held],
    ["held", held, free],
  ]) {
    const shown = [...line, ...ids],
      isOther = (k) => name === "held" && ids[k] !== other[k];
    paper(byId(`poem-${name}`), {
      ids: shown,
      classes: (t) => (t < line.length ? "given" : isOther(t - line.length) ? "other" : ""),
    });
    byId(`counts-${name}`).replaceChildren(
      ...counted(ids).map(([term, count]) =>
        element("div", {}, element("dt", {}, term), element("dd", {}, String(count))),
      ),
    );
  }
});
