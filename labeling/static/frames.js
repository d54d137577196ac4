// Steps through a video frame by frame. Browsers tell no frame rate: the time of the frame that is
// shown tells when the next one has come.

const PROBE_S = 1 / 60;
const PROBES = 60;
const LATE_MS = 400;

export class Frames {
  #film;
  #changed;
  #busy = false;
  // seconds: when the shown frame begins, and how long a frame lasts as far as is known
  #at = 0;
  #length = null;
  // resolves with the next frame
  #shown = Promise.resolve();

  // changed(): called when another frame is shown
  constructor(film, changed) {
    this.#film = film;
    this.#changed = changed;
    for (const name of ["loadeddata", "seeked", "timeupdate"]) film.addEventListener(name, changed);
    this.#watch();
  }

  get at() {
    return this.#busy || this.#film.paused ? this.#at : this.#film.currentTime;
  }

  toggle() {
    if (this.#film.paused) this.#film.play();
    else this.#film.pause();
  }

  // direction: 1 for the next frame, -1 for the one before
  async step(direction) {
    if (this.#busy || this.#film.readyState < 1) return;
    this.#busy = true;
    this.#film.pause();
    try {
      await (direction > 0 ? this.#next() : this.#seek(this.#at - Math.min(this.#length ?? 1, PROBE_S) / 2));
    } finally {
      this.#busy = false;
      this.#changed();
    }
  }

  async #next() {
    const from = this.#at;
    if (this.#length) return this.#seek(from + this.#length * 1.5);
    for (let probe = 1; probe <= PROBES && this.#at <= from; probe += 1) {
      const to = from + probe * PROBE_S;
      if (to >= this.#film.duration) return;
      await this.#seek(to);
    }
    if (this.#at > from) this.#length = this.#at - from;
  }

  // Resolves once the frame is shown, or it is clear that it is shown already.
  async #seek(to) {
    const film = this.#film;
    const wanted = Math.min(Math.max(0, to), film.duration);
    const shown = this.#shown;
    await new Promise((resolve) => {
      film.addEventListener("seeked", resolve, { once: true });
      setTimeout(resolve, 10 * LATE_MS);
      film.currentTime = wanted;
    });
    if (film.requestVideoFrameCallback) {
      await Promise.race([shown, new Promise((resolve) => setTimeout(resolve, LATE_MS))]);
    } else {
      this.#at = wanted;
    }
  }

  #watch() {
    if (!this.#film.requestVideoFrameCallback) return;
    this.#shown = new Promise((resolve) => {
      this.#film.requestVideoFrameCallback((_, { mediaTime }) => {
        this.#at = mediaTime;
        this.#watch();
        this.#changed();
        resolve();
      });
    });
  }
}
