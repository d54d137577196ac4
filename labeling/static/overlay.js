// Windows above the page: a title, a Close button, a body. One is open at a time.

// action: the action that opened it closes it again.
export function overlay(id, name, action) {
  const dialog = document.createElement("dialog");
  dialog.id = id;
  dialog.dataset.action = action;
  const title = document.createElement("h2");
  title.textContent = name;
  title.id = `${id}-title`;
  dialog.setAttribute("aria-labelledby", title.id);
  const top = document.createElement("header");
  const shut = plainButton("Close", () => dialog.close());
  shut.autofocus = true;
  top.append(title, shut);
  const body = document.createElement("div");
  body.className = "body";
  dialog.append(top, body);
  document.body.append(dialog);
  return { dialog, title, top, shut, body };
}

export function openOverlay() {
  return document.querySelector("dialog[open]");
}

export function plainButton(words, pressed) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = words;
  made.addEventListener("click", pressed);
  return made;
}
