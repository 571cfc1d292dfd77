// The pad: a finger, a mouse or the arrow keys draw on it. It holds the strokes and tells when they change.

class Pad {
  constructor(element, changed) {
    Object.assign(this, { element, changed, strokes: [], isExample: false, at: [0.5, 0.5], isDown: false });
    this.canvas = element.querySelector("canvas");
    const on = (name, handle) => element.addEventListener(name, (event) => handle.call(this, event));
    on("pointerdown", this.touch);
    on("pointermove", this.move);
    for (const name of ["pointerup", "pointercancel"]) on(name, () => (this.pointer = null));
    on("keydown", this.key);
    for (const name of ["focus", "blur"]) on(name, () => this.lift());
  }

  // Draw an example; the first stroke of one's own takes its place.
  take(strokes) {
    Object.assign(this, { strokes, isExample: true, isDown: false });
    this.update();
  }

  clear() {
    this.take([]);
  }

  undo() {
    this.take(this.isExample ? [] : this.strokes.slice(0, -1));
    this.isExample = false;
  }

  begin(point) {
    if (this.isExample) this.strokes = [];
    this.isExample = false;
    this.strokes = [...this.strokes, [point]];
  }

  extend(point) {
    this.strokes.at(-1).push(point);
  }

  touch(event) {
    if (event.button) return;
    event.preventDefault();
    this.element.focus({ preventScroll: true });
    this.element.setPointerCapture(event.pointerId);
    this.pointer = event.pointerId;
    this.isDown = false;
    this.begin((this.at = this.point(event)));
    this.update();
  }

  move(event) {
    if (event.pointerId !== this.pointer) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) this.extend((this.at = this.point(each)));
    this.update();
  }

  point({ clientX, clientY }) {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    return [(clientX - left) / width, (clientY - top) / height].map((v) => Math.max(0, Math.min(1, v)));
  }

  // Arrow keys move the pen, Space puts it down and lifts it.
  key(event) {
    if (event.altKey || (event.metaKey && event.key !== "z")) return;
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (step) {
      const length = event.shiftKey ? 0.02 : 0.06;
      this.at = this.at.map((v, axis) => Math.max(PEN / 2, Math.min(1 - PEN / 2, v + length * step[axis])));
      if (this.isDown) this.extend(this.at);
    } else if (event.key === " " || event.key === "Enter") {
      this.isDown = !this.isDown;
      if (this.isDown) this.begin(this.at);
    } else if (event.key === "Backspace" || ((event.ctrlKey || event.metaKey) && event.key === "z")) this.undo();
    else if (event.key === "Delete") this.clear();
    else return;
    event.preventDefault();
    this.update();
  }

  lift() {
    this.isDown = false;
    this.paint();
  }

  update() {
    this.paint();
    this.changed(this);
  }

  paint() {
    const side = this.element.clientWidth, pen = blankCanvas(this.canvas, side, side);
    pen.lineCap = pen.lineJoin = "round";
    pen.lineWidth = PEN * side;
    pen.strokeStyle = css(palette.ink);
    for (const stroke of this.strokes) {
      pen.beginPath();
      pen.moveTo(...stroke[0].map((v) => v * side));
      for (const point of stroke) pen.lineTo(...point.map((v) => v * side));
      pen.stroke();
    }
    if (document.activeElement !== this.element || !this.element.matches(":focus-visible")) return;
    pen.beginPath(); // where the arrow keys have the pen: full where it is down
    pen.arc(...this.at.map((v) => v * side), (PEN * side) / 2, 0, 7);
    pen.lineWidth = 3;
    pen.strokeStyle = pen.fillStyle = css(palette.accent);
    pen.stroke();
    if (this.isDown) pen.fill();
  }
}
