// Boxes and points that an answer names. Pure functions, tolerant: what cannot be read is no box.
//
// Read are JSON as Qwen's models write it, {"bbox_2d": [x1, y1, x2, y2], "label": ...} and
// {"point_2d": [x, y]}, alone, in lists or in prose, and Qwen-VL's tags,
// <|object_ref_start|>label<|object_ref_end|><|box_start|>(x1,y1),(x2,y2)<|box_end|>.
// With several pictures, one is named in the same braces, {"image": 2, ...}, or before in the text,
// as in "Picture 2: ..." or "In the second image ...".

const NUMBER = "-?\\d+(?:\\.\\d+)?";
const LIST = new RegExp(`"(bbox_2d|bbox|point_2d|point)"\\s*:\\s*\\[\\s*(${NUMBER}(?:\\s*,\\s*${NUMBER})*)\\s*\\]`, "g");
const LABEL = /"(?:label|text_content|name)"\s*:\s*"((?:[^"\\]|\\.){0,200})"/;
const TAGGED = new RegExp(
  "(?:<\\|object_ref_start\\|>(.{0,200}?)<\\|object_ref_end\\|>\\s*)?" +
    `<\\|(?:box|point)_start\\|>\\s*\\(\\s*(${NUMBER})\\s*,\\s*(${NUMBER})\\s*\\)` +
    `(?:\\s*,\\s*\\(\\s*(${NUMBER})\\s*,\\s*(${NUMBER})\\s*\\))?\\s*<\\|(?:box|point)_end\\|>`,
  "gs",
);
const NAMED = /"(?:image|img|picture|photo)(?:_?(?:index|idx|id|number|no))?"\s*:\s*(?:"[^"\d]*)?(\d{1,3})\b/i;
const MENTIONED =
  /\b(?:picture|image|img|photo|figure)[\s_#:-]{0,3}(\d{1,3})\b|\b(first|second|third|fourth|fifth|last)\s+(?:picture|image|photo|figure)\b|图片?\s*(\d{1,3})/gi;
const ORDINALS = ["first", "second", "third", "fourth", "fifth"];
const MOST = 200;

// [{ x1, y1, x2, y2, label, scale, picture }] in the order of the text; a point has both corners in
// one place. scale: "thousand" (0 to 1000 over the picture), "unit" (0 to 1), or "open": pixels or
// 0 to 1000, which the numbers alone do not tell. picture: which of the `pictures` is named, from 0;
// null for none.
export function boxesIn(text, pictures = 1) {
  const found = [...listed(text), ...tagged(text)].sort((a, b) => a.at - b.at).slice(0, MOST);
  const open = found.filter(({ scale }) => scale === "open");
  const unit = open.some(fractional) && open.every(({ numbers }) => numbers.every((n) => n >= 0 && n <= 1));
  // people count from 1; an answer that names a picture 0 counts from there
  const start = found.some(({ named }) => named === 0) ? 0 : 1;
  return found.map(({ at, named, numbers: [x1, y1, x2 = x1, y2 = y1], label, scale }) => ({
    x1: Math.min(x1, x2),
    y1: Math.min(y1, y2),
    x2: Math.max(x1, x2),
    y2: Math.max(y1, y2),
    label,
    scale: unit && scale === "open" ? "unit" : scale,
    picture: pictures > 1 ? pictureOf(named === null ? null : named - start, text, at, pictures) : null,
  }));
}

// The picture named beside the numbers, else the one that the text before them was about.
function pictureOf(beside, text, at, pictures) {
  if (beside !== null && beside < pictures) return beside;
  const mentioned = [...text.slice(0, at).matchAll(MENTIONED)]
    .map(([, digits, ordinal, other]) => (ordinal ? placeOf(ordinal, pictures) : Number(digits ?? other) - 1))
    .filter((place) => place >= 0 && place < pictures);
  return mentioned.at(-1) ?? null;
}

function placeOf(ordinal, pictures) {
  const word = ordinal.toLowerCase();
  return word === "last" ? pictures - 1 : ORDINALS.indexOf(word);
}

// How the open ones of both answers are to be read on a picture of this size, as far as that can be
// told: "pixels" or "thousand" when only one of them fits, else null.
export function readingOf(boxes, width, height) {
  const open = boxes.filter(({ scale }) => scale === "open");
  const pixels = open.every(({ x2, y2 }) => x2 <= width && y2 <= height);
  const thousand = open.every(({ x2, y2 }) => x2 <= 1000 && y2 <= 1000);
  if (pixels === thousand) return null;
  return pixels ? "pixels" : "thousand";
}

// A box in pixels of the picture, for one reading of the open ones; parts outside are cut off.
export function inPixels(box, reading, width, height) {
  const over = { unit: 1, thousand: 1000 }[box.scale === "open" ? reading : box.scale];
  const [sx, sy] = over ? [width / over, height / over] : [1, 1];
  const within = (value, most) => Math.min(most, Math.max(0, value));
  return {
    x1: within(box.x1 * sx, width),
    y1: within(box.y1 * sy, height),
    x2: within(box.x2 * sx, width),
    y2: within(box.y2 * sy, height),
    label: box.label,
  };
}

function listed(text) {
  const found = [];
  for (const match of text.matchAll(LIST)) {
    const numbers = match[2].split(",").map(Number);
    const wanted = match[1].startsWith("bbox") ? 4 : 2;
    if (numbers.length !== wanted) continue;
    const braces = bracesAround(text, match.index);
    const named = NAMED.exec(braces);
    found.push({
      at: match.index,
      numbers,
      label: labelIn(braces),
      scale: "open",
      named: named ? Number(named[1]) : null,
    });
  }
  return found;
}

// A label and the picture stand in the same braces, before or after the numbers.
function bracesAround(text, index) {
  const start = text.lastIndexOf("{", index);
  const end = text.indexOf("}", index);
  return text.slice(start < 0 ? index : start, end < 0 ? index + 400 : end);
}

function labelIn(braces) {
  const label = LABEL.exec(braces)?.[1] ?? "";
  try {
    return JSON.parse(`"${label}"`);
  } catch {
    return label;
  }
}

function tagged(text) {
  return [...text.matchAll(TAGGED)].map((match) => ({
    at: match.index,
    numbers: match.slice(2).filter((each) => each !== undefined).map(Number),
    label: (match[1] ?? "").trim(),
    scale: "thousand",
    named: null,
  }));
}

function fractional({ numbers }) {
  return numbers.some((number) => !Number.isInteger(number));
}
