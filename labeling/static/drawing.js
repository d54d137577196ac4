// Draws the boxes and points of both answers over a picture: A with whole lines, B with dashes.

import { boxesIn, inPixels, readingOf } from "./boxes.js";
import { byId } from "./build.js";

const SVG = "http://www.w3.org/2000/svg";
const SIDES = [["left", "A"], ["right", "B"]];
const READINGS = { pixels: "pixels", thousand: "0 to 1000", unit: "0 to 1" };
const LABEL_PX = 13;
const POINT_PX = 6;
const LONGEST_LABEL = 24;

// both stay as they are from pair to pair
let on = false;
let chosen = "pixels";
let found = { left: [], right: [] };
const watching = new ResizeObserver(() => drawOnPage());

export function showBoxes(pair) {
  found = { left: boxesIn(pair.left), right: boxesIn(pair.right) };
  watching.disconnect();
  const figure = firstPicture()?.closest("figure");
  if (figure) watching.observe(figure);
  firstPicture()?.addEventListener("load", drawOnPage, { once: true });
  drawOnPage();
}

export function toggleBoxes() {
  on = !on;
  drawOnPage();
}

// For the button: whether boxes are drawn, and whether there are any.
export function boxesState() {
  return { boxes: on, hasBoxes: all().length > 0 && firstPicture() !== null };
}

// Over the enlarged picture, in an element of its size.
export function drawOver(stage, picture) {
  stage.querySelector("svg.boxes")?.remove();
  if (on && picture === firstPicture()) draw(stage, picture);
}

function all() {
  return [...found.left, ...found.right];
}

// Answers name no picture: with several, their boxes are taken to be of the first.
function firstPicture() {
  return document.querySelector("#pictures img");
}

function drawOnPage() {
  document.querySelectorAll("#pictures svg.boxes").forEach((old) => old.remove());
  const picture = firstPicture();
  const drawn = on && picture?.naturalWidth > 0 && all().length > 0;
  legend(drawn ? picture : null);
  if (drawn) draw(picture.parentElement, picture);
}

function draw(frame, picture) {
  const { naturalWidth: width, naturalHeight: height } = picture;
  const room = frame.getBoundingClientRect();
  const scale = Math.min(room.width / width, room.height / height);
  if (!(scale > 0)) return;
  const layer = shape("svg", { class: "boxes", viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  const names = [];
  for (const [side, letter] of SIDES) {
    found[side].forEach((box, place) => {
      const spot = inPixels(box, reading(picture), width, height);
      layer.append(outline(spot, side, scale));
      names.push(words(spot, side, `${letter}${place + 1}`, scale, [width, height]));
    });
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
function legend(picture) {
  byId("box-legend").hidden = !picture;
  if (!picture) return;
  const scales = new Set(all().map(({ scale }) => scale));
  const isOpen = scales.has("open");
  const words = READINGS[isOpen ? reading(picture) : [...scales][0]];
  const button = byId("box-reading");
  button.textContent = words;
  button.disabled = !isOpen || told(picture) !== null;
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

function told(picture) {
  return readingOf(all(), picture.naturalWidth, picture.naturalHeight);
}

function shape(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  return made;
}
