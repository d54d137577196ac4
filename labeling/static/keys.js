// Keys and buttons become actions. A key counts once however long it is held, and never while typing.
// Which key does what is the annotator's choice, kept in this browser.

let STORE = "pairwright.keys";

// name, its key until changed, the id of its button, words for the list of keys
export let ACTIONS = [
  { name: "left", key: "a", button: "choose-left", words: "Left is better" },
  { name: "right", key: "b", button: "choose-right", words: "Right is better" },
  { name: "tie", key: "f", button: "choose-tie", words: "Too close to call" },
  { name: "both_bad", key: "x", button: "choose-both-bad", words: "Both bad, where the batch has it" },
  { name: "skip", key: "s", button: "choose-skip", words: "Skip" },
  { name: "undo", key: "u", button: "undo", words: "Undo the last choice" },
  { name: "difference", key: "d", button: "show-difference", words: "Mark where the answers differ" },
  { name: "zoom", key: "z", button: "show-zoom", words: "Enlarge the picture" },
  { name: "boxes", key: "g", button: "show-boxes", words: "Draw boxes and points of the answers" },
  { name: "reasoning", key: "t", button: "show-reasoning", words: "Open or fold reasoning" },
  { name: "note", key: "n", button: "write-note", words: "Write a note" },
  { name: "report", key: "r", button: "report-problem", words: "Report a problem with the pair" },
  { name: "guidelines", key: "h", button: "show-guidelines", words: "Guidelines" },
  { name: "keys", key: "?", button: "show-keys", words: "This list" },
];
const VOTES = new Set(["left", "right", "tie", "both_bad", "skip", "withdraw", "dismiss"]);
const TYPING =
  "textarea, select, [contenteditable=''], [contenteditable='true'], " +
  "input:not([type=radio], [type=checkbox], [type=button])";

let keys = read();

export function keyOf(action) {
  return keys[action];
}

// For a page with actions of its own, before it listens. store: where its keys are kept.
export function replaceActions(actions, store) {
  ACTIONS = actions;
  STORE = store;
  keys = read();
}

// Gives an action a key; the action that had it gets the other's. Returns that action's name, or
// null when the key was free. Throws a RangeError for a key that means something else.
export function rebind(action, key) {
  if (!assignable(key)) throw new RangeError(key);
  const had = ACTIONS.find(({ name }) => name !== action && keys[name] === key)?.name ?? null;
  if (had) keys[had] = keys[action];
  keys[action] = key;
  write();
  return had;
}

export function resetKeys() {
  keys = defaults();
  write();
}

// Digits rate, and the viewer has its own signs.
export function assignable(key) {
  return /^[!-~]$/.test(key) && !/[0-9+\-=,.<>]/.test(key) && key === key.toLowerCase();
}

// act(name of an action); rate(1 to 5)
export function listen(act, rate) {
  const held = new Set();
  document.addEventListener("keydown", (event) => {
    // a held Enter clicks a button again and again
    if (event.repeat && event.key === "Enter" && onButton(event)) event.preventDefault();
    const action = actionOf(event);
    const rating = /^[1-5]$/.test(event.key) ? Number(event.key) : null;
    if (!(action || rating) || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target instanceof Element && event.target.closest(TYPING)) return;
    // some remote desktops repeat a held key without saying so: only a release ends a press
    if (event.repeat || held.has(event.code)) return;
    held.add(event.code);
    event.preventDefault();
    if (rating) rate(rating);
    else act(action);
  });
  document.addEventListener("keyup", (event) => held.delete(event.code));
  window.addEventListener("blur", () => held.clear());
  document.addEventListener("click", (event) => {
    const action = ACTIONS.find(({ button }) => button === onButton(event)?.id)?.name;
    // the second click of a double click would judge the next pair unseen
    if (action && !(VOTES.has(action) && event.detail > 1)) act(action);
  });
  window.addEventListener("storage", (event) => {
    if (event.key === STORE) keys = read();
    label();
  });
  label();
}

// The character of a key press. On a keyboard without Latin letters the place of the key counts.
export function letter(event) {
  const typed = event.key.toLowerCase();
  if (/^[\x20-\x7e]$/.test(typed) || event.key.length > 1) return typed;
  return event.code.startsWith("Key") ? event.code.slice(3).toLowerCase() : "";
}

function actionOf(event) {
  const typed = letter(event);
  return ACTIONS.find(({ name }) => keys[name] === typed)?.name;
}

function onButton(event) {
  return event.target instanceof Element ? event.target.closest("button") : null;
}

// bench.css draws data-key on the button
function label() {
  for (const { name, button } of ACTIONS) {
    const place = document.getElementById(button);
    place.dataset.key = keys[name].toUpperCase();
    place.setAttribute("aria-keyshortcuts", keys[name].toUpperCase());
  }
}

function defaults() {
  return Object.fromEntries(ACTIONS.map(({ name, key }) => [name, key]));
}

// What is kept, where it still makes sense: every action a key, no key twice.
function read() {
  try {
    const kept = JSON.parse(localStorage.getItem(STORE)) ?? {};
    const all = { ...defaults(), ...kept };
    const used = ACTIONS.map(({ name }) => all[name]);
    return new Set(used).size === used.length && used.every(assignable) ? all : defaults();
  } catch {
    return defaults();
  }
}

function write() {
  try {
    localStorage.setItem(STORE, JSON.stringify(keys));
  } catch {
    // storage is full or switched off: they hold until the page is left
  }
  label();
}
