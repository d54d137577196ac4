// Two sheets to read: the guidelines of the batch, and the list of keys, where they are changed.

import { guidelinesOf } from "./guidelines.js";
import { ACTIONS, keyOf, letter, rebind, resetKeys } from "./keys.js";
import { overlay, plainButton } from "./overlay.js";

// keys, words, and what has to be on the page for them
const FIXED = [
  ["1 to 5", "Rate the criterion that is marked; up and down arrows move to another", ".ratings"],
  ["+  -  0", "In the enlarged picture: closer, farther, the whole picture"],
  ["Arrows", "In the enlarged picture: move it; the next picture when the whole one is shown"],
  [",  .", "In the enlarged video: one frame back, one frame on; the space bar plays"],
  ["Esc", "Close a window, leave a note"],
];

const guide = overlay("guide", "Guidelines", "guidelines");
const sheet = overlay("keys", "Keys", "keys");
const words = document.createElement("p");
words.setAttribute("role", "status");
let waiting = null;

export function showGuidelines(text) {
  const spot = document.createElement("div");
  spot.className = "guidelines";
  spot.tabIndex = 0;
  spot.append(...guidelinesOf(text));
  guide.body.replaceChildren(spot);
  guide.dialog.showModal();
}

export function showKeys() {
  say("Press Change, then the key that you want. The choice is kept in this browser.");
  draw();
  sheet.dialog.showModal();
}

sheet.dialog.addEventListener("keydown", pressed, true);
sheet.dialog.addEventListener("close", () => wait(null));
const back = plainButton("Reset all keys", () => {
  wait(null);
  resetKeys();
  draw();
  say("All keys are as at the start.");
});
back.id = "reset-keys";
sheet.shut.before(back);

function draw() {
  const list = document.createElement("table");
  for (const { name, words: what } of ACTIONS) {
    const change = plainButton("Change", () => wait(name));
    change.dataset.changes = name;
    change.setAttribute("aria-label", `Change the key of: ${what}`);
    list.append(row(keyOf(name).toUpperCase(), what, change));
  }
  const fixed = document.createElement("table");
  for (const [key, what, needs] of FIXED) {
    if (!needs || document.querySelector(needs)) fixed.append(row(key, what));
  }
  sheet.body.replaceChildren(words, list, fixed);
}

function row(key, what, change) {
  const made = document.createElement("tr");
  const cap = document.createElement("kbd");
  cap.textContent = key;
  for (const [tag, content] of [["th", what], ["td", cap], ["td", change ?? ""]]) {
    const cell = document.createElement(tag);
    if (tag === "th") cell.scope = "row";
    cell.append(content);
    made.append(cell);
  }
  return made;
}

function wait(name) {
  waiting = name;
  for (const each of sheet.body.querySelectorAll("[data-changes]")) {
    each.textContent = each.dataset.changes === name ? "Press a key" : "Change";
  }
  if (name) say(`Press the new key of: ${named(name)}. Esc keeps ${keyOf(name).toUpperCase()}.`);
}

// While a key is awaited it does nothing else.
function pressed(event) {
  if (!waiting || event.key === "Tab" || ["Shift", "Control", "Alt", "Meta"].includes(event.key)) return;
  event.preventDefault();
  event.stopPropagation();
  const name = waiting;
  if (event.key === "Escape") {
    wait(null);
    return say("Nothing was changed.");
  }
  try {
    const key = letter(event);
    const had = rebind(name, key);
    draw();
    const swap = had ? ` ${named(had)} has ${keyOf(had).toUpperCase()} now.` : "";
    say(`${named(name)} has ${key.toUpperCase()} now.${swap}`);
  } catch {
    wait(null);
    say(`${event.key} cannot be used: take a letter or a sign other than + - = , . < >`);
  }
  sheet.body.querySelector(`[data-changes="${name}"]`).focus();
  waiting = null;
}

function named(action) {
  return ACTIONS.find(({ name }) => name === action).words;
}

function say(what) {
  words.textContent = what;
}
