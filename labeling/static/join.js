// Opens a labeling link: the token stands in the fragment, is posted once, and leaves the address.

import { post, RefusedError } from "./wire.js";

// where the token is exchanged, and the page that it opens
const ANNOTATOR = ["/api/session", "/bench/"];
const LEAD = ["/api/lead/session", "/lead/"];

function say(what, next) {
  document.getElementById("what").textContent = what;
  document.getElementById("next").textContent = next;
}

async function open() {
  const token = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
  if (!token) {
    say("The address of this link is incomplete.", "Copy the whole labeling link, with the part after the # sign.");
    return;
  }
  say("Opening your labeling link", "One moment.");
  try {
    const [session, page] = token.startsWith("pwl_") ? LEAD : ANNOTATOR;
    await post(session, { token });
    location.replace(page);
  } catch (error) {
    if (error instanceof RefusedError) say(error.what, error.next);
    else say("The labeling server cannot be reached.", "Check the connection, then open the link again.");
  }
}

// a second link pasted into this tab changes the fragment only
window.addEventListener("hashchange", open);
open();
