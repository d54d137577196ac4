// What annotators said about the pair on the lead's screen: reasons, reports and votes, as text.

import { byId, element } from "./build.js";
import { appendWords } from "./words.js";

const CHOICES = {
  left: "A is better",
  right: "B is better",
  tie: "Too close to call",
  both_bad: "Both bad",
  skip: "Skipped",
};
const SURE = { 1: "guess", 2: "likely", 3: "sure" };
const REPORTS = {
  broken_media: "Picture or video broken",
  names_its_model: "An answer names its model",
  nonsense: "The prompt makes no sense",
  other: "Something is wrong",
};
const SIDES = "A is the pair's own A: votes are translated to it, wherever an annotator saw it.";
const SEEN = "You saw the names, and your decision says so.";
// characters and lines; a longer note scrolls, so that the next vote stays in sight
const LONG = 240;
const LINES = 6;

export function furnishVotes() {
  byId("said").setAttribute("role", "region");
  byId("said").setAttribute("aria-label", "What annotators said");
  const list = element("div", { id: "said-list", role: "group", tabindex: "0" });
  list.setAttribute("aria-label", "Reports and votes");
  byId("said").append(element("h2", { id: "said-title" }), list);
}

// same: the pair is on the screen already, and where one reads stays in sight.
export function showVotes(pair, same = false) {
  byId("said-title").textContent = title(pair);
  const made = document.createDocumentFragment();
  for (const reason of pair.reasons) made.append(element("p", { class: "reason" }, reason));
  for (const each of pair.reports) made.append(report(each));
  for (const each of pair.votes) made.append(vote(each));
  made.append(element("p", { class: "aside" }, `${SIDES}${pair.names_seen ? ` ${SEEN}` : ""}`));
  byId("said-list").replaceChildren(made);
  if (!same) byId("said-list").scrollTop = 0;
}

function title({ votes, reports, batch }) {
  const counts = [[votes.length, "vote"]];
  if (reports.length) counts.push([reports.length, "report"]);
  const words = counts.map(([n, word]) => `${n} ${word}${n === 1 ? "" : "s"}`).join(", ");
  return `${words}. Batch ${batch}`;
}

function report({ kind, note, dismissed, ...who }) {
  const state = dismissed ? "Report, dismissed" : "Report";
  const made = card("report", who, `${state}: ${REPORTS[kind] ?? kind}`);
  if (note) made.append(written(note));
  return made;
}

function vote({ choice, again, ratings, failures, confidence, note, active_ms: activeMs, ...who }) {
  const sure = confidence ? `, ${SURE[confidence]}` : "";
  const made = card(choice, who, `${CHOICES[choice]}${sure}${again ? " (shown again)" : ""}`, activeMs);
  if (failures.length) made.append(element("p", {}, `Worse answer: ${failures.join(", ")}`));
  if (ratings.length) made.append(table(ratings));
  if (note) made.append(written(note));
  return made;
}

function card(kind, { annotator, name, at }, what, activeMs = 0) {
  const made = element("article", { class: `said ${kind}` });
  const who = element("h3");
  if (name) appendWords(who, name);
  else who.textContent = `Annotator ${annotator}`;
  const when = element("time", { datetime: new Date(at).toISOString() }, stamp(at, activeMs));
  const top = element("header");
  top.append(who, when);
  made.append(top, element("p", { class: "choice" }, what));
  return made;
}

function table(ratings) {
  const made = element("table");
  made.append(row("th", "Rated", "A", "B"));
  for (const { label, left, right } of ratings) made.append(row("td", label, left ?? "", right ?? ""));
  return made;
}

function row(tag, ...cells) {
  const made = element("tr");
  for (const [place, cell] of cells.entries()) {
    const ofRow = place === 0 && tag === "td";
    made.append(element(ofRow ? "th" : tag, { scope: ofRow ? "row" : "col" }, String(cell)));
  }
  return made;
}

function written(note) {
  const spot = element("div", { class: "words" });
  if (note.length > LONG || note.split("\n").length > LINES) {
    for (const [name, value] of [["tabindex", "0"], ["role", "group"], ["aria-label", "Note"]]) {
      spot.setAttribute(name, value);
    }
  }
  appendWords(spot, note);
  return spot;
}

function stamp(at, activeMs) {
  const when = new Date(at).toLocaleString("en", { dateStyle: "medium", timeStyle: "short", hour12: false });
  return activeMs ? `${when}, ${Math.max(1, Math.round(activeMs / 1000))} s` : when;
}
