// One number of one layer: the window it is computed from, its arithmetic, and the way from number to number.

class Stepper {
  // `changed` is called when another layer, map or number is looked at.
  constructor(find, steps, changed) {
    Object.assign(this, { find, steps, changed, step: 0, map: 0, channel: 0, pixel: 0, timer: 0, isFilling: false });
    this.grids = new Grids(find);
    find("layer").append(...steps.map(({ name }, n) => new Option(name, n)));
    const on = (id, name, handle) => find(id).addEventListener(name, handle);
    on("layer", "change", ({ target }) => this.look(+target.value, 0));
    on("map", "change", ({ target }) => this.look(this.step, +target.value));
    on("channel", "change", ({ target }) => this.go({ channel: +target.value }));
    on("pixel", "input", ({ target }) => this.go({ pixel: +target.value }));
    on("first", "click", () => this.go({ pixel: 0, isFilling: true }));
    on("back", "click", () => this.go({ pixel: this.pixel - 1 }));
    on("next", "click", () => this.go({ pixel: this.pixel + 1 }));
    on("play", "click", () => (this.timer ? this.go({}) : this.play()));
    on("out", "click", (event) => this.point(event));
    on("out", "pointermove", (event) => event.buttons === 1 && this.point(event));
  }

  point(event) {
    this.go({ pixel: this.grids.pixelAt(event) ?? this.pixel });
  }

  // Look at a map of a step, at its largest number, and of a convolution at the channel that gives most of it.
  look(at, map) {
    const step = this.steps[at], { maps } = layout(step.output), y = this.arrays[at + 1];
    let pixel = 0, channel = 0;
    for (let p = 0; p * maps < y.length; p++) if (y[p * maps + map] > y[pixel * maps + map]) pixel = p;
    if (step.kind === "conv2d") {
      const n = pixel * maps + map, part = (c) => sum(productsOf(step, this.arrays[at], n, c).map(({ x, w }) => x * w));
      const parts = this.channels(at, n).map(part);
      channel = Math.max(0, parts.indexOf(Math.max(...parts)));
    }
    this.go({ step: at, map, pixel, channel, isFilling: false });
  }

  // The channels of the input that number n is computed from.
  channels(step, n) {
    const { kind, groups, input, output } = this.steps[step], C = layout(input).maps, F = output.at(-1);
    if (kind !== "conv2d") return [F === C ? n % C : 0];
    const each = C / groups, first = Math.floor((n % F) / (F / groups)) * each;
    return Array.from({ length: each }, (_, c) => first + c);
  }

  // The number that is looked at, and how many there are in its map.
  get n() {
    return this.pixel * layout(this.steps[this.step].output).maps + this.map;
  }

  get pixels() {
    return this.arrays[this.step + 1].length / layout(this.steps[this.step].output).maps;
  }

  go(place, timer = 0) {
    if (timer !== this.timer) clearInterval(this.timer);
    Object.assign(this, place, { timer });
    this.pixel = Math.max(0, Math.min(this.pixels - 1, this.pixel));
    this.changed();
  }

  play() {
    const timer = setInterval(() => {
      const isLast = this.pixel >= this.pixels - 2;
      this.go({ pixel: this.pixel + 1 }, isLast ? 0 : timer);
    }, Math.max(60, Math.min(500, 20000 / this.pixels)));
    this.go({ pixel: this.pixel === this.pixels - 1 ? 0 : this.pixel, isFilling: true }, timer);
  }

  show(arrays) {
    this.arrays = arrays;
    const { find, n, step: at, map, pixel, isFilling } = this, step = this.steps[at], [x, y] = arrays.slice(at, at + 2);
    const channels = this.channels(at, n), channel = channels[this.channel];
    this.showControls(step, channels, y[n]);
    this.grids.show({ step, x, y, n, map, channel, pixel, isFilling, isDrawing: at === 0 });
    const ofOne = (shape, name) => (layout(shape).maps > 1 ? `, ${name}` : "");
    const before = at ? this.steps[at - 1].name : "the drawing";
    find("in-title").textContent = `x: ${before}${ofOne(step.input, `channel ${channel}`)}`;
    find("out-title").textContent = `y: ${step.name}${ofOne(step.output, `${mapName(step)} ${map}`)}`;
    this.showWritten(written(step, x, y, n, this.channel));
  }

  showControls(step, channels, value) {
    const { find } = this, { maps, cols } = layout(step.output), slider = find("pixel");
    find("layer").value = this.step;
    options(find("map"), maps, this.map, (n) => `${mapName(step)} ${n}`);
    options(find("channel"), channels.length, this.channel, (n) => `channel ${channels[n]}`);
    find("text").replaceChildren(...step.text.split("\n").map((text) => element("div", {}, text.trim())));
    find("play").textContent = this.timer ? "Pause" : "Play";
    const place = `row ${Math.floor(this.pixel / cols)}, column ${this.pixel % cols}`;
    find("place").textContent = step.output.length === 1 ? `number ${this.n}` : place;
    slider.max = this.pixels - 1;
    slider.value = this.pixel;
    slider.setAttribute("aria-valuetext", `${find("place").textContent}: ${exact(value)}`);
  }

  showWritten({ equation, rows, all }) {
    const { find } = this, details = find("all").closest("details");
    find("equation").textContent = equation;
    find("rows").replaceChildren(...rows.map(lineOf));
    details.hidden = all.length === 0;
    details.querySelector("summary").textContent = `All ${all.length} terms`;
    find("all").replaceChildren(...(details.open ? all.map(lineOf) : []));
  }
}

const mapName = ({ kind }) => (kind === "conv2d" ? "filter" : "map");

// A select's options from 0 on, made anew where they changed; where there is one, there is nothing to choose.
function options(select, count, value, name) {
  if (select.options.length !== count || select.options[0].text !== name(0))
    select.replaceChildren(...Array.from({ length: count }, (_, n) => new Option(name(n), n)));
  select.value = value;
  select.closest("label").hidden = count === 1;
}

// A line of the arithmetic: what it is, written out, and its value.
function lineOf({ label, text, value, total }) {
  const part = (name, content) => element("span", { class: name }, content);
  const parts = [part("term", label), part("value", `= ${exact(value)}`), part("text", text)];
  return element("li", total ? { class: "total" } : {}, ...parts);
}
