// The bench: shows one pair at a time, takes keys and buttons, keeps every vote until it is saved.

import { later, lookAhead } from "./ahead.js";
import { answersState, prepareAnswers } from "./answers.js";
import { Attention } from "./attention.js";
import { boxesState, showBoxes } from "./drawing.js";
import { closeDraft, draft, openDraft, sendDraft } from "./draft.js";
import { listen } from "./keys.js";
import { furnishLesson, inRound, numbered, showLesson, unreadLesson } from "./lesson.js";
import { atTheEnd, connection, notPassed, notTaken, unreachable, withoutPair } from "./messages.js";
import { Outbox } from "./outbox.js";
import { openOverlay } from "./overlay.js";
import * as paint from "./paint.js";
import { figuresOf, forgetFigures } from "./pictures.js";
import { followed, project, undoTarget } from "./project.js";
import { focusMissing, furnishRatings, missingRatings, rate, showRatings } from "./ratings.js";
import { loadAgain } from "./reloading.js";
import { furnishRemarks, openNote, showRemarks } from "./remarks.js";
import { openReport } from "./report.js";
import { showGuidelines, showKeys } from "./sheets.js";
import { furnishTools, perform, TOOLS } from "./tools.js";
import { get, post, RefusedError } from "./wire.js";

const PRESENCE_MS = 60000;
const LOOK_AGAIN_MS = 20000;
const RETRY_MS = 3000;

const pairs = new Map();
const attention = new Attention();
let state = null;
let outbox = null;
let view = null;
let reachable = true;
let wasOffline = false;
let ended = null;
// grows with every answer to a vote: a state asked for before that is older than what we know
let answers = 0;
// grows with every question for the state: of two under way, the later one is newer, whichever comes
let asked = 0;
let trail = [];
// what is right about a pair of the qualification round, until it was read
let lesson = null;

// What a key or button does; every other action is a vote.
const DOES = {
  ...TOOLS,
  undo,
  note: () => canChoose() && openNote(),
  report: () => canChoose() && openReport(report, paint.hasLostMedia() ? "broken_media" : null),
  guidelines: () => state?.batch.guidelines && showGuidelines(state.batch.guidelines),
  keys: showKeys,
};

