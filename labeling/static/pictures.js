// Pictures and videos: loaded ahead as elements, so that the next pair is painted with everything.

const SMALL = 320;
// those loaded ahead, and the last few for an undo; more would fill the memory with pictures
const KEPT = 20;

const loaded = new Map();

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
    return part.type === "video" ? video(part.src, name) : picture(part.src, name);
  });
}

export function number(pair, part) {
  const parts = pair.messages.flatMap((message) => message.parts).filter((each) => each.src);
  return parts.indexOf(part) + 1;
}

function picture(src, name) {
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
  image.addEventListener("error", () => lost(figure, name));
  image.src = src;
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
