// Overlays: a picture at the size of the window, and the guidelines of the batch.

const viewer = overlay("viewer", "Picture");
const guide = overlay("guide", "Guidelines");

export function isOpen() {
  return viewer.dialog.open || guide.dialog.open;
}

export function close() {
  viewer.dialog.close();
  guide.dialog.close();
}

export function showGuidelines(text) {
  const words = document.createElement("div");
  words.className = "words";
  words.tabIndex = 0;
  words.textContent = text;
  guide.body.replaceChildren(words);
  guide.dialog.showModal();
}

// images: the <img> elements on the page, in order. A click doubles the size and back.
export function showPicture(images, first) {
  let place = Math.max(0, images.indexOf(first));
  const image = new Image();
  const draw = () => {
    image.src = images[place].src;
    image.alt = images[place].alt;
    image.classList.toggle("small", images[place].classList.contains("small"));
    viewer.title.textContent = image.alt;
    viewer.body.classList.remove("closer");
  };
  image.addEventListener("click", () => viewer.body.classList.toggle("closer"));
  viewer.dialog.onkeydown = (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || viewer.body.classList.contains("closer")) return;
    place = (place + step + images.length) % images.length;
    draw();
  };
  draw();
  viewer.body.replaceChildren(image);
  viewer.dialog.showModal();
}

function overlay(id, name) {
  const dialog = document.createElement("dialog");
  dialog.id = id;
  const title = document.createElement("h2");
  title.textContent = name;
  title.id = `${id}-title`;
  dialog.setAttribute("aria-labelledby", title.id);
  const shut = document.createElement("button");
  shut.type = "button";
  shut.textContent = "Close";
  shut.addEventListener("click", () => dialog.close());
  const top = document.createElement("header");
  top.append(title, shut);
  const body = document.createElement("div");
  body.className = "body";
  dialog.append(top, body);
  document.body.append(dialog);
  return { dialog, title, body };
}
