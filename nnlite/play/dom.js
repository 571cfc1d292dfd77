// What pages share: elements, controls, colours and charts. Texts are set as text, never as HTML.

const byId = (id) => document.getElementById(id);

// An element with attributes, or properties and listeners, and children: texts or elements.
function element(tag, attributes = {}, ...children) {
  const made =
    tag === "svg" || element.svg.has(tag)
      ? document.createElementNS("http://www.w3.org/2000/svg", tag)
      : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}
element.svg = new Set(["path", "line", "text", "circle", "g", "rect"]);

const isCalm = () => matchMedia("(prefers-reduced-motion: reduce)").matches; // who wants nothing to move

// A slider's output shows what its value means; onChange gets the number.
function slider(id, shown, onChange) {
  const input = byId(id),
    output = byId(`${id}-value`);
  const show = () => {
    output.textContent = shown(Number(input.value));
    input.setAttribute("aria-valuetext", output.textContent);
  };
  input.oninput = () => {
    show();
    onChange(Number(input.value));
  };
  show();
  return { input, show };
}

// Call a function at the next frame, once, however often it is asked for until then.
function soon(draw) {
  let isComing = false;
  return () => {
    if (isComing) return;
    isComing = true;
    requestAnimationFrame(() => {
      isComing = false;
      draw();
    });
  };
}

// Colours of this scheme, as [red, green, blue].
const colour = {};
function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["low", "zero", "high", "ink", "paper", "line", "accent"]) {
    const hex = style.getPropertyValue(`--${name}`).trim();
    colour[name] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  }
}

const mix = (a, b, share) => `rgb(${a.map((x, k) => Math.round(x + (b[k] - x) * share)).join(" ")})`;

// From -1, blue, over 0 to 1, orange.
function diverging(value) {
  const share = Math.min(1, Math.abs(value) || 0);
  return mix(colour.zero, value < 0 ? colour.low : colour.high, share);
}

// A number with 4 digits, as nnlite.derive writes it.
function digits(value) {
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value === 0 ? 0 : value);
  const [mantissa, exponent] = value.toExponential(3).split("e");
  if (exponent >= -4 && exponent < 4) return String(Number(value.toPrecision(4)));
  return `${Number(mantissa)}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
}

// A line chart as SVG: curves [{points: [[x, y], ...], className}], axes {x: [from, to], y: [from, to]}, and ticks
// {x: [[at, label], ...], y: ...}.
function chart({ label, curves, axes, ticks, marks = [] }) {
  const width = innerWidth < 736 ? 360 : 640,
    height = 280,
    left = 52,
    right = 18,
    top = 12,
    bottom = 34;
  const place =
    ([from, to], start, end) =>
    (v) =>
      start + ((v - from) / (to - from || 1)) * (end - start);
  const x = place(axes.x, left, width - right),
    y = place(axes.y, height - bottom, top);
  const inside = (v) => Math.max(top, Math.min(height - bottom, y(v)));
  const drawn = element("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label, class: "chart" });
  for (const [at, text] of ticks.y) {
    drawn.append(element("line", { x1: left, x2: width - right, y1: y(at), y2: y(at), class: "grid" }));
    drawn.append(element("text", { x: left - 8, y: y(at) + 4, "text-anchor": "end" }, text));
  }
  for (const [at, text] of ticks.x)
    drawn.append(element("text", { x: x(at), y: height - bottom + 22, "text-anchor": "middle" }, text));
  for (const { points, className } of curves) {
    const d = points.map(([a, b], n) => `${n ? "L" : "M"}${x(a).toFixed(1)} ${inside(b).toFixed(1)}`).join("");
    drawn.append(element("path", { d, class: className }));
  }
  for (const [a, b] of marks) drawn.append(element("circle", { cx: x(a), cy: inside(b), r: 6, class: "here" }));
  return drawn;
}
