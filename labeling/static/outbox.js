// Votes on their way: each is kept in localStorage until the server has committed it, and posted in
// order. One key per event, so that two tabs never overwrite each other.

import { post, RefusedError } from "./wire.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15000;

export class Outbox {
  // desk: opaque name of the annotator in the batch. Calls: accepted(state, entry), refused(error, entry),
  // seatless(error), changed(), and moved(): whether the cookie belongs to another desk by now.
  constructor(desk, calls) {
    this.desk = desk;
    this.prefix = `pairwright.outbox.${desk}.`;
    this.calls = calls;
    // what the browser would not store: kept by this page alone
    this.memory = new Map();
    this.busy = false;
    this.failures = 0;
    this.timer = null;
    this.lastAt = 0;
  }

  entries() {
    const kept = [...this.memory, ...stored(this.prefix)];
    return kept.sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([key, text]) => read(key, text));
  }

  get durable() {
    return this.memory.size === 0;
  }

  get offline() {
    return this.failures > 0;
  }

  add(entry) {
    // keys sort by time, and never twice the same even within a millisecond
    this.lastAt = Math.max(this.lastAt + 1, Date.now());
    const key = `${this.prefix}${String(this.lastAt).padStart(15, "0")}.${entry.event}`;
    const text = JSON.stringify(entry);
    try {
      localStorage.setItem(key, text);
    } catch {
      // storage is full or switched off
      this.memory.set(key, text);
    }
  }

  async flush() {
    clearTimeout(this.timer);
    if (this.busy) return;
    this.busy = true;
    try {
      while (await this.sendFirst());
    } finally {
      this.busy = false;
      this.calls.changed();
    }
  }

  async sendFirst() {
    const [first] = this.entries();
    if (!first) return false;
    const { key, ...entry } = first;
    try {
      const answer = await post("/api/votes", entry);
      this.failures = 0;
      this.drop(key);
      this.calls.accepted(answer.state, entry);
      return true;
    } catch (error) {
      return this.failed(error, key, entry);
    }
  }

  async failed(error, key, entry) {
    if (!(error instanceof RefusedError) || error.passing) {
      this.failures += 1;
      this.timer = setTimeout(() => this.flush(), this.waitMs());
      return false;
    }
    this.failures = 0;
    if (error.seatless) {
      this.calls.seatless(error);
      return false;
    }
    // the cookie may belong to another annotator by now: then the vote waits for its own link
    if (error.status === 404 && (await this.calls.moved())) return false;
    this.drop(key);
    this.calls.refused(error, entry);
    return true;
  }

  waitMs() {
    const doubled = FIRST_WAIT_MS * 2 ** (this.failures - 1);
    return Math.min(LONGEST_WAIT_MS, doubled) * (0.8 + 0.4 * Math.random());
  }

  drop(key) {
    if (!this.memory.delete(key)) localStorage.removeItem(key);
  }
}

function stored(prefix) {
  try {
    return Object.entries(localStorage).filter(([key]) => key.startsWith(prefix));
  } catch {
    return [];
  }
}

function read(key, text) {
  try {
    return [{ key, ...JSON.parse(text) }];
  } catch {
    return [];
  }
}
