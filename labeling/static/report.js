// Something is wrong with the pair itself: said to the lead, and the pair counts as skipped.

import { element } from "./build.js";
import { overlay, plainButton } from "./overlay.js";

const KINDS = [
  ["broken_media", "The picture or video is broken or missing"],
  ["names_its_model", "An answer says which model it is"],
  ["nonsense", "The prompt makes no sense"],
  ["other", "Something else"],
];
const LONGEST = 2000;

const { dialog, body, shut } = overlay("report", "Report a problem with this pair", "report");
const words = element("textarea", { id: "report-note", rows: "3", maxlength: String(LONGEST) });
const fault = element("p", { role: "status", class: "fault" });
const kinds = element("fieldset");
let sent = () => {};

furnish();

// send(kind, note): called once, when the report is made. likely: the kind that is chosen at first.
export function openReport(send, likely) {
  sent = send;
  words.value = "";
  fault.textContent = "";
  for (const input of kinds.querySelectorAll("input")) input.checked = input.value === likely;
  dialog.showModal();
}

function furnish() {
  shut.autofocus = false;
  kinds.append(element("legend", {}, "What is wrong"));
  for (const [value, what] of KINDS) {
    const spot = element("label");
    const input = element("input", { type: "radio", name: "report-kind", value });
    input.autofocus = value === KINDS[0][0];
    spot.append(input, what);
    kinds.append(spot);
  }
  kinds.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.repeat) make();
  });
  const name = element("label", { for: "report-note" }, "Note to the lead, optional");
  const made = plainButton("Report and go on", make);
  made.id = "make-report";
  body.append(kinds, name, words, fault, made);
}

function make() {
  const kind = kinds.querySelector("input:checked")?.value;
  if (!kind) {
    fault.textContent = "Choose what is wrong first.";
    kinds.querySelector("input").focus();
    return;
  }
  dialog.close();
  sent(kind, words.value.trim());
}
