// What both benches do with the pair on the screen: differences, reasoning, boxes, enlarging.

import { toggleAnswers } from "./answers.js";
import { drawOver, furnishBoxes, toggleBoxes } from "./drawing.js";
import { openOverlay } from "./overlay.js";
import * as viewer from "./viewer.js";

// What a key or button of either bench does.
export const TOOLS = {
  difference: () => toggle("difference"),
  reasoning: () => toggle("reasoning"),
  zoom: () => enlarge(null),
  boxes,
};

let isOpen = () => false;
let changed = () => {};

// open(): whether there is a pair to work on; then(): called when a tool was switched.
export function furnishTools(open, then) {
  isOpen = open;
  changed = then;
  furnishBoxes(viewer.redraw);
  viewer.onDraw(drawOver);
  document.addEventListener("click", clicked);
}

// does: what actions do; otherwise(action): for those that are not in it. A window that is open takes
// only the action that opened it, which closes it, and boxes when it is the enlarged picture.
export function perform(action, does, otherwise) {
  const open = openOverlay();
  if (!open) return does[action] ? does[action]() : otherwise(action);
  if (open.dataset.action === action) return open.close();
  if (open.dataset.action === "zoom" && action === "boxes") boxes();
}

function toggle(what) {
  toggleAnswers(what);
  changed();
}

function boxes() {
  toggleBoxes();
  viewer.redraw();
  changed();
}

function clicked(event) {
  if (!(event.target instanceof Element)) return;
  const button = event.target.closest("button.zoom");
  if (button) enlarge(button.querySelector("img"));
  if (event.target.closest("button.fold")) toggle("reasoning");
}

function enlarge(first) {
  const media = [...document.querySelectorAll("#pictures img, #pictures video")];
  if (media.length && isOpen()) viewer.showMedia(media, first ?? media[0]);
}
