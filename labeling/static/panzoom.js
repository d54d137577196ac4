// Scales and moves one thing within a frame: by wheel, drag, two fingers, or calls for keys.
// Sizes and places are set, not transforms: lines drawn over the thing keep their width.

const MOST = 16;
const STILL_PX = 4;

export class PanZoom {
  #frame;
  #changed;
  #thing = null;
  #size = [1, 1];
  #scale = 1;
  // the whole thing is shown, also when the frame gets another size
  #whole = true;
  #x = 0;
  #y = 0;
  #fingers = new Map();
  #travelled = 0;

  // changed(): called after every new size
  constructor(frame, changed) {
    this.#frame = frame;
    this.#changed = changed;
    frame.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    frame.addEventListener("pointerdown", (event) => this.#down(event));
    frame.addEventListener("pointermove", (event) => this.#move(event));
    for (const name of ["pointerup", "pointercancel"]) {
      frame.addEventListener(name, (event) => this.#up(event));
    }
    new ResizeObserver(() => this.#place(this.#whole ? this.#fitting() : this.#scale)).observe(frame);
  }

  // size: [width, height] of the thing in its own pixels
  show(thing, size) {
    this.#thing = thing;
    this.#size = size;
    this.#fingers.clear();
    this.fit();
  }

  get scale() {
    return this.#scale;
  }

  get whole() {
    return this.#whole;
  }

  fit() {
    this.#whole = true;
    this.#place(this.#fitting());
  }

  // at: the point of the frame that stays where it is; its middle until told otherwise
  by(factor, at = [this.#frame.clientWidth / 2, this.#frame.clientHeight / 2]) {
    const fitting = this.#fitting();
    const most = Math.max(fitting, 1) * MOST;
    const scale = Math.min(most, Math.max(fitting, this.#scale * factor));
    this.#whole = scale <= fitting * 1.001;
    const grown = scale / this.#scale;
    this.#x = at[0] - (at[0] - this.#x) * grown;
    this.#y = at[1] - (at[1] - this.#y) * grown;
    this.#place(scale);
  }

  move(dx, dy) {
    this.#x += dx;
    this.#y += dy;
    this.#place(this.#scale);
  }

  #fitting() {
    const [width, height] = this.#size;
    return Math.min(this.#frame.clientWidth / width, this.#frame.clientHeight / height) || 1;
  }

  #place(scale) {
    if (!this.#thing) return;
    this.#scale = scale;
    const [width, height] = this.#size.map((each) => each * scale);
    this.#x = within(this.#x, width, this.#frame.clientWidth);
    this.#y = within(this.#y, height, this.#frame.clientHeight);
    const style = this.#thing.style;
    style.width = `${width}px`;
    style.height = `${height}px`;
    style.left = `${this.#x}px`;
    style.top = `${this.#y}px`;
    this.#changed();
  }

  #wheel(event) {
    event.preventDefault();
    // a pinch on a touchpad comes as a wheel with Control
    const lines = event.deltaMode === 1 ? 16 : 1;
    this.by(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.002)), this.#point(event));
  }

  #down(event) {
    if (event.button !== 0 || event.target.closest("button")) return;
    if (this.#fingers.size === 0) this.#travelled = 0;
    this.#fingers.set(event.pointerId, this.#point(event));
    this.#frame.setPointerCapture(event.pointerId);
  }

  #move(event) {
    const before = this.#fingers.get(event.pointerId);
    if (!before) return;
    const now = this.#point(event);
    const other = [...this.#fingers].find(([id]) => id !== event.pointerId)?.[1];
    this.#fingers.set(event.pointerId, now);
    this.#travelled += distance(before, now);
    if (!other) return this.move(now[0] - before[0], now[1] - before[1]);
    const middle = (finger) => [(finger[0] + other[0]) / 2, (finger[1] + other[1]) / 2];
    const [was, is] = [middle(before), middle(now)];
    this.by(distance(now, other) / Math.max(1, distance(before, other)), was);
    this.move(is[0] - was[0], is[1] - was[1]);
  }

  // a click without a drag: twice the size there, or the whole
  #up(event) {
    if (!this.#fingers.delete(event.pointerId) || event.type === "pointercancel") return;
    if (this.#fingers.size > 0 || this.#travelled > STILL_PX) return;
    if (this.whole) this.by(2, this.#point(event));
    else this.fit();
  }

  #point(event) {
    const frame = this.#frame.getBoundingClientRect();
    return [event.clientX - frame.left, event.clientY - frame.top];
  }
}

// In the middle where there is room, else without a gap at either edge.
function within(place, length, room) {
  return length <= room ? (room - length) / 2 : Math.min(0, Math.max(room - length, place));
}

function distance([ax, ay], [bx, by]) {
  return Math.hypot(ax - bx, ay - by);
}
