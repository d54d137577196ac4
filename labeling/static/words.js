// Text from outside as DOM: always text nodes, with spans around what is marked or cannot be seen.

// Zero-width, direction and control characters; in an isolated span none reaches beyond itself.
const UNSEEN =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]|[\u{e0000}-\u{e007f}]/gu;
// joiners shape letters of some scripts and emoji: there they belong to the text
const JOINERS = "\u200c\u200d";
const SHAPED = ["Arabic", "Devanagari", "Bengali", "Malayalam", "Sinhala", "Kannada", "Telugu", "Tamil"];
const SHAPED_LETTERS = SHAPED.map((script) => `\\p{Script=${script}}`).join("");
const JOINED = new RegExp(`[\\p{Extended_Pictographic}\\u{1f3fb}-\\u{1f3ff}\\ufe0f${SHAPED_LETTERS}]`, "u");

// Appends text[start, end) to an element; `marked` are sorted stretches [start, end) to put in <mark>.
export function appendWords(parent, text, start = 0, end = text.length, marked = []) {
  let at = start;
  for (const [from, to] of marked) {
    if (to <= start || from >= end) continue;
    appendSeen(parent, text, at, from);
    const mark = document.createElement("mark");
    mark.className = "differs";
    appendSeen(mark, text, from, to);
    parent.append(mark);
    at = to;
  }
  appendSeen(parent, text, at, end);
}

function appendSeen(parent, text, start, end) {
  let at = start;
  for (const match of text.slice(start, end).matchAll(UNSEEN)) {
    const place = start + match.index;
    if (JOINERS.includes(match[0]) && joins(text, place)) continue;
    if (place > at) parent.append(text.slice(at, place));
    parent.append(unseen(match[0]));
    at = place + match[0].length;
  }
  if (end > at) parent.append(text.slice(at, end));
}

// The character stays in the text (for copies); tools.css draws its code point beside it.
function unseen(character) {
  const made = document.createElement("span");
  const code = character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
  made.className = "unseen";
  made.dataset.code = `U+${code}`;
  made.textContent = character;
  return made;
}

function joins(text, place) {
  const before = [...text.slice(Math.max(0, place - 2), place)].at(-1) ?? "";
  const after = [...text.slice(place + 1, place + 3)][0] ?? "";
  return JOINED.test(before) && JOINED.test(after);
}
