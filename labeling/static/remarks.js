// Above the choices: a note, what is wrong with the worse answer, how sure the annotator is.

import { byId, element } from "./build.js";
import { changeDraft, draft } from "./draft.js";

const SURE = [[1, "Guess"], [2, "Likely"], [3, "Sure"]];
const LONGEST = 2000;

const note = element("textarea", { id: "note", rows: "1", maxlength: String(LONGEST) });
const noteBox = element("div", { id: "note-box" });
const failures = element("div", { id: "failures", class: "chips", role: "group" });
const confidence = element("div", { id: "confidence", class: "chips", role: "group" });
let asked = "";
let changed = () => {};

// then(): called after every change; words: what the note is called.
export function furnishRemarks(then, words = "Note, sent with your choice") {
  changed = then;
  const name = element("label", { for: "note" }, words);
  noteBox.append(name, note);
  noteBox.hidden = true;
  note.addEventListener("input", () => {
    changeDraft({ note: note.value });
    changed();
  });
  note.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    leaveNote();
  });
  byId("remarks").append(noteBox, failures, confidence);
}

export function showRemarks(batch) {
  build(batch);
  note.value = draft().note;
  noteBox.hidden = !note.value;
  for (const chip of byId("remarks").querySelectorAll(".chip")) press(chip);
}

export function openNote() {
  noteBox.hidden = false;
  note.focus();
}

// An empty note goes away; a written one stays in sight.
function leaveNote() {
  note.blur();
  noteBox.hidden = !note.value;
  byId("write-note").focus();
}

// Chips for what the batch asks; made again only when it asks something else.
function build(batch) {
  const kinds = batch.failure_kinds ?? [];
  const asks = JSON.stringify([kinds, batch.confidence ?? false]);
  if (asks === asked) return;
  asked = asks;
  fill(failures, "Worse answer", kinds.map(({ key, label }) => chip(label, "failure", key)));
  const sure = batch.confidence ? SURE.map(([value, words]) => chip(words, "sure", value)) : [];
  fill(confidence, "How sure", sure);
}

function fill(group, name, chips) {
  group.hidden = chips.length === 0;
  group.setAttribute("aria-label", `${name}, optional`);
  group.replaceChildren(element("span", { class: "name" }, name), ...chips);
}

function chip(words, kind, value) {
  const made = element("button", { type: "button", class: "chip" }, words);
  made.dataset[kind] = String(value);
  made.addEventListener("click", () => {
    if (kind === "failure") changeDraft({ failures: toggled(draft().failures, value) });
    else changeDraft({ confidence: draft().confidence === value ? null : value });
    for (const each of byId("remarks").querySelectorAll(".chip")) press(each);
    changed();
  });
  return made;
}

function press(each) {
  const on = each.dataset.failure
    ? draft().failures.includes(each.dataset.failure)
    : String(draft().confidence) === each.dataset.sure;
  each.setAttribute("aria-pressed", String(on));
}

function toggled(all, one) {
  return all.includes(one) ? all.filter((each) => each !== one) : [...all, one];
}
