// What the screen shows: the server's last state with the votes that still wait played on top.
// Pure functions. `state.later` are the pairs after `upcoming` that this page has. A report counts as a vote: the pair is done. `pairs` maps assignment -> pair for
// every pair that this page has seen; `trail` are the assignments whose votes it saw accepted, in order.

export function project(state, waiting, pairs, trail) {
  let view = {
    done: state.done,
    current: state.current,
    upcoming: state.upcoming,
    later: state.later ?? [],
    finished: state.finished,
    answered: known(state.undo, trail),
    unsure: false,
  };
  for (const entry of waiting) {
    view = entry.kind === "undo" ? undone(view, entry, pairs) : voted(view, entry);
  }
  return { ...view, total: state.total, position: Math.min(view.done + 1, state.total) };
}

// An undo takes back the last vote only; the ones before it are known while nobody else voted.
function known(last, trail) {
  if (!last) return [];
  return trail.at(-1) === last ? trail : [last];
}

function voted(view, entry) {
  if (entry.assignment === view.current?.assignment) {
    return {
      ...view,
      done: view.done + 1,
      current: view.upcoming,
      upcoming: view.later[0] ?? null,
      later: view.later.slice(1),
      answered: [...view.answered, entry.assignment],
    };
  }
  // cast in another tab, or the server has counted it already
  return view;
}

function undone(view, entry, pairs) {
  if (view.answered.at(-1) !== entry.assignment) return view;
  const back = pairs.get(entry.assignment);
  // a pair from before this page was loaded has to come from the server first
  if (!back) return { ...view, unsure: true };
  return {
    ...view,
    done: view.done - 1,
    finished: false,
    answered: view.answered.slice(0, -1),
    current: back,
    upcoming: view.current,
    later: [view.upcoming, ...view.later].filter(Boolean),
  };
}

// The trail after the server accepted one more event.
export function followed(trail, entry) {
  const others = trail.filter((each) => each !== entry.assignment);
  return entry.kind === "undo" ? others : [...others, entry.assignment];
}

export function undoTarget(view) {
  return view.answered.at(-1) ?? null;
}
