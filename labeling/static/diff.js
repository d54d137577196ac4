// Where two texts differ, by words. Pure functions.
//
// Myers, "An O(ND) difference algorithm and its variations" (1986), on words, after the common start
// and end are put aside; what matches by chance between large differences counts as different.

// Work grows with words x differences: beyond these the answer is "too long".
const MOST_WORDS = 20000;
const MOST_DIFFERENCES = 2000;
// scripts written without spaces are compared by character
const UNSPACED = ["Han", "Hiragana", "Katakana", "Thai", "Khmer"]
  .map((script) => `\\p{Script=${script}}`)
  .join("");
// a number, a character of those scripts, a word with its apostrophes, any other sign
const WORD = new RegExp(
  [
    "\\p{N}+(?:[.,:]\\p{N}+)*",
    `[${UNSPACED}]`,
    `(?:(?![${UNSPACED}])[\\p{L}\\p{M}\\p{N}_])+(?:['’]\\p{L}+)*`,
    "[^\\s]",
  ].join("|"),
  "gu",
);

// The words of a stretch of a text: [{ word, start, end }] with offsets in the whole text.
export function wordsOf(text, start = 0, end = text.length) {
  const found = [];
  for (const match of text.slice(start, end).matchAll(WORD)) {
    const from = start + match.index;
    found.push({ word: match[0], start: from, end: from + match[0].length });
  }
  return found;
}

// Compares two lists of words. Gives { left, right }: which words of each are not in the other, as
// lists of true and false. null: too long or too different to be compared.
export function compare(left, right) {
  if (Math.max(left.length, right.length) > MOST_WORDS) return null;
  const a = left.map(({ word }) => word);
  const b = right.map(({ word }) => word);
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  const room = Math.min(a.length, b.length) - head;
  while (tail < room && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;
  const inner = matches(a.slice(head, a.length - tail), b.slice(head, b.length - tail));
  if (!inner) return null;
  const marks = { left: a.map(() => false), right: b.map(() => false) };
  marks.left.fill(true, head, a.length - tail);
  marks.right.fill(true, head, b.length - tail);
  for (const [x, y, length] of withoutChance(inner, a.length - head - tail, b.length - head - tail, a, head)) {
    marks.left.fill(false, head + x, head + x + length);
    marks.right.fill(false, head + y, head + y + length);
  }
  return marks;
}

// Stretches of a text to mark: neighbouring marked words, with the space between, are one.
export function ranges(words, marked) {
  const found = [];
  words.forEach(({ start, end }, place) => {
    if (!marked[place]) return;
    if (place && marked[place - 1] && found.length) found.at(-1)[1] = end;
    else found.push([start, end]);
  });
  return found;
}

// Equal runs [x, y, length] of the two lists, in order; null beyond the most differences.
function matches(a, b) {
  const most = Math.min(a.length + b.length, MOST_DIFFERENCES);
  const reach = new Int32Array(2 * most + 3);
  const middle = most + 1;
  const trail = [];
  for (let d = 0; d <= most; d += 1) {
    trail.push(reach.slice(middle - d - 1, middle + d + 2));
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && reach[middle + k - 1] < reach[middle + k + 1]);
      let x = down ? reach[middle + k + 1] : reach[middle + k - 1] + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x += 1;
      reach[middle + k] = x;
      if (x >= a.length && x - k >= b.length) return walkedBack(trail, a.length, b.length);
    }
  }
  return null;
}

function walkedBack(trail, endX, endY) {
  const runs = [];
  let [x, y] = [endX, endY];
  for (let d = trail.length - 1; d >= 0; d -= 1) {
    // the reaches before step d; the diagonal k is at k + d + 1
    const reach = trail[d];
    const k = x - y;
    const at = k + d + 1;
    const down = k === -d || (k !== d && reach[at - 1] < reach[at + 1]);
    const startX = d === 0 ? 0 : down ? reach[at + 1] : reach[at - 1];
    const startY = d === 0 ? 0 : startX - (down ? k + 1 : k - 1);
    const after = d === 0 ? 0 : down ? startX : startX + 1;
    if (x > after) runs.push([after, y - (x - after), x - after]);
    [x, y] = [startX, startY];
  }
  return runs.reverse();
}

// Drops equal runs that are shorter (in letters) than the differences on both sides of them.
function withoutChance(runs, lengthA, lengthB, a, head) {
  const kept = [];
  runs.forEach((run, place) => {
    const [x, y, length] = run;
    const [beforeX, beforeY] = kept.length ? endOf(kept.at(-1)) : [0, 0];
    const [nextX, nextY] = runs[place + 1] ?? [lengthA, lengthB];
    const before = Math.max(x - beforeX, y - beforeY);
    const after = Math.max(nextX - x - length, nextY - y - length);
    const letters = a.slice(head + x, head + x + length).join("").length;
    // a word has about five letters
    if (letters <= 5 * Math.min(before, after) && length < Math.min(before, after)) return;
    kept.push(run);
  });
  return kept;
}

function endOf([x, y, length]) {
  return [x + length, y + length];
}
