// Votes, undos and reports on their way: each is kept in localStorage until the server has committed
// it, and posted in order. One key per event, so that two tabs never overwrite each other.

import { post, RefusedError } from "./wire.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15000;

export class Outbox {
  // desk: opaque name of the annotator in the batch. Calls: accepted(state, entry), refused(error, entry),
  // seatless(error), held(error), changed(), and moved(): whether the cookie belongs to another desk by now.
  // letter(entry): its [address, content] for the server.
  constructor(desk, calls, letter = letterOf) {
    this.desk = desk;
    this.letter = letter;
    this.prefix = `pairwright.outbox.${desk}.`;
    this.calls = calls;
    // what the browser would not store: kept by this page alone
    this.memory = new Map();
    this.busy = false;
    this.failures = 0;
    // the server takes no more for the moment, and says so
    this.held = false;
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
    return this.failures > 0 && !this.held;
  }

  // Keeps a vote, an undo or a report; draws the id by which the server knows a repeated post.
  add(drawn) {
    const entry = { event: newEvent(), ...drawn };
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
      const answer = await post(...this.letter(entry));
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
      this.held = error.status === 429;
      if (this.held) this.calls.held?.(error);
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

// Address and content for the server.
function letterOf({ kind, reason, ...rest }) {
  if (kind !== "report") return ["/api/votes", { kind, ...rest }];
  const { event, assignment, note } = rest;
  return ["/api/reports", { event, assignment, kind: reason, note }];
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

// The id by which the server knows a repeated post.
export function newEvent() {
  return crypto.randomUUID?.() ?? drawnUuid();
}

// crypto.randomUUID exists on https and on this machine only
function drawnUuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
