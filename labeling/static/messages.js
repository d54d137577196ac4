// What the page says about itself. Pure functions; [what, what next] where it says more than a line.

const NOT_TAKEN = {
  vote: "A vote was not counted.",
  undo: "The undo was not made.",
  report: "A report was not taken.",
};

export function withoutPair(view, batchPairs, waiting, offline) {
  if (!view.finished) {
    return offline
      ? ["The next pair comes when the connection is back.", waiting ? kept(waiting, ".") : ""]
      : ["The next pair is on its way.", ""];
  }
  if (batchPairs === 0) {
    return ["This batch has no pairs yet.", "This page shows them when they are there."];
  }
  const judged = `You judged ${counted(view.done, "pair")}`;
  if (view.done >= batchPairs) {
    return [
      "All pairs of this batch are judged.",
      `${judged}. Every vote is saved; you can close this page.`,
    ];
  }
  return ["No pair is waiting for you.", `${judged}; others have the rest. One that comes back is shown here.`];
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

function counted(n, word) {
  return `${n} ${word}${n === 1 ? "" : "s"}`;
}

function kept(n, end) {
  return `${counted(n, "vote")} kept in this browser${end}`;
}
