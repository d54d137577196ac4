// Loads the page again; in one tab so many times only, so that one that is always torn down ends.

const LOADED_AGAIN = "pairwright.loaded-again";
const MOST_LOADS = 20;

export function loadAgain() {
  const times = Number(sessionStorage.getItem(LOADED_AGAIN) ?? 0);
  if (times >= MOST_LOADS) return;
  sessionStorage.setItem(LOADED_AGAIN, String(times + 1));
  location.reload();
}
