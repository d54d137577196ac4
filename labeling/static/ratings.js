// Rubric: under each answer one row per criterion, rated 1 to 5 by mouse or by the digits.

import { byId, element } from "./build.js";
import { changeDraft, draft } from "./draft.js";

const SIDES = [["left", "A"], ["right", "B"]];

let rubric = [];
let built = "";
let changed = () => {};

// then(): called after every rating
export function furnishRatings(then) {
  changed = then;
  for (const [side, letter] of SIDES) {
    const box = element("div", { id: `${side}-ratings`, class: "ratings", role: "group" });
    box.setAttribute("aria-label", `Ratings of answer ${letter}`);
    box.addEventListener("keydown", moved);
    byId(`answer-${side}`).append(box);
  }
}

export function showRatings(batch) {
  build(batch.rubric ?? []);
  // a digit for the new pair starts at its first criterion
  if (document.activeElement?.closest(".ratings")) document.activeElement.blur();
  for (const [side] of SIDES) {
    for (const input of byId(`${side}-ratings`).querySelectorAll("input")) {
      input.checked = draft()[side][input.dataset.key] === Number(input.value);
    }
  }
}

// How many ratings of A and of B are not given yet.
export function missingRatings() {
  return SIDES.map(([side]) => rubric.filter(({ key }) => !draft()[side][key]).length);
}

export function focusMissing() {
  rows().find((row) => !ratingOf(row))?.querySelector("input").focus();
}

// value: 1 to 5, for the criterion with the focus, else for the first that is not rated.
export function rate(value) {
  const here = document.activeElement?.closest(".criterion");
  const row = here ?? rows().find((each) => !ratingOf(each));
  if (!row) return;
  const input = row.querySelector(`input[value="${value}"]`);
  input.checked = true;
  keep(input);
  const next = rows().slice(rows().indexOf(row) + 1).find((each) => !ratingOf(each));
  focus(next ?? row);
}

function build(wanted) {
  const text = JSON.stringify(wanted);
  if (text === built) return;
  built = text;
  rubric = wanted;
  for (const [side, letter] of SIDES) {
    const made = rubric.map((criterion) => row(side, letter, criterion));
    byId(`${side}-ratings`).replaceChildren(...made);
  }
}

function row(side, letter, { key, label, low, high }) {
  const made = element("div", { class: "criterion", role: "radiogroup" });
  made.dataset.side = side;
  made.dataset.key = key;
  made.setAttribute("aria-label", `Answer ${letter}, ${label}: 1 ${low}, 5 ${high}`);
  const scale = element("span", { class: "scale" });
  for (let value = 1; value <= 5; value += 1) {
    const input = element("input", { type: "radio", name: `${side}-${key}`, value: String(value) });
    input.dataset.key = key;
    input.setAttribute("aria-label", String(value));
    input.addEventListener("change", () => keep(input));
    const spot = element("label");
    spot.append(input, element("span", {}, String(value)));
    scale.append(spot);
  }
  const name = element("span", { class: "name" }, label);
  name.append(" ", element("small", {}, `1 ${low}, 5 ${high}`));
  made.append(name, scale);
  return made;
}

function keep(input) {
  const { side, key } = input.closest(".criterion").dataset;
  changeDraft({ [side]: { ...draft()[side], [key]: Number(input.value) } });
  changed();
}

// Up and down go from criterion to criterion; left and right, as the browser does it, rate.
function moved(event) {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  const here = event.target.closest(".criterion");
  if (!step || !here) return;
  event.preventDefault();
  const all = rows();
  focus(all[(all.indexOf(here) + step + all.length) % all.length]);
}

function focus(row) {
  (row.querySelector("input:checked") ?? row.querySelector("input")).focus();
}

function rows() {
  return [...document.querySelectorAll(".criterion")];
}

function ratingOf(row) {
  return draft()[row.dataset.side][row.dataset.key];
}
