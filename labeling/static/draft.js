// What an annotator has written about the pair on the screen and not sent yet: kept over a reload,
// given back when the vote is undone or refused.

const PREFIX = "pairwright.draft.";
const OLD_MS = 14 * 86_400_000;
const SENT = "pairwright.sent-drafts";
const KEPT = 20;
const EMPTY = { note: "", left: {}, right: {}, failures: [], confidence: null };

// key -> what went with a choice, for an undo; in this tab, so that it outlives a reload
const sent = readSent();
let place = null;
let content = EMPTY;

export function openDraft(desk, assignment) {
  dropOld();
  place = `${PREFIX}${desk}.${assignment}`;
  content = { ...EMPTY, ...(read(place) ?? sent.get(place)) };
}

export function draft() {
  return content;
}

// changes: the parts that are other now
export function changeDraft(changes) {
  if (!place) return;
  content = { ...content, ...changes, at: Date.now() };
  try {
    localStorage.setItem(place, JSON.stringify(content));
  } catch {
    // storage is full or switched off: it holds until the page is left
  }
}

// The fields that go with a choice: what the batch asks and what was written, nothing else.
export function sendDraft(choice, batch) {
  const fields = fieldsOf(choice, batch);
  closeDraft();
  return fields;
}

// The pair has been answered; an undo brings the draft back.
export function closeDraft() {
  if (!place) return;
  if (content.at) sent.set(place, content);
  for (const old of [...sent.keys()].slice(0, -KEPT)) sent.delete(old);
  try {
    localStorage.removeItem(place);
    if (sent.size) sessionStorage.setItem(SENT, JSON.stringify([...sent]));
  } catch {
    // storage is full or switched off
  }
  place = null;
  content = EMPTY;
}

function fieldsOf(choice, batch) {
  const fields = {};
  const note = content.note.trim();
  if (note) fields.note = note;
  if (choice === "skip") return fields;
  const rated = { left: asked(content.left, batch), right: asked(content.right, batch) };
  if (Object.keys({ ...rated.left, ...rated.right }).length) fields.rubric = rated;
  if (batch.confidence && content.confidence) fields.confidence = content.confidence;
  // a tie has no worse answer
  const kinds = (batch.failure_kinds ?? []).map(({ key }) => key);
  const failures = choice === "tie" ? [] : content.failures.filter((kind) => kinds.includes(kind));
  if (failures.length) fields.failures = failures;
  return fields;
}

function asked(ratings, batch) {
  const keys = (batch.rubric ?? []).map(({ key }) => key);
  return Object.fromEntries(Object.entries(ratings).filter(([key]) => keys.includes(key)));
}

function read(key) {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch {
    return null;
  }
}

function readSent() {
  try {
    return new Map(JSON.parse(sessionStorage.getItem(SENT)) ?? []);
  } catch {
    return new Map();
  }
}

// Drafts of pairs that were never answered do not stay for ever.
function dropOld() {
  try {
    for (const key of Object.keys(localStorage)) {
      if (key.startsWith(PREFIX) && !(Date.now() - read(key)?.at < OLD_MS)) localStorage.removeItem(key);
    }
  } catch {
    // storage is switched off
  }
}
