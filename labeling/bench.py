"""The bench: the page on which experts compare two answers, laid out in Gradio.

Layout only. No component has an event, a state or a value that depends on data: the scripts in
`static/` find these elements by id, fill them and talk to our own routes.
"""

from __future__ import annotations

from labeling.gradio_loader import gr

TITLE = "Pairwright bench"

# element id, words on the button. The keys are in static/keys.js, which writes them on the buttons.
CHOICES = (("choose-left", "Left is better"), ("choose-right", "Right is better"))
OTHERS = (
    ("choose-tie", "Too close to call"),
    ("choose-both-bad", "Both bad"),
    ("choose-skip", "Skip"),
    ("undo", "Undo"),
)
TOOLS = (
    ("show-difference", "Difference"),
    ("show-zoom", "Zoom"),
    ("show-boxes", "Boxes"),
    ("show-reasoning", "Reasoning"),
    ("write-note", "Note"),
    ("report-problem", "Report"),
)
SHEETS = (("show-guidelines", "Guidelines"), ("show-keys", "Keys"))


def lay_out() -> gr.Blocks:
    """The page, from top to bottom: progress, tools, prompt beside two answers, choices."""
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
            gr.Column(elem_id="remarks", min_width=0)
            with gr.Row(elem_id="choices"):
                with gr.Row(elem_id="others"):
                    lay_out_buttons(OTHERS)
                lay_out_buttons(CHOICES)
        gr.Column(elem_id="message", min_width=0)
    return bench


def lay_out_top() -> None:
    """Progress, notices, connection, sheets: the first row of every bench."""
    with gr.Row(elem_id="top"):
        gr.Column(elem_id="progress", min_width=0)
        gr.Column(elem_id="notice", min_width=0)
        gr.Column(elem_id="connection", min_width=0)
        with gr.Row(elem_id="sheets"):
            lay_out_buttons(SHEETS)


def lay_out_buttons(rows: tuple[tuple[str, str], ...]) -> None:
    """A button for each element id and its words."""
    for element, words in rows:
        gr.Button(words, elem_id=element)
