// The bench: shows one pair at a time, takes keys and buttons, keeps every vote until it is saved.

import { listen } from "./keys.js";
import { Outbox } from "./outbox.js";
import * as paint from "./paint.js";
import { load } from "./pictures.js";
import { followed, project, undoTarget } from "./project.js";
import * as viewer from "./viewer.js";
import { get, post, RefusedError } from "./wire.js";

const PRESENCE_MS = 60000;
const LOOK_AGAIN_MS = 20000;
const RETRY_MS = 3000;

const pairs = new Map();
const media = new Map();
let state = null;
let outbox = null;
let view = null;
let reachable = true;
let wasOffline = false;
let ended = null;
// grows with every answer to a vote: a state asked for before that is older than what we know
let answers = 0;
let trail = [];
let shown = { assignment: null, at: 0, seen: 0, since: null };

async function start() {
  await paint.whenLaidOut();
  paint.furnish();
  listen(act);
  document.addEventListener("click", zoomClicked);
  document.addEventListener("visibilitychange", visibilityChanged);
  window.addEventListener("online", () => refresh());
  window.addEventListener("offline", () => render());
  window.addEventListener("storage", otherTabChanged);
  setInterval(keepPresence, PRESENCE_MS);
  setInterval(lookAgain, LOOK_AGAIN_MS);
  await refresh();
}

// Without a pair on the screen, one may come back from somebody else.
function lookAgain() {
  if (!document.hidden && !view?.current) refresh();
}

async function refresh() {
  const before = answers;
  try {
    const fresh = await get("/api/state");
    if (answers === before) accept(fresh);
  } catch (error) {
    if (error instanceof RefusedError && !error.passing) return end(error);
    reachable = false;
    if (!state) setTimeout(refresh, RETRY_MS);
    return render();
  }
  await outbox.flush();
  keepPresence();
}

function accept(fresh) {
  reachable = true;
  ended = null;
  state = fresh;
  if (outbox?.desk !== fresh.desk) {
    trail = [];
    outbox = new Outbox(fresh.desk, { accepted, refused, seatless: end, changed: render, moved });
  }
  for (const pair of [fresh.current, fresh.upcoming]) {
    if (!pair) continue;
    pairs.set(pair.assignment, pair);
    if (!media.has(pair.assignment)) media.set(pair.assignment, load(pair));
  }
  render();
}

function accepted(fresh, entry) {
  answers += 1;
  trail = followed(trail, entry);
  accept(fresh);
}

function act(action) {
  if (viewer.isOpen()) {
    if (action === "zoom" || action === "guidelines") viewer.close();
  } else if (action === "guidelines") {
    if (state?.batch.guidelines) viewer.showGuidelines(state.batch.guidelines);
  } else if (action === "zoom") {
    zoom(null);
  } else if (action === "undo") {
    undo();
  } else {
    vote(action);
  }
}

function vote(choice) {
  if (!canChoose() || (choice === "both_bad" && !state.batch.both_bad)) return;
  cast({ kind: "vote", assignment: view.current.assignment, choice, active_ms: activeMs() });
}

function undo() {
  const assignment = view && !ended && !view.unsure ? undoTarget(view) : null;
  if (assignment) cast({ kind: "undo", assignment, active_ms: 0 });
}

function cast(entry) {
  const event = crypto.randomUUID?.() ?? drawnUuid();
  outbox.add({ event, ...entry, shown_at: Math.round(shown.at), decided_at: Date.now() });
  // the next pair first, the network after it
  render();
  outbox.flush();
}

function canChoose() {
  return Boolean(view?.current) && !view.unsure && !ended;
}

async function refused(error, entry) {
  if (error.state) {
    answers += 1;
    accept(error.state);
  } else {
    await refresh();
  }
  const what = entry.kind === "undo" ? "The undo was not made." : "A vote was not counted.";
  paint.notice(error.status === 409 ? `${error.what} ${error.next}` : `${what} ${error.what}`);
}

// After a 404: whether another link was opened in this browser, so that the cookie is another's.
async function moved() {
  const before = outbox.desk;
  await refresh();
  if (outbox.desk === before) return false;
  paint.notice("Another labeling link was opened in this browser. Votes of the first one are kept.");
  return true;
}

function end(error) {
  ended = error;
  render();
}

