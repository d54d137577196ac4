// Keys and buttons become actions. A key counts once however long it is held, and never while typing.

export const KEYS = {
  a: "left",
  b: "right",
  f: "tie",
  x: "both_bad",
  s: "skip",
  u: "undo",
  z: "zoom",
  g: "guidelines",
};

const BUTTONS = {
  "choose-left": "left",
  "choose-right": "right",
  "choose-tie": "tie",
  "choose-both-bad": "both_bad",
  "choose-skip": "skip",
  undo: "undo",
  "show-guidelines": "guidelines",
};

const TYPING = "input, textarea, select, [contenteditable=''], [contenteditable='true']";

export function listen(act) {
  const held = new Set();
  document.addEventListener("keydown", (event) => {
    const action = KEYS[letter(event)];
    if (!action || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target instanceof Element && event.target.closest(TYPING)) return;
    // some remote desktops repeat a held key without saying so: only a release ends a press
    if (event.repeat || held.has(event.code)) return;
    held.add(event.code);
    event.preventDefault();
    act(action);
  });
  document.addEventListener("keyup", (event) => held.delete(event.code));
  window.addEventListener("blur", () => held.clear());
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("button[id]") : null;
    const action = button && BUTTONS[button.id];
    if (action) act(action);
  });
}

// On a keyboard without Latin letters the place of the key counts.
function letter(event) {
  const typed = event.key.toLowerCase();
  if (/^[\x20-\x7e]$/.test(typed) || event.key.length > 1) return typed;
  return event.code.startsWith("Key") ? event.code.slice(3).toLowerCase() : "";
}
