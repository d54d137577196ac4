"""The bench's theme for Gradio: the colours of the console, the system's own fonts.

`static/bench.css` sets what is ours; this keeps the parts that Gradio draws in the same colours.
"""

from __future__ import annotations

from labeling.gradio_loader import gr

TEAL = gr.themes.Color(
    name="teal",
    c50="#e8f4f2",
    c100="#d3eae7",
    c200="#a8d5d0",
    c300="#7cc0b8",
    c400="#5cc4b8",
    c500="#2ea699",
    c600="#0f766e",
    c700="#0c5f58",
    c800="#0a4d48",
    c900="#083d39",
    c950="#052926",
)
FONTS = ("system-ui", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")
MONOSPACE = ("ui-monospace", "Menlo", "Consolas", "monospace")


def bench_theme() -> gr.themes.Base:
    """Light and dark, chosen by the browser's own setting."""
    theme = gr.themes.Base(
        primary_hue=TEAL,
        secondary_hue=TEAL,
        neutral_hue="stone",
        font=FONTS,
        font_mono=MONOSPACE,
    )
    return theme.set(
        body_background_fill="#f6f6f4",
        body_background_fill_dark="#16181b",
        body_text_color="#24262a",
        body_text_color_dark="#e4e5e7",
    )
