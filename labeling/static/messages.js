// What the page says about itself. Pure functions; [what, what next] where it says more than a line.

const NOT_TAKEN = {
  vote: "A vote was not counted.",
  undo: "The undo was not made.",
  report: "A report was not taken.",
};

// What was chosen in words, where it is none of the two answers.
const CHOSEN = { tie: "You chose too close to call.", skip: "You skipped.", both_bad: "You chose both bad." };

export function withoutPair(view, batchPairs, waiting, offline, quota = null) {
  if (!view.finished) {
    return offline
      ? ["The next pair comes when the connection is back.", waiting ? kept(waiting, ".") : ""]
      : ["The next pair is on its way.", ""];
  }
  if (batchPairs === 0) {
    return ["This batch has no pairs yet.", "This page shows them when they are there."];
  }
  const judged = `You judged ${counted(view.done, "pair")}`;
  if (quota !== null && view.done >= quota) {
    return ["You have judged your share.", `${judged}. Every vote is saved; you can close this page.`];
  }
  if (view.done >= batchPairs) {
    return [
      "All pairs of this batch are judged.",
      `${judged}. Every vote is saved; you can close this page.`,
    ];
  }
  return ["No pair is waiting for you.", `${judged}; others have the rest. One that comes back is shown here.`];
}

// Before the first pair of a qualification round.
export function roundWords({ pairs, needed }) {
  return [
    `Qualification: ${counted(pairs, "pair")} first whose better answer is known.`,
    `After each you see which one it is. ${needed} of ${pairs} right let you in.`,
  ];
}

// After a pair of the round: what is right, and how the round stands.
export function lessonWords(round, { right, better, chosen }) {
  const [is, other] = better === "left" ? ["A", "B"] : ["B", "A"];
  const wrong = CHOSEN[chosen] ?? `You chose ${other}.`;
  const what = right ? `Right: ${is} is better.` : `${is} is better. ${wrong}`;
  const so = `${round.right} of ${round.judged} right so far, ${round.needed} of ${round.pairs} needed.`;
  if (round.outcome === "under_way") return [what, so];
  const passed = round.outcome === "passed";
  const end = passed ? "You passed" : "You did not pass";
  return [what, `${end}: ${scored(round)}. ${passed ? "Now the pairs of the batch begin." : ""}`.trim()];
}

export function notPassed(round) {
  return [
    "You did not pass the qualification round.",
    `${scored(round)}. The person who sent your link can let you in, or let you try again on other ` +
      "pairs; this page then goes on by itself. You can close it.",
  ];
}

// error: a RefusedError after which nothing can be chosen on this page.
export function atTheEnd(error, waiting) {
  return [error.what, waiting ? `${error.next} ${kept(waiting, " until then.")}` : error.next];
}

export function unreachable() {
  return ["The labeling server cannot be reached.", "It is tried again every few seconds."];
}

// kind: "vote", "undo" or "report"
export function notTaken(error, kind) {
  return error.status === 409 ? `${error.what} ${error.next}` : `${NOT_TAKEN[kind]} ${error.what}`;
}

// [words, kind] of the line that is always in sight.
export function connection(waiting, offline, open) {
  if (offline) return [waiting ? `offline: ${waiting} waiting` : "offline", "offline"];
  if (!open) return ["", "none"];
  return waiting ? ["saving", "saving"] : ["saved", "saved"];
}

function scored({ right, judged, needed }) {
  const share = judged ? Math.round((100 * right) / judged) : 0;
  return `${right} of ${judged} right (${share}%), ${needed} needed`;
}

function counted(n, word) {
  return `${n} ${word}${n === 1 ? "" : "s"}`;
}

function kept(n, end) {
  return `${counted(n, "vote")} kept in this browser${end}`;
}
