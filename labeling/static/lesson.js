// The qualification round: first a word on what it is, and after each pair what is right about it.

import { byId, element } from "./build.js";
import { lessonWords, roundWords } from "./messages.js";
import { plainButton } from "./overlay.js";
import { appendWords } from "./words.js";

// in this tab: which pair's lesson was read, so that a reload does not tell it twice
const READ = "pairwright.lesson-read.";

const box = element("section", { id: "lesson" });
const what = element("p", { id: "lesson-what", role: "status" });
const why = element("div", { id: "lesson-why", class: "words" });
const result = element("p", { id: "lesson-result" });
let read = null;
let shown = null;
let then = () => {};
const goOn = plainButton("Go on", leave);
goOn.id = "go-on";

// called(): when the annotator has read what is right
export function furnishLesson(called) {
  then = called;
  box.setAttribute("aria-label", "Qualification round");
  box.hidden = true;
  box.append(what, why, result, goOn);
  byId("remarks").prepend(box);
}

// What is right about the last pair, until it was read; else null.
export function unreadLesson(state) {
  const feedback = state.qualification?.feedback;
  if (!feedback) return null;
  const last = read ?? kept(state.desk);
  return feedback.pair.assignment === last ? null : feedback;
}

export function inRound(state) {
  return state.qualification?.outcome === "under_way";
}

// The view with the round's own name and numbers, while it is on the screen.
export function numbered(view, state, lesson) {
  const { qualification } = state;
  if (!qualification || (!lesson && qualification.outcome === "passed")) return view;
  const position = lesson ? qualification.judged : view.position;
  const done = qualification.judged;
  return { ...view, what: "Qualification", position, done, total: qualification.pairs };
}

export function showLesson(state, lesson) {
  const assignment = lesson?.pair.assignment ?? null;
  const intro = !lesson && inRound(state) && state.qualification.judged === 0;
  box.hidden = !lesson && !intro;
  box.classList.toggle("told", Boolean(lesson));
  goOn.hidden = why.hidden = !lesson;
  for (const side of ["left", "right"]) {
    byId(`answer-${side}`).classList.toggle("better", lesson?.better === side);
  }
  if (intro) say(roundWords(state.qualification));
  if (!lesson || shown === assignment) return;
  shown = assignment;
  read = null;
  goOn.dataset.desk = state.desk;
  say(lessonWords(state.qualification, lesson));
  why.replaceChildren();
  appendWords(why, lesson.explanation);
  goOn.focus();
}

function say([first, second]) {
  if (what.textContent !== first) what.textContent = first;
  result.textContent = second;
}

function leave() {
  read = shown;
  try {
    sessionStorage.setItem(`${READ}${goOn.dataset.desk}`, shown);
  } catch {
    // storage is switched off: it holds until the page is left
  }
  goOn.blur();
  then();
}

function kept(desk) {
  try {
    return sessionStorage.getItem(`${READ}${desk}`);
  } catch {
    return null;
  }
}
