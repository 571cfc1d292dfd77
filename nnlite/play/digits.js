// The page: what is drawn goes through the model, and all parts show what came of it.

const data = JSON.parse(document.getElementById("data").textContent);
const steps = unpacked(data), size = data.image, classes = data.labels.map((_, k) => k);
// The last step gives probabilities: where the model gives scores, it is the softmax that its loss put them through.
const scored = steps.length - 1, lastKind = steps.findLast(({ kind }) => kind !== "same")?.kind;
const areScores = lastKind !== "softmax" && lastKind !== "sigmoid";
if (areScores) {
  const text = "A probability for each class. This is no layer of the model: its loss does the same.";
  steps.push({ kind: "softmax", name: "softmax", text, input: [classes.length], output: [classes.length] });
}
byId("softmax").hidden = !areScores;
const state = { fit: usualFit(size), shift: [1, 0], image: null, arrays: null };

// The drawing in every channel that the model reads.
function through(image) {
  const C = size.channels;
  return forward(steps, Float32Array.from({ length: image.length * C }, (_, n) => image[Math.floor(n / C)]));
}

const best = (p) => p.indexOf(Math.max(...p));

const layers = new Layers(byId("layers"), steps, size, (step, map) => {
  stepper.look(step, map);
  byId("stage").scrollIntoView({ block: "nearest" });
});
const stepper = new Stepper((name) => byId(`w-${name}`), steps, () => {
  showChosen();
  if (!stepper.timer) say(byId("w-pixel").getAttribute("aria-valuetext"));
});
const pad = new Pad(byId("pad"), soon(read));

function read() {
  state.image = prepared(pad.strokes, size, state.fit);
  state.arrays = through(state.image);
  showImage();
  showClasses();
  showChosen();
  showShift();
}

function showImage() {
  const side = Math.max(1, Math.floor(272 / Math.max(size.width, size.height)));
  const cells = Array.from(state.image, (v) => ({ v }));
  paintGrid(byId("image"), cells, { cols: size.width, size: side, colour: inky, digits: 1 });
}

const MOST = 10; // classes that are shown: the likeliest
function showClasses() {
  const p = state.arrays.at(-1), y = state.arrays[scored + 1], top = best(p);
  const shown = [...classes].sort((a, b) => p[b] - p[a]).slice(0, MOST).sort((a, b) => a - b);
  byId("classes").replaceChildren(...shown.map((k) => classRow(data.labels[k], p[k], y[k], k === top)));
  const words = pad.strokes.length ? `It reads ${data.labels[top]}, at ${percent(p[top])}.` : "Nothing is drawn yet.";
  byId("answer").textContent = words;
  say(words);
}

function classRow(label, p, score, isTop) {
  const bar = element("div", { class: "bar" }), texts = [percent(p), score.toFixed(2).replace("-", MINUS)];
  bar.style.width = `${100 * p}%`;
  const cells = [bar, ...texts].map((content) => element("td", {}, content));
  return element("tr", isTop ? { class: "top" } : {}, element("th", { scope: "row" }, label), ...cells);
}

// What is read out, once it does not change any more.
let saying = 0;
function say(words) {
  clearTimeout(saying);
  saying = setTimeout(() => (byId("status").textContent = words), 600);
}

function showChosen() {
  stepper.show(state.arrays);
  layers.show(state.arrays, stepper, stepper.channels(stepper.step, stepper.n));
}

function showShift() {
  const judge = (after) => {
    const [p, q] = [state.arrays, through(after)].map((arrays) => arrays.at(-1)), [k, now] = [p, q].map(best);
    return `The model reads ${data.labels[k]} at ${percent(p[k])}; moved, ${data.labels[now]} at ${percent(q[now])}.`;
  };
  showMoved(byId("moved"), byId("moved-words"), state.image, size, state.shift, judge);
}

function move(right, down) {
  state.shift = [state.shift[0] + right, state.shift[1] + down].map((v) => Math.max(-3, Math.min(3, v)));
  if (!right && !down) state.shift = [0, 0];
  showShift();
  say(byId("moved-words").textContent);
}

for (const button of document.querySelectorAll("[data-move]"))
  button.addEventListener("click", () => move(...button.dataset.move.split(" ").map(Number)));
byId("undo").addEventListener("click", () => pad.undo());
byId("clear").addEventListener("click", () => pad.clear());
byId("fit").value = state.fit;
byId("fit").addEventListener("change", ({ target }) => {
  state.fit = target.value;
  read();
});
byId("w-all").closest("details").addEventListener("toggle", showChosen);
for (let digit = 0; digit < 10; digit++) {
  const onclick = () => pad.take(exampleStrokes(digit));
  byId("examples").append(element("button", { type: "button", "aria-label": `Draw ${digit}`, onclick }, String(digit)));
}
byId("about").textContent = data.about;

function repaint() {
  readColours();
  pad.paint();
  showCorners(byId("corners"));
  read();
}

// It begins with a three, and the first filter of the first convolution.
readColours();
Object.assign(pad, { strokes: exampleStrokes(3), isExample: true });
state.arrays = stepper.arrays = through(prepared(pad.strokes, size, state.fit));
stepper.look(Math.max(0, steps.findIndex(({ kind }) => kind === "conv2d")), 0);
repaint();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
addEventListener("resize", repaint);
