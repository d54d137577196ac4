// The bench of a lead: one waiting pair at a time with all its votes, decided by keys and buttons.

import { answersState, prepareAnswers } from "./answers.js";
import { byId } from "./build.js";
import { boxesState, showBoxes } from "./drawing.js";
import { closeDraft, draft, openDraft, sendDraft } from "./draft.js";
import { listen, replaceActions } from "./keys.js";
import { ACTIONS, STORE } from "./lead_actions.js";
import { atTheEnd, connection, unreachable } from "./messages.js";
import { newEvent, Outbox } from "./outbox.js";
import * as paint from "./paint.js";
import { figuresOf, forgetFigures } from "./pictures.js";
import { followed, project, undoTarget } from "./project.js";
import { loadAgain } from "./reloading.js";
import { furnishRemarks, openNote, showRemarks } from "./remarks.js";
import { showGuidelines, showKeys } from "./sheets.js";
import { furnishTools, perform, TOOLS } from "./tools.js";
import { furnishVotes, showVotes } from "./votes.js";
import { get, post, RefusedError } from "./wire.js";

const LOOK_AGAIN_MS = 20000;
// in one tab: after a reload the same pair
const PLACE = "pairwright.lead-place";
const NOTHING_ASKED = {};

const pairs = new Map();
let state = null;
let outbox = null;
let view = null;
let shown = null;
let reachable = true;
let ended = null;
let trail = [];
// grows with every state that was taken: one asked for before that is older than what we know
let taken = 0;

const DOES = {
  ...TOOLS,
  undo,
  names,
  dismiss,
  skip,
  note: () => canDecide() && openNote(),
  guidelines: () => view?.current?.guidelines && showGuidelines(view.current.guidelines),
  keys: showKeys,
};

async function start() {
  await paint.whenLaidOut(["said", ...ACTIONS.map(({ button }) => button)]);
  paint.furnish();
  // decisions are in the outbox or with the server, so a fresh page loses nothing
  paint.whenTornDown(loadAgain);
  furnishVotes();
  furnishTools(canDecide, showControls);
  furnishRemarks(showControls, "Reason, optional, kept with your decision");
  replaceActions(ACTIONS, STORE);
  listen((action) => perform(action, DOES, decide), () => {});
  window.addEventListener("online", () => refresh());
  window.addEventListener("offline", render);
  setInterval(() => !document.hidden && refresh(), LOOK_AGAIN_MS);
  await refresh();
}

async function refresh() {
  const before = taken;
  try {
    const fresh = await get(`/api/lead/state${where("at", sessionStorage.getItem(PLACE))}`);
    if (before === taken) accept(fresh);
  } catch (error) {
    if (!(error instanceof RefusedError) || error.passing) reachable = false;
    else if (error.status === 404 && sessionStorage.getItem(PLACE)) return forgetPlace();
    else ended = error;
    return render();
  }
  await outbox.flush();
}

// The place was another link's: its queue does not have that pair.
function forgetPlace() {
  sessionStorage.removeItem(PLACE);
  return refresh();
}

function accept(fresh) {
  taken += 1;
  reachable = true;
  ended = null;
  state = fresh;
  if (outbox?.desk !== fresh.desk) {
    trail = [];
    const calls = { accepted, refused, seatless, changed: render, moved: async () => false };
    outbox = new Outbox(fresh.desk, calls, (entry) => ["/api/lead/decisions", entry]);
  }
  for (const pair of [fresh.current, fresh.upcoming]) {
    if (!pair) continue;
    pairs.set(pair.assignment, pair);
    figuresOf(pair);
  }
  render();
}

function accepted(fresh, entry) {
  trail = followed(trail, entry);
  accept(fresh);
}

function refused(error) {
  if (error.state) accept(error.state);
  else refresh();
  paint.notice(`${error.what} ${error.next}`);
}

function seatless(error) {
  ended = error;
  render();
}

function decide(choice) {
  if (!canDecide()) return;
  const { assignment } = view.current;
  const { note = "" } = sendDraft(choice, NOTHING_ASKED);
  cast({ kind: "vote", assignment, choice, note });
}

