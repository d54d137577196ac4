// Draws the boxes and points of both answers over a picture: A with whole lines, B with dashes.

import { boxesIn, inPixels, readingOf } from "./boxes.js";
import { byId } from "./build.js";
import { sizeOf } from "./pictures.js";

const SVG = "http://www.w3.org/2000/svg";
const SIDES = [["left", "A"], ["right", "B"]];
const READINGS = { pixels: "pixels", thousand: "0 to 1000", unit: "0 to 1" };
const LABEL_PX = 13;
const POINT_PX = 6;
const LONGEST_LABEL = 24;

// both stay as they are from pair to pair
let on = false;
let chosen = "pixels";
// boxes with their side, their name ("A1") and the <img> that they lie on
let found = [];
const watching = new ResizeObserver(() => drawOnPage());

export function showBoxes(pair) {
  const pictures = [...document.querySelectorAll("#pictures figure")].map((each) => each.querySelector("img"));
  found = SIDES.flatMap(([side, letter]) => boxesOf(pair[side], side, letter, pictures));
  watching.disconnect();
  for (const picture of pictured()) {
    watching.observe(picture.closest("figure"));
    picture.addEventListener("load", drawOnPage, { once: true });
  }
  drawOnPage();
}

export function toggleBoxes() {
  on = !on;
  drawOnPage();
}

// For the button: whether boxes are drawn, and whether there are any.
export function boxesState() {
  return { boxes: on, hasBoxes: found.some(({ picture }) => picture.isConnected) };
}

// Over the enlarged picture, in an element of its size.
export function drawOver(stage, picture) {
  stage.querySelector("svg.boxes")?.remove();
  if (on && boxesOn(picture).length > 0) draw(stage, picture);
}

// Where an answer names no picture, its boxes are taken to be of the first.
function boxesOf(text, side, letter, pictures) {
  const first = pictures.find(Boolean);
  return boxesIn(text, pictures.length)
    .map((box, at) => ({
      ...box,
      side,
      name: `${letter}${at + 1}`,
      picture: box.picture === null ? first : pictures[box.picture],
    }))
    .filter(({ picture }) => picture);
}

function boxesOn(picture) {
  return found.filter((box) => box.picture === picture);
}

// The pictures with boxes.
function pictured() {
  return [...new Set(found.map(({ picture }) => picture))];
}

function isLoaded(picture) {
  return picture.isConnected && picture.naturalWidth > 0;
}

function drawOnPage() {
  document.querySelectorAll("#pictures svg.boxes").forEach((old) => old.remove());
  const drawn = on ? pictured().filter(isLoaded) : [];
  legend(drawn);
  for (const picture of drawn) draw(picture.parentElement, picture);
}

function draw(frame, picture) {
  const [width, height] = sizeOf(picture);
  const room = frame.getBoundingClientRect();
  const scale = Math.min(room.width / width, room.height / height);
  if (!(scale > 0)) return;
  const layer = shape("svg", { class: "boxes", viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  const names = [];
  for (const box of boxesOn(picture)) {
    const spot = inPixels(box, reading(picture), width, height);
    layer.append(outline(spot, box.side, scale));
    names.push(words(spot, box.side, box.name, scale, [width, height]));
  }
  // above every line
  layer.append(...names);
  frame.append(layer);
}

function outline(spot, side, scale) {
  const { x1, y1, x2, y2 } = spot;
  const group = shape("g", { class: side });
  for (const kind of ["halo", "line"]) {
    group.append(
      isPoint(spot)
        ? shape("circle", { class: kind, cx: x1, cy: y1, r: POINT_PX / scale })
        : shape("rect", { class: kind, x: x1, y: y1, width: x2 - x1, height: y2 - y1 }),
    );
  }
  return group;
}

function words(spot, side, name, scale, [width, height]) {
  const { x1, y1, x2, y2, label } = spot;
  const size = LABEL_PX / scale;
  const short = label.length > LONGEST_LABEL ? `${label.slice(0, LONGEST_LABEL)}…` : label;
  const atEnd = x1 > width * 0.75;
  const aside = ((atEnd ? -1 : 1) * 2 * POINT_PX) / scale;
  // boxes of both answers often lie on each other: the words of A stand above, those of B below
  const above = Math.max(size, y1 - size / 3);
  const below = Math.min(height - size / 3, y2 + size * 1.1);
  const made = shape("text", {
    class: side,
    x: isPoint(spot) ? x1 + aside : atEnd ? x2 : x1,
    y: isPoint(spot) ? y1 + size / 3 : side === "left" ? above : below,
    "font-size": size,
    "stroke-width": 3 / scale,
    "text-anchor": atEnd ? "end" : "start",
  });
  made.textContent = `${name} ${short}`.trim();
  return made;
}

function isPoint({ x1, y1, x2, y2 }) {
  return x1 === x2 && y1 === y2;
}

// Pixels and 0 to 1000 look alike in many answers: then the annotator says which it is.
function legend(pictures) {
  byId("box-legend").hidden = pictures.length === 0;
  if (pictures.length === 0) return;
  const isOpen = (picture) => boxesOn(picture).some(({ scale }) => scale === "open");
  const readings = pictures.map((each) => (isOpen(each) ? reading(each) : boxesOn(each)[0].scale));
  const words = [...new Set(readings)].map((each) => READINGS[each]).join(" and ");
  const button = byId("box-reading");
  button.textContent = words;
  button.disabled = !pictures.some((each) => isOpen(each) && told(each) === null);
  button.setAttribute("aria-label", `Coordinates read as ${words}${button.disabled ? "" : ", change"}`);
}

export function furnishBoxes(redrawn) {
  const spot = document.createElement("p");
  spot.id = "box-legend";
  spot.hidden = true;
  const button = document.createElement("button");
  button.type = "button";
  button.id = "box-reading";
  button.addEventListener("click", () => {
    chosen = chosen === "pixels" ? "thousand" : "pixels";
    drawOnPage();
    redrawn();
  });
  spot.append("A lines, B dashes, read as ", button);
  byId("tool-status").prepend(spot);
}

function reading(picture) {
  return told(picture) ?? chosen;
}

// What the numbers on a picture tell, else what those on the others do: a model writes in one way.
function told(picture) {
  const own = toldBy(picture);
  if (own !== null) return own;
  const others = new Set(pictured().filter(isLoaded).map(toldBy).filter((each) => each !== null));
  return others.size === 1 ? [...others][0] : null;
}

function toldBy(picture) {
  return readingOf(boxesOn(picture), ...sizeOf(picture));
}

function shape(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  return made;
}
