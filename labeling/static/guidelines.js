// Guidelines as they are read: plain text, and in it examples as cards. An example is a paragraph:
//
//   Example
//   Prompt: How many circles are there?
//   A: Two circles.
//   B: Three circles.
//   Better: B
//   Why: There are three.
//
// A paragraph that has not both answers and the better one stays text.

import { element } from "./build.js";
import { appendWords } from "./words.js";

const FIRST = /^example(?:[ \t]+\d+)?[ \t]*[:.]?[ \t]*$/i;
const FIELD = /^(prompt|a|b|better|why)[ \t]*:[ \t]*(.*)$/i;

// Elements, in the order of the text.
export function guidelinesOf(text) {
  const made = [];
  let plain = [];
  const flush = () => {
    if (plain.length) made.push(paragraph(plain.join("\n\n")));
    plain = [];
  };
  for (const part of text.split(/\r?\n[ \t]*(?:\r?\n[ \t]*)+/)) {
    const example = exampleOf(part);
    if (example) {
      flush();
      made.push(card(example));
    } else if (part.trim()) {
      plain.push(part);
    }
  }
  flush();
  return made;
}

// {prompt, a, b, better, why} of a paragraph, or null where it is no example.
export function exampleOf(part) {
  const [first, ...lines] = part.trim().split(/\r?\n/);
  if (!FIRST.test(first)) return null;
  const found = {};
  let last = null;
  for (const line of lines) {
    const [, name, words] = FIELD.exec(line) ?? [];
    if (name) {
      last = name.toLowerCase();
      found[last] = words;
    } else if (last) {
      found[last] += `\n${line}`;
    } else {
      return null;
    }
  }
  const better = found.better?.trim().toLowerCase();
  return found.a && found.b && /^[ab]$/.test(better ?? "") ? { ...found, better } : null;
}

function card({ prompt, a, b, better, why }) {
  const made = element("section", { class: "example" });
  made.append(element("h3", {}, "Example"));
  if (prompt) made.append(field("Prompt", prompt));
  made.append(answer("A", a, better === "a"), answer("B", b, better === "b"));
  if (why) made.append(field("Why", why));
  return made;
}

function answer(letter, words, isBetter) {
  const made = field(isBetter ? `${letter}, better` : letter, words);
  made.classList.toggle("better", isBetter);
  return made;
}

function field(name, words) {
  const made = element("div", { class: "field" });
  const spot = element("div", { class: "words" });
  appendWords(spot, words.trim());
  made.append(element("strong", {}, name), spot);
  return made;
}

function paragraph(words) {
  const made = element("div", { class: "words" });
  appendWords(made, words);
  return made;
}
