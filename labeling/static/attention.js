// How long the pair on the screen has been looked at: hidden tabs do not count.

export class Attention {
  assignment = null;
  // milliseconds since 1970 when the pair came onto the screen
  at = 0;
  #seen = 0;
  #since = null;

  begin(assignment) {
    this.assignment = assignment;
    this.at = assignment ? Date.now() : 0;
    this.#seen = 0;
    this.#since = assignment && !document.hidden ? performance.now() : null;
  }

  pause() {
    if (this.#since !== null) this.#seen += performance.now() - this.#since;
    this.#since = null;
  }

  resume() {
    this.#since = performance.now();
  }

  get activeMs() {
    const running = this.#since === null ? 0 : performance.now() - this.#since;
    return Math.round(this.#seen + running);
  }
}
