// The gradients of a loss at each step, as colours, and those of one unit at one step in numbers.

const COLUMNS = 40; // characters of the picture: as many as a telephone shows

const ROWS = {
  LSTM: [
    ["dh", "δh"],
    ["dc", "δc"],
    ["do", "δo"],
    ["di", "δi"],
    ["df", "δf"],
    ["dg", "δg"],
  ],
  GRU: [
    ["dh", "δh"],
    ["dz", "δz"],
    ["dr", "δr"],
    ["dg", "δg"],
  ],
  RNN: [
    ["dh", "δh"],
    ["dz", "δz"],
  ],
};

let found = null; // gradients of all steps that led to the character at state.at
let writtenAt = null; // the step that is written out; by default the last

function gradients() {
  const last = state.at - 1; // the character whose loss it is: step last - 1 predicts it
  const isMeant = (t) => byId("loss-of").value === "all" || t === last - 1;
  const read = state.steps.slice(0, Math.max(last, 0));
  let loss = 0;
  const dlogits = read.map((records, t) => {
    if (!isMeant(t)) return null;
    const logits = logitsOf(network, records),
      target = state.ids[t + 1];
    loss -= Math.log(softmax(logits)[target]);
    return lossBack(logits, target);
  });
  return { loss, steps: backward(network, read, dlogits), count: read.length };
}

const root = (x) => Math.sign(x) * Math.cbrt(Math.abs(x));
const normOf = (array) => Math.sqrt(array.reduce((total, x) => total + x * x, 0));

slow.push(() => {
  found = gradients();
  byId("unit").max = network[state.layer].units - 1;
  byId("unit").value = state.unit;
  const isEmpty = !found.count;
  byId("loss-is").textContent = isEmpty
    ? "The first character has no loss: choose a later one above."
    : byId("loss-of").value === "all"
      ? `All ${found.count} characters: a loss of ${digits(found.loss)}, ${digits(found.loss / found.count)} a character.`
      : `The model gave ${named(characters[state.ids[state.at - 1]])} a probability of ${percent(Math.exp(-found.loss))}: ` +
        `a loss of ${digits(found.loss)}.`;
  byId("step").max = Math.max(0, found.count - 1);
  byId("step").min = Math.max(0, found.count - COLUMNS);
  byId("step").value = writtenAt === null ? found.count - 1 : Math.min(writtenAt, found.count - 1);
  stepSlider.show();
  drawMap();
  drawWritten();
});

function drawMap() {
  const rows = ROWS[network[state.layer].kind],
    first = Math.max(0, found.count - COLUMNS);
  const isNorm = byId("norm").value === "all";
  const at = (name, t) => {
    const array = found.steps[t][state.layer][name];
    return isNorm ? normOf(array) : array[state.unit];
  };
  const columns = Array.from({ length: found.count - first }, (_, n) => first + n);
  const values = rows.map(([name]) => columns.map((t) => at(name, t)));
  const largest = Math.max(...values.flat().map(Math.abs), 1e-300);
  byId("map").style.setProperty("--columns", columns.length || 1);
  byId("map").replaceChildren(
    ...rows.flatMap(([, sign], row) => [
      element("b", {}, sign),
      ...columns.map((t, n) => {
        const cell = element("i", {
          title: `${sign} after ${named(characters[state.ids[t]])}: ${digits(values[row][n])}`,
        });
        cell.style.backgroundColor = diverging(root(values[row][n] / largest));
        cell.onclick = () => writeOut(t);
        return cell;
      }),
    ]),
    element("b", { class: "visually-hidden" }, "read"),
    element("span"),
    ...columns.map((t) => {
      const isHere = t === Number(byId("step").value);
      const label = element("span", { class: isHere ? "here" : "" }, shownCharacter(characters[state.ids[t]]));
      label.onclick = () => writeOut(t);
      return label;
    }),
  );
  byId("strongest").textContent = columns.length ? digits(largest) : "none";
}

function writeOut(t) {
  writtenAt = t === found.count - 1 ? null : t;
  byId("step").value = t;
  stepSlider.show();
  drawMap();
  drawWritten();
}

function drawWritten() {
  const layer = network[state.layer],
    t = Number(byId("step").value);
  byId("written-head").textContent = found.count
    ? `Unit ${state.unit} at step ${t}, after ${named(characters[state.ids[t]])}`
    : "Nothing to write out";
  byId("written").replaceChildren();
  byId("written-hint").textContent = "";
  if (!found.count) return;
  const after = t + 1 < found.count ? found.steps[t + 1][state.layer].before : KINDS[layer.kind].start(layer);
  const rows = written(layer, records(t), found.steps[t][state.layer], after, state.unit);
  const isRight = ([name]) => !isHeld(state.unit) || /^(dh_t|dc_t|do|dz_o)\b/.test(name); // the others are 0 if it is held
  for (const [name, ...sides] of rows.filter(isRight)) {
    const right = sides.map((side) => element("span", {}, `= ${side}`));
    byId("written").append(element("p", {}, element("b", {}, name), ...right));
  }
  const H = layer.units,
    terms = layer.kind === "LSTM" ? 4 * H : layer.kind === "GRU" ? 3 * H : H;
  byId("written-hint").textContent =
    `dh_next and dc_next come back from the step after this one. Not written out: ${SUMS[layer.kind]}, for each unit a ` +
    `sum of ${terms} products. nnlite.derive.backward writes all.` +
    (isHeld(state.unit) ? " This unit is held: nothing goes back through its state." : "");
}

const stepSlider = slider("step", (t) => (found ? `${t}, after ${named(characters[state.ids[t]])}` : ""), writeOut);
byId("loss-of").onchange = byId("norm").onchange = redraw;
byId("unit").oninput = () => byId("unit").value !== "" && choose(Math.floor(Number(byId("unit").value)) || 0);
