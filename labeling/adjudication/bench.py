"""The bench of a lead: the annotators' page with a panel of votes. Layout only, as in
`labeling.bench`; `static/lead.js` fills it.
"""

from __future__ import annotations

from labeling.bench import CHOICES, lay_out_buttons, lay_out_top
from labeling.gradio_loader import gr

TITLE = "Pairwright: disputes"

# element id, words on the button. The keys are in static/lead_actions.js.
TOOLS = (
    ("show-difference", "Difference"),
    ("show-zoom", "Zoom"),
    ("show-boxes", "Boxes"),
    ("show-reasoning", "Reasoning"),
    ("write-note", "Reason"),
    ("show-names", "Show names"),
)
OTHERS = (("choose-tie", "Too close to call"), ("choose-skip", "Skip"), ("undo", "Undo"))
OF_THE_PAIR = (("withdraw-pair", "Withdraw pair"), ("dismiss-reports", "Dismiss report"))


def lay_out() -> gr.Blocks:
    """The page, from top to bottom: progress, tools, prompt beside answers and votes, choices."""
    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True) as bench:
        with gr.Column(elem_id="bench"):
            lay_out_top()
            with gr.Row(elem_id="tools"):
                lay_out_buttons(TOOLS)
                gr.Column(elem_id="tool-status", min_width=0)
            with gr.Row(elem_id="desk"):
                gr.Column(elem_id="prompt", min_width=0)
                gr.Column(elem_id="answer-left", min_width=0)
                gr.Column(elem_id="answer-right", min_width=0)
                gr.Column(elem_id="said", min_width=0)
            gr.Column(elem_id="remarks", min_width=0)
            with gr.Row(elem_id="choices"):
                with gr.Row(elem_id="others"):
                    lay_out_buttons(OTHERS)
                lay_out_buttons(CHOICES)
                with gr.Row(elem_id="of-the-pair"):
                    lay_out_buttons(OF_THE_PAIR)
        gr.Column(elem_id="message", min_width=0)
    return bench