function render() {
  const waiting = outbox?.entries() ?? [];
  showConnection(waiting);
  if (ended) return showEnd(waiting);
  if (!state) return reachable || showUnreachable();
  view = project(state, waiting, pairs, trail);
  paint.progress(view);
  paint.choices({
    open: canChoose(),
    canUndo: !view.unsure && undoTarget(view) !== null,
    bothBad: state.batch.both_bad,
    guidelines: state.batch.guidelines,
  });
  if (view.current) showPair(view.current);
  else showNoPair(waiting);
}

function showPair(pair) {
  paint.desk();
  if (shown.assignment === pair.assignment) return;
  shown = { assignment: pair.assignment, at: Date.now(), seen: 0, since: performance.now() };
  if (document.hidden) shown.since = null;
  if (!media.has(pair.assignment)) media.set(pair.assignment, load(pair));
  paint.pair(pair, media.get(pair.assignment));
  forgetOldMedia();
}

function showNoPair(waiting) {
  shown = { assignment: null, at: 0, seen: 0, since: null };
  if (!view.finished) {
    const kept = `${counted(waiting.length, "vote")} kept in this browser.`;
    paint.message(
      isOffline() ? "The next pair comes when the connection is back." : "The next pair is on its way.",
      isOffline() && waiting.length ? kept : "",
    );
  } else if (state.batch.pairs === 0) {
    paint.message("This batch has no pairs yet.", "This page shows them when they are there.");
  } else if (view.done >= state.batch.pairs) {
    paint.message(
      "All pairs of this batch are judged.",
      `You judged ${counted(view.done, "pair")}. Every vote is saved; you can close this page.`,
    );
  } else {
    paint.message(
      "No pair is waiting for you.",
      `You judged ${counted(view.done, "pair")}; others have the rest. One that comes back is shown here.`,
    );
  }
}

function showEnd(waiting) {
  const kept = waiting.length ? ` ${counted(waiting.length, "vote")} kept in this browser until then.` : "";
  paint.message(ended.what, `${ended.next}${kept}`, "end");
}

function showUnreachable() {
  paint.message("The labeling server cannot be reached.", "It is tried again every few seconds.", "end");
}

function showConnection(waiting) {
  if (isOffline() !== wasOffline) {
    wasOffline = !wasOffline;
    paint.notice(wasOffline ? "Offline. Votes are kept in this browser." : "");
  }
  if (wasOffline) {
    paint.connection(waiting.length ? `offline: ${waiting.length} waiting` : "offline", "offline");
  } else if (waiting.length && !ended) {
    paint.connection("saving", "saving");
  } else if (state && !ended) {
    paint.connection("saved", "saved");
  } else {
    paint.connection("", "none");
  }
}

function isOffline() {
  return !navigator.onLine || !reachable || Boolean(outbox?.offline);
}

async function keepPresence() {
  if (document.hidden || !view?.current || ended) return;
  try {
    await post("/api/presence", { assignment: view.current.assignment });
    reachable = true;
  } catch (error) {
    if (error instanceof RefusedError && error.seatless) return end(error);
    reachable = error instanceof RefusedError && !error.passing;
  }
  render();
}

function visibilityChanged() {
  if (document.hidden) {
    if (shown.since !== null) shown.seen += performance.now() - shown.since;
    shown.since = null;
  } else {
    shown.since = performance.now();
    refresh();
  }
}

function otherTabChanged(event) {
  if (!outbox || !event.key?.startsWith(outbox.prefix)) return;
  // a vote that has left the outbox is in the server's state
  if (event.newValue === null) refresh();
  else render();
}

function activeMs() {
  const running = shown.since === null ? 0 : performance.now() - shown.since;
  return Math.round(shown.seen + running);
}

function zoomClicked(event) {
  const button = event.target instanceof Element ? event.target.closest("button.zoom") : null;
  if (button) zoom(button.querySelector("img"));
}

function zoom(first) {
  const images = [...document.querySelectorAll("#pictures img")];
  if (images.length) viewer.showPicture(images, first ?? images[0]);
}

// The last few are kept for an undo; more would fill the memory with pictures.
function forgetOldMedia() {
  for (const assignment of [...media.keys()].slice(0, -8)) {
    if (assignment !== shown.assignment) media.delete(assignment);
  }
}

function counted(n, word) {
  return `${n} ${word}${n === 1 ? "" : "s"}`;
}

// crypto.randomUUID exists on https and on this machine only
function drawnUuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

start();