async function start() {
  await paint.whenLaidOut();
  paint.furnish();
  // votes are in the outbox or with the server, so a fresh page loses nothing
  paint.whenTornDown(loadAgain);
  furnishTools(canChoose, showControls);
  furnishRatings(showControls);
  furnishRemarks(showControls);
  furnishLesson(render);
  listen((action) => perform(action, DOES, vote), (value) => !openOverlay() && canChoose() && rate(value));
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
  const turn = (asked += 1);
  try {
    const fresh = await get("/api/state");
    if (answers === before && turn === asked) accept(fresh);
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
  tellOfGuidelines(fresh);
  state = fresh;
  if (outbox?.desk !== fresh.desk) {
    trail = [];
    outbox = new Outbox(fresh.desk, { accepted, refused, seatless: end, held, changed: render, moved });
  }
  for (const pair of [fresh.current, fresh.upcoming]) {
    if (!pair) continue;
    pairs.set(pair.assignment, pair);
    figuresOf(pair);
  }
  render();
  lookAhead(fresh, (pair) => pairs.set(pair.assignment, pair));
}

function accepted(fresh, entry) {
  answers += 1;
  if (!inRound(state)) trail = followed(trail, entry);
  accept(fresh);
}

function held(error) {
  paint.notice(`${error.what} ${error.next}`);
}

function tellOfGuidelines(fresh) {
  if (!state || state.desk !== fresh.desk) return;
  const changed = state.batch.guidelines_version !== fresh.batch.guidelines_version;
  if (changed) paint.notice("The guidelines were changed. Please read them again.");
}

function vote(choice) {
  if (!canChoose() || (choice === "both_bad" && !state.batch.both_bad)) return;
  const [ofA, ofB] = missingRatings();
  if (ofA + ofB > 0 && (choice === "left" || choice === "right")) {
    paint.notice(`Rate both answers first. Missing: ${ofA} for A, ${ofB} for B.`);
    return focusMissing();
  }
  const { assignment } = view.current;
  const written = sendDraft(choice, state.batch);
  const version = state.batch.guidelines_version;
  const guided = version ? { guidelines_version: version } : {};
  cast({ kind: "vote", assignment, choice, active_ms: attention.activeMs, ...guided, ...written });
}

function report(reason, note) {
  if (!canChoose()) return;
  const { assignment } = view.current;
  closeDraft();
  cast({ kind: "report", assignment, reason, note });
}

function undo() {
  const assignment = canUndo() ? undoTarget(view) : null;
  if (assignment) cast({ kind: "undo", assignment, active_ms: 0 });
}

function cast(entry) {
  outbox.add({ ...entry, shown_at: Math.round(attention.at), decided_at: Date.now() });
  // the next pair first, the network after it
  render();
  outbox.flush();
}

function canChoose() {
  return Boolean(view?.current) && !view.unsure && !ended && !lesson;
}

// In a qualification round the answer was told.
function canUndo() {
  return Boolean(view) && !ended && !view.unsure && !lesson && !inRound(state);
}

async function refused(error, entry) {
  if (error.state) {
    answers += 1;
    accept(error.state);
  } else {
    await refresh();
  }
  paint.notice(notTaken(error, entry.kind));
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
  const waiting = outbox?.entries().length ?? 0;
  showConnection(waiting);
  if (ended) return paint.message(atTheEnd(ended, waiting), "end");
  if (!state) return reachable || paint.message(unreachable(), "end");
  lesson = unreadLesson(state);
  view = project({ ...state, later: later(state) }, outbox.entries(), pairs, trail);
  paint.progress(numbered(view, state, lesson));
  if (lesson) showPair(lesson.pair);
  else if (view.current) showPair(view.current);
  // in the round the judged pair stays until the server says what is right
  else if (!inRound(state) || !waiting || isOffline()) showNoPair(waiting);
  showLesson(state, lesson);
  showControls();
  if (view.upcoming) setTimeout(prepareAnswers, 0, view.upcoming);
}

function showControls() {
  if (!view) return;
  paint.choices({
    open: canChoose(),
    rated: missingRatings().every((missing) => missing === 0),
    canUndo: canUndo() && undoTarget(view) !== null,
    bothBad: state.batch.both_bad,
    guidelines: state.batch.guidelines,
  });
  paint.tools({
    ...answersState(),
    ...boxesState(),
    open: canChoose(),
    media: paint.hasMedia(),
    noted: draft().note !== "",
  });
}

function showPair(pair) {
  paint.desk();
  if (attention.assignment === pair.assignment) return;
  attention.begin(pair.assignment);
  openDraft(outbox.desk, pair.assignment);
  showRatings(state.batch);
  showRemarks(state.batch);
  paint.pair(pair, figuresOf(pair));
  showBoxes(pair);
  forgetFigures(pair.assignment);
}

function showNoPair(waiting) {
  attention.begin(null);
  const round = state.qualification?.outcome === "not_passed" ? state.qualification : null;
  const words = () => withoutPair(view, state.batch.pairs, waiting, isOffline(), state.quota);
  paint.message(round ? notPassed(round) : words());
}

function showConnection(waiting) {
  if (isOffline() !== wasOffline) {
    wasOffline = !wasOffline;
    paint.notice(wasOffline ? "Offline. Votes are kept in this browser." : "");
  }
  paint.connection(...connection(waiting, wasOffline, Boolean(state) && !ended));
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
    attention.pause();
  } else {
    attention.resume();
    refresh();
  }
}

function otherTabChanged(event) {
  if (!outbox || !event.key?.startsWith(outbox.prefix)) return;
  // a vote that has left the outbox is in the server's state
  if (event.newValue === null) refresh();
  else render();
}

start();
