// Pairs to go on with when the network is gone: the server is asked for more when few are left.

import { figuresOf } from "./pictures.js";
import { get } from "./wire.js";

const LEAST = 8;

let pairs = [];
let asking = false;

// Those that come after the two of the server's state, in order.
export function later(state) {
  const at = pairs.findIndex(({ assignment }) => assignment === state.upcoming?.assignment);
  return at < 0 ? [] : pairs.slice(at + 1);
}

// known(pair): called for each of them, with its pictures on their way.
export async function lookAhead(state, known) {
  const found = later(state).length;
  const isMore = state.total - state.done > 2 + found;
  if (asking || !state.upcoming || !isMore || found >= LEAST) return;
  asking = true;
  try {
    ({ pairs } = await get("/api/ahead"));
    for (const pair of pairs) {
      known(pair);
      figuresOf(pair);
    }
  } catch {
    // without them the bench works as long as the network does
  } finally {
    asking = false;
  }
}
