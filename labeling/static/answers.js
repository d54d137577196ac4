// The two answers on the page: their words, where they differ, and reasoning folded on both sides.

import { compare, ranges, wordsOf } from "./diff.js";
import { parts, withoutTags } from "./thoughts.js";
import { appendWords } from "./words.js";

const SIDES = ["left", "right"];
const KEPT = 4;

// both stay as they are from pair to pair
const on = { difference: false, reasoning: false };
const differences = new Map();
let current = null;

export function showAnswers(pair) {
  current = pair;
  draw();
}

// what: "difference" or "reasoning"
export function toggleAnswers(what) {
  on[what] = !on[what];
  draw();
}

// Compares a pair ahead, so that it is painted at once when its turn comes.
export function prepareAnswers(pair) {
  if (on.difference) difference(pair);
}

// For the buttons and the line beside them.
export function answersState() {
  const thinks = current !== null && SIDES.some((side) => parts(current[side]).some(({ thought }) => thought));
  return { ...on, thinks, words: on.difference && current ? summary(difference(current)) : "" };
}

function draw() {
  if (!current) return;
  const found = on.difference ? difference(current) : null;
  for (const side of SIDES) drawSide(side, current[side], found?.[side] ?? []);
}

function drawSide(side, text, marked) {
  const made = document.createDocumentFragment();
  for (const { thought, start, end } of parts(text)) {
    if (!thought) {
      // the line breaks after reasoning would stand as empty lines below its button
      const gap = start === 0 ? 0 : text.slice(start, end).match(/^\s*/)[0].length;
      if (gap) made.append(spanOf("gap", text, start, start + gap));
      appendWords(made, text, start + gap, end, marked);
    } else {
      const spot = spanOf("thought", text, start, end, marked);
      spot.hidden = !on.reasoning;
      made.append(fold(text.slice(start, end)), spot);
    }
  }
  document.getElementById(`${side}-text`).replaceChildren(made);
}

function spanOf(name, text, start, end, marked = []) {
  const made = document.createElement("span");
  made.className = name;
  appendWords(made, text, start, end, marked);
  return made;
}

function fold(text) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "fold";
  const words = wordsOf(withoutTags(text)).filter(({ word }) => /[\p{L}\p{N}]/u.test(word));
  made.textContent = `Reasoning, ${words.length.toLocaleString("en")} word${words.length === 1 ? "" : "s"}`;
  made.setAttribute("aria-expanded", String(on.reasoning));
  return made;
}

// Reasoning is compared with reasoning and the rest with the rest: { left, right, words } or null.
function difference(pair) {
  const kept = differences.get(pair.assignment);
  if (kept !== undefined) return kept;
  const found = { left: [], right: [], differing: [0, 0] };
  let fits = true;
  for (const thought of [false, true]) {
    const [left, right] = SIDES.map((side) => wordsIn(pair[side], thought));
    const marks = compare(left, right);
    if (!marks) fits = false;
    else add(found, { left, right }, marks);
  }
  for (const side of SIDES) found[side].sort(([a], [b]) => a - b);
  differences.set(pair.assignment, fits ? found : null);
  for (const old of [...differences.keys()].slice(0, -KEPT)) differences.delete(old);
  return fits ? found : null;
}

function add(found, words, marks) {
  SIDES.forEach((side, place) => {
    found[side].push(...ranges(words[side], marks[side]));
    found.differing[place] += marks[side].filter(Boolean).length;
  });
}

function wordsIn(text, thought) {
  return parts(text).flatMap((part) => (part.thought === thought ? wordsOf(text, part.start, part.end) : []));
}

function summary(found) {
  if (!found) return "Too long to be compared word by word";
  const [left, right] = found.differing;
  if (left + right === 0) return "All words are the same";
  return `Words that differ: ${left} in A, ${right} in B`;
}
