// Pictures and videos: loaded ahead as elements, so that the next pair is painted with everything.

const SMALL = 320;
// those loaded ahead, and the last few for an undo; more would fill the memory with pictures
const KEPT = 20;

const loaded = new Map();
// the <img> on the page -> what the server says of the picture
const about = new WeakMap();

// Figures for the media of a pair, in order; loaded at the first call.
export function figuresOf(pair) {
  if (!loaded.has(pair.assignment)) loaded.set(pair.assignment, load(pair));
  return loaded.get(pair.assignment);
}

export function forgetFigures(except) {
  for (const assignment of [...loaded.keys()].slice(0, -KEPT)) {
    if (assignment !== except) loaded.delete(assignment);
  }
}

function load(pair) {
  const parts = pair.messages.flatMap((message) => message.parts).filter((part) => part.src);
  return parts.map((part, index) => {
    const kind = part.type === "video" ? "Video" : "Picture";
    const name = parts.length > 1 ? `${kind} ${index + 1} of ${parts.length}` : kind;
    return part.type === "video" ? video(part.src, name) : picture(part, name);
  });
}

export function number(pair, part) {
  const parts = pair.messages.flatMap((message) => message.parts).filter((each) => each.src);
  return parts.indexOf(part) + 1;
}

// [width, height] of the picture itself, whichever size of it was loaded.
export function sizeOf(image) {
  const { width, height } = about.get(image) ?? {};
  return width && height ? [width, height] : [image.naturalWidth || 640, image.naturalHeight || 480];
}

// Whether the image on the page shows a smaller size of its picture.
export function isSmaller(image) {
  const full = about.get(image)?.full;
  return Boolean(full) && image.getAttribute("src") !== full;
}

// An <img> with all pixels, ready to be painted.
export async function loadAllPixels(image) {
  const made = new Image();
  made.alt = "";
  made.decoding = "sync";
  made.src = about.get(image).full;
  await made.decode();
  return made;
}

function picture(part, name) {
  const figure = framed(name);
  const button = document.createElement("button");
  button.type = "button";
  button.className = "zoom";
  button.setAttribute("aria-label", `${name}, enlarge`);
  const image = new Image();
  image.alt = name;
  image.decoding = "sync";
  image.addEventListener("load", () => {
    image.classList.toggle("small", Math.max(image.naturalWidth, image.naturalHeight) <= SMALL);
  });
  image.addEventListener("error", () => {
    // the picture itself may be there when its smaller size is broken
    if (isSmaller(image)) image.src = part.full;
    else lost(figure, name);
  });
  about.set(image, part);
  image.src = part.src;
  button.append(image);
  figure.prepend(button);
  image.decode().catch(() => {});
  return figure;
}

function video(src, name) {
  const figure = framed(name);
  const film = document.createElement("video");
  film.controls = true;
  film.preload = "metadata";
  film.playsInline = true;
  film.setAttribute("aria-label", name);
  film.addEventListener("error", () => lost(figure, name));
  film.src = src;
  figure.prepend(film);
  return figure;
}

function framed(name) {
  const figure = document.createElement("figure");
  const caption = document.createElement("figcaption");
  caption.textContent = name;
  figure.append(caption);
  return figure;
}

function lost(figure, name) {
  const words = document.createElement("p");
  words.className = "lost";
  words.textContent = `${name} could not be loaded. Load the page again, report the pair, or skip it.`;
  figure.replaceChildren(words);
}
