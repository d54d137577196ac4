// Fills the columns that Gradio laid out. Every word from outside goes through textContent.

import { showAnswers } from "./answers.js";
import { byId, element } from "./build.js";
import { number } from "./pictures.js";
import { appendWords } from "./words.js";

const ROLES = { system: "System", user: "Prompt", assistant: "Earlier answer" };
const NOTICE_MS = 8000;
const LOOK_MS = 40;
const COLUMNS = [
  ...["progress", "notice", "connection", "show-guidelines", "show-keys", "tool-status", "write-note"],
  ...["prompt", "answer-left", "answer-right", "remarks", "message", "choose-left", "choose-right", "undo"],
];
const OURS = ["pair-number", "connection-words", "notice-words", "pictures", "left-text", "right-text"];

let noticeTimer = null;

// Resolves once Gradio has drawn all of our columns and leaves them alone: on a busy machine it draws
// some of them anew, and what was put into the first ones is gone. more: ids that only this page has.
export async function whenLaidOut(more = []) {
  let before = [];
  for (;;) {
    const columns = [...COLUMNS, ...more].map(byId);
    if (columns.every((column, at) => column && column === before[at])) return;
    before = columns;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

// Calls when what we put into the columns is gone all the same.
export function whenTornDown(call) {
  const watching = new MutationObserver(() => {
    if (OURS.every(byId)) return;
    watching.disconnect();
    call();
  });
  watching.observe(document.body, { childList: true, subtree: true });
}

export function furnish() {
  byId("progress").append(element("h1", { id: "pair-number", "aria-live": "polite" }), bar());
  byId("connection").append(element("span", { id: "connection-words", role: "status" }));
  labeled("connection", "Connection");
  byId("tool-status").append(element("p", { id: "tool-words", role: "status" }));
  grouped("tools", "Tools");
  byId("notice").append(element("p", { id: "notice-words", role: "status" }));
  labeled("prompt", "Prompt");
  byId("prompt").append(scrolling("turns", "Prompt"), element("div", { id: "pictures" }));
  for (const [side, letter] of [["left", "A"], ["right", "B"]]) {
    labeled(`answer-${side}`, `Answer ${letter}`);
    const heading = element("h2", {}, letter);
    byId(`answer-${side}`).append(heading, scrolling(`${side}-text`, `Answer ${letter}`));
  }
  grouped("choices", "Your choice");
  byId("message").setAttribute("role", "status");
  byId("message").append(element("h2", { id: "message-what" }), element("p", { id: "message-next" }));
}

export function pair(shown, figures) {
  byId("pictures").replaceChildren(...figures);
  byId("pictures").dataset.count = String(Math.min(figures.length, 5));
  byId("prompt").classList.toggle("text-only", figures.length === 0);
  byId("turns").replaceChildren(...shown.messages.map((message) => turn(shown, message)));
  showAnswers(shown);
  for (const id of ["turns", "left-text", "right-text"]) byId(id).scrollTop = 0;
}

export function progress(view) {
  const number = byId("pair-number");
  const words = view.finished ? `${view.done} pairs judged` : `${view.what ?? "Pair"} ${view.position} / ${view.total}`;
  if (number.textContent !== words) number.textContent = words;
  byId("progress-bar").max = Math.max(1, view.total);
  byId("progress-bar").value = view.done;
}

export function connection(words, kind) {
  const spot = byId("connection-words");
  if (spot.textContent !== words) spot.textContent = words;
  byId("connection").dataset.kind = kind;
}

export function notice(words) {
  clearTimeout(noticeTimer);
  byId("notice-words").textContent = words;
  noticeTimer = setTimeout(() => (byId("notice-words").textContent = ""), NOTICE_MS);
}

export function desk() {
  document.body.dataset.bench = "pair";
}

// Puts words where the pair was. kind: "message", or "end" where nothing can be chosen any more.
export function message([what, next], kind = "message") {
  document.body.dataset.bench = kind;
  byId("message-what").textContent = what;
  byId("message-next").textContent = next;
}

export function choices({ open, rated, canUndo, bothBad, guidelines }) {
  const switches = {
    "choose-left": open && rated,
    "choose-right": open && rated,
    "choose-tie": open,
    "choose-both-bad": open,
    "choose-skip": open,
    undo: canUndo,
  };
  for (const [id, on] of Object.entries(switches)) {
    available(id, on);
  }
  byId("choose-both-bad").classList.toggle("absent", !bothBad);
  byId("show-guidelines").classList.toggle("absent", !guidelines);
}

// What of the tools is on, and what there is for them to do on this pair.
export function tools({ open, media, thinks, difference, reasoning, boxes, hasBoxes, noted, words }) {
  pressed("show-difference", difference, true);
  pressed("show-reasoning", reasoning, open && thinks);
  pressed("show-boxes", boxes, open && hasBoxes);
  pressed("write-note", noted, open);
  available("report-problem", open);
  available("show-zoom", open && media);
  const spot = byId("tool-words");
  if (spot.textContent !== words) spot.textContent = words;
}

export function hasMedia() {
  return byId("pictures").querySelector("img, video") !== null;
}

export function hasLostMedia() {
  return byId("pictures").querySelector(".lost") !== null;
}

export function pressed(id, on, can) {
  byId(id).setAttribute("aria-pressed", String(on));
  available(id, can);
}

export function available(id, can) {
  byId(id).setAttribute("aria-disabled", String(!can));
}

function turn(shown, message) {
  const box = element("section", { class: `turn ${message.role}` });
  box.append(element("h3", {}, ROLES[message.role] ?? message.role));
  const words = element("div", { class: "words" });
  const several = shown.messages.flatMap((each) => each.parts).filter((part) => part.src).length > 1;
  for (const part of message.parts) {
    if (part.type === "text") {
      const spot = element("span", { class: "isolated" });
      appendWords(spot, part.text);
      words.append(spot);
    } else if (several) {
      const kind = part.type === "video" ? "Video" : "Picture";
      words.append(element("span", { class: "place" }, `${kind} ${number(shown, part)}`));
    }
  }
  box.append(words);
  return box;
}

function bar() {
  const made = element("progress", { id: "progress-bar" });
  made.setAttribute("aria-label", "Pairs judged");
  return made;
}

function scrolling(id, name) {
  const made = element("div", { id, class: "words", role: "group", tabindex: "0" });
  made.setAttribute("aria-label", name);
  return made;
}

function grouped(id, name) {
  byId(id).setAttribute("role", "group");
  byId(id).setAttribute("aria-label", name);
}

function labeled(id, name) {
  byId(id).setAttribute("role", "region");
  byId(id).setAttribute("aria-label", name);
}