function undo() {
  const assignment = view && !ended && !view.unsure ? undoTarget(view) : null;
  if (assignment) cast({ kind: "undo", assignment });
}

function cast(entry) {
  outbox.add(entry);
  render();
  outbox.flush();
}

function skip() {
  if (!canDecide()) return;
  closeDraft();
  ask(() => get(`/api/lead/state${where("after", view.current.assignment)}`));
}

function dismiss() {
  if (!canDecide() || !openReports().length) return;
  const { assignment } = view.current;
  ask(async () => (await post("/api/lead/dismissals", { event: newEvent(), assignment })).state);
}

function names() {
  if (!canDecide() || view.current.names_seen) return;
  ask(async () => (await post("/api/lead/names", { assignment: view.current.assignment })).state);
}

// Something that needs the server's answer before anything is shown.
async function ask(question) {
  await outbox.flush();
  try {
    accept(await question());
  } catch (error) {
    if (error instanceof RefusedError && error.seatless) seatless(error);
    else if (error instanceof RefusedError) refused(error);
    else paint.notice("The labeling server cannot be reached. Nothing was changed.");
  }
}

function where(name, assignment) {
  return assignment ? `?${name}=${assignment}` : "";
}

function canDecide() {
  return Boolean(view?.current) && !view.unsure && !ended;
}

function openReports() {
  return view.current.reports.filter(({ dismissed }) => !dismissed);
}

function render() {
  const waiting = outbox?.entries().length ?? 0;
  const offline = !navigator.onLine || !reachable || Boolean(outbox?.offline);
  paint.connection(...connection(waiting, offline, Boolean(state) && !ended));
  if (ended) return paint.message(atTheEnd(ended, waiting), "end");
  if (!state) return reachable || paint.message(unreachable(), "end");
  view = project(state, outbox.entries(), pairs, trail);
  showQueue();
  if (view.current) showPair(view.current);
  else showNoPair();
  showControls();
  if (view.upcoming) setTimeout(prepareAnswers, 0, view.upcoming);
}

function showQueue() {
  const left = Math.max(0, view.total - view.done);
  const words = left ? `${left} pair${left === 1 ? " waits" : "s wait"}` : "No pair waits";
  if (byId("pair-number").textContent !== words) byId("pair-number").textContent = words;
}

function showPair(pair) {
  paint.desk();
  const same = shown?.assignment === pair.assignment;
  if (same && JSON.stringify(shown) === JSON.stringify(pair)) return;
  shown = pair;
  showVotes(pair, same);
  sessionStorage.setItem(PLACE, pair.assignment);
  if (same) return;
  openDraft(outbox.desk, pair.assignment);
  showRemarks(NOTHING_ASKED);
  paint.pair(pair, figuresOf(pair));
  showBoxes(pair);
  forgetFigures(pair.assignment);
}

function showNoPair() {
  shown = null;
  if (!view.finished && view.done < view.total) return paint.message(["The next pair is on its way.", ""]);
  const decided = view.done ? ` You decided ${view.done}; Undo takes back the last one.` : "";
  paint.message(["No pair waits for a lead.", `Disputed and reported pairs come here by themselves.${decided}`]);
}

function showControls() {
  if (!view) return;
  const open = canDecide();
  for (const id of ["choose-left", "choose-right", "choose-tie", "choose-skip", "withdraw-pair"]) {
    paint.available(id, open);
  }
  paint.available("dismiss-reports", open && openReports().length > 0);
  paint.available("undo", !view.unsure && undoTarget(view) !== null);
  byId("show-guidelines").classList.toggle("absent", !view.current?.guidelines);
  const { difference, reasoning, thinks, words } = answersState();
  const { boxes: drawn, hasBoxes } = boxesState();
  paint.pressed("show-difference", difference, true);
  paint.pressed("show-reasoning", reasoning, open && thinks);
  paint.pressed("show-boxes", drawn, open && hasBoxes);
  paint.pressed("write-note", draft().note !== "", open);
  paint.pressed("show-names", open && view.current.names_seen, open && !view.current.names_seen);
  paint.available("show-zoom", open && paint.hasMedia());
  if (byId("tool-words").textContent !== words) byId("tool-words").textContent = words;
}

start();
