// The actions of a lead: the annotators' keys where they mean the same.

const STORE = "pairwright.lead-keys";
const ACTIONS = [
  { name: "left", key: "a", button: "choose-left", words: "Left is better" },
  { name: "right", key: "b", button: "choose-right", words: "Right is better" },
  { name: "tie", key: "f", button: "choose-tie", words: "Too close to call" },
  { name: "withdraw", key: "x", button: "withdraw-pair", words: "Withdraw the pair from labeling" },
  { name: "dismiss", key: "r", button: "dismiss-reports", words: "Dismiss the reports on the pair" },
  { name: "skip", key: "s", button: "choose-skip", words: "Skip for now; the pair goes on waiting" },
  { name: "undo", key: "u", button: "undo", words: "Take back the last decision" },
  { name: "names", key: "v", button: "show-names", words: "Show who voted; it is recorded" },
  { name: "difference", key: "d", button: "show-difference", words: "Mark where the answers differ" },
  { name: "zoom", key: "z", button: "show-zoom", words: "Enlarge the picture" },
  { name: "boxes", key: "g", button: "show-boxes", words: "Draw boxes and points of the answers" },
  { name: "reasoning", key: "t", button: "show-reasoning", words: "Open or fold reasoning" },
  { name: "note", key: "n", button: "write-note", words: "Write a reason" },
  { name: "guidelines", key: "h", button: "show-guidelines", words: "Guidelines" },
  { name: "keys", key: "?", button: "show-keys", words: "This list" },
];

export { ACTIONS, STORE };
