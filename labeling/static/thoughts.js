// Parts of an answer: what a model wrote between <think> and </think>, and the rest. Pure functions.

const TAG = /<(\/?)think(?:ing)?>/gi;

// [{ thought, start, end }] without gaps, in order, tags inside the thoughts. An end without a start
// (templates put the start into the prompt) closes a thought that began with the answer; a start
// without an end leaves the rest a thought.
export function parts(text) {
  const thoughts = [];
  let open = null;
  for (const tag of text.matchAll(TAG)) {
    const end = tag.index + tag[0].length;
    if (!tag[1]) {
      open ??= tag.index;
    } else if (open !== null || thoughts.length === 0) {
      thoughts.push([open ?? 0, end]);
      open = null;
    }
  }
  if (open !== null) thoughts.push([open, text.length]);
  return filled(thoughts, text.length);
}

export function withoutTags(text) {
  return text.replaceAll(TAG, " ");
}

function filled(thoughts, length) {
  const all = [];
  let at = 0;
  for (const [start, end] of thoughts) {
    if (start > at) all.push({ thought: false, start: at, end: start });
    all.push({ thought: true, start, end });
    at = end;
  }
  if (at < length) all.push({ thought: false, start: at, end: length });
  return all;
}
