// Pictures and videos at the size of the window: closer, farther, moved, frame by frame.

import { Frames } from "./frames.js";
import { overlay, plainButton } from "./overlay.js";
import { PanZoom } from "./panzoom.js";
import { isSmaller, loadAllPixels, sizeOf } from "./pictures.js";

const STEP = 1.5;
const MOVE_PX = 80;

const { dialog, title, shut, body: frame } = overlay("viewer", "Picture", "zoom");
const pan = new PanZoom(frame, resized);
const scale = document.createElement("span");
const buttons = {
  before: plainButton("Previous", () => turn(-1)),
  after: plainButton("Next", () => turn(1)),
  play: plainButton("Play or pause", () => frames.toggle()),
  back: plainButton("Frame back", () => frames.step(-1)),
  on: plainButton("Frame on", () => frames.step(1)),
  farther: plainButton("Farther", () => pan.by(1 / STEP)),
  closer: plainButton("Closer", () => pan.by(STEP)),
  whole: plainButton("Whole", () => pan.fit()),
};

let shown = [];
let place = 0;
let frames = null;
let film = null;
// of the picture that is shown: "smaller", "loading", "all" or "lost"
let pixels = "all";
const SAID = { loading: ", full resolution is loading", lost: ", full resolution could not be loaded" };
// called when a picture is shown or has another size, to draw over it
let drawOver = () => {};

furnish();

// media: the <img> and <video> elements on the page, in order.
export function showMedia(media, first) {
  shown = media;
  for (const each of media) if (each.pause) each.pause();
  place = Math.max(0, media.indexOf(first));
  dialog.showModal();
  draw();
}

// over(stage, place): stage is the element that holds the enlarged picture.
export function onDraw(over) {
  drawOver = over;
}

export function redraw() {
  if (dialog.open) resized();
}

function furnish() {
  scale.id = "scale";
  scale.setAttribute("role", "status");
  shut.before(scale, ...Object.values(buttons));
  shut.autofocus = false;
  frame.autofocus = true;
  frame.tabIndex = 0;
  frame.setAttribute("role", "group");
  frame.setAttribute("aria-label", "Picture: plus and minus enlarge, arrows move, 0 shows the whole");
  dialog.addEventListener("keydown", pressed);
  dialog.addEventListener("close", leave);
}

function draw() {
  const from = shown[place];
  const isFilm = from.tagName === "VIDEO";
  leave();
  const thing = isFilm ? document.createElement("video") : new Image();
  thing.alt = "";
  thing.src = from.currentSrc || from.src;
  thing.classList.toggle("small", from.classList.contains("small"));
  const stage = document.createElement("div");
  stage.className = "stage";
  stage.append(thing);
  frame.replaceChildren(stage);
  title.textContent = from.alt || from.getAttribute("aria-label");
  for (const name of ["play", "back", "on"]) buttons[name].hidden = !isFilm;
  for (const name of ["before", "after"]) buttons[name].hidden = shown.length < 2;
  if (isFilm) openFilm(thing, from);
  pixels = !isFilm && isSmaller(from) ? "smaller" : "all";
  pan.show(stage, isFilm ? [from.videoWidth || 640, from.videoHeight || 360] : sizeOf(from));
}

function openFilm(made, from) {
  film = { made, from };
  made.playsInline = true;
  made.preload = "auto";
  made.currentTime = from.currentTime;
  frames = new Frames(made, resized);
}

// The video on the page goes on where the enlarged one was left.
function leave() {
  if (film) {
    film.made.pause();
    film.from.currentTime = frames.at;
  }
  film = null;
  frames = null;
}

function resized() {
  const size = `${Math.round(pan.scale * 100)}%`;
  const at = frames && Number.isFinite(film.made.duration)
    ? `${frames.at.toFixed(2)} of ${film.made.duration.toFixed(2)} s, `
    : "";
  const stage = frame.firstElementChild;
  if (stage && lacksPixels(shown[place])) fetchAll(stage, shown[place]);
  scale.textContent = at + size + (SAID[pixels] ?? "");
  if (!stage) return;
  // from twice its pixels on, a picture is shown by its pixels
  if (!film) stage.firstElementChild.classList.toggle("pixels", pixels === "all" && pan.scale >= 2);
  drawOver(stage, shown[place]);
}

// Whether the screen has room for more pixels than the smaller size has.
function lacksPixels(from) {
  if (pixels !== "smaller" || !from.naturalWidth) return false;
  return sizeOf(from)[0] * pan.scale * devicePixelRatio > from.naturalWidth;
}

// All pixels take the place of the fewer ones when they are there, in the same frame.
async function fetchAll(stage, from) {
  pixels = "loading";
  const all = await loadAllPixels(from).catch(() => null);
  if (stage !== frame.firstElementChild || !dialog.open) return;
  if (all) stage.firstElementChild.replaceWith(all);
  pixels = all ? "all" : "lost";
  resized();
}

function turn(by) {
  if (shown.length < 2) return;
  place = (place + by + shown.length) % shown.length;
  draw();
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const onButton = event.target instanceof Element && event.target.closest("button");
  if (event.key === " " && onButton) return;
  const does = keysOf(pan.whole)[event.key];
  if (!does) return;
  event.preventDefault();
  does();
}

function keysOf(whole) {
  const all = {
    "+": () => pan.by(STEP),
    "=": () => pan.by(STEP),
    "-": () => pan.by(1 / STEP),
    0: () => pan.fit(),
    PageUp: () => turn(-1),
    PageDown: () => turn(1),
    ArrowLeft: () => (whole ? turn(-1) : pan.move(MOVE_PX, 0)),
    ArrowRight: () => (whole ? turn(1) : pan.move(-MOVE_PX, 0)),
    ArrowUp: () => pan.move(0, MOVE_PX),
    ArrowDown: () => pan.move(0, -MOVE_PX),
  };
  if (!frames) return all;
  return { ...all, ",": () => frames.step(-1), ".": () => frames.step(1), " ": () => frames.toggle() };
}
