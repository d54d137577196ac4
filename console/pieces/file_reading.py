"""The part of the Import page that says how a file of another tool is read."""

from __future__ import annotations

import streamlit as st

from console import widgets
from console.views.import_reading import Reading
from storage.imports import catalogue
from storage.imports.tally import LABELS, VOTES

_MEANINGS = {form.name: form.meaning for form in catalogue.FORMATS.values()}
_MEANINGS |= {
    catalogue.AUTO: "looks at the records and says what it took, and why",
    catalogue.SWIFT: "messages with the better answer last, rejected_response, images, videos",
}


def draw() -> Reading:
    """The choices, folded away at first, all in the URL."""
    with st.expander("How the file is read", key="reading", bind="query-params", on_change="rerun"):
        left, right = st.columns([5, 7], gap="large")
        with left:
            form = st.selectbox("Format", catalogue.NAMES, key="format", bind="query-params")
            widgets.quiet(_MEANINGS[form], key="format-words")
            taken_as = st.segmented_control(
                "Decisions in the file become",
                (LABELS, VOTES),
                default=LABELS,
                required=True,
                key="as",
                bind="query-params",
                help="Labels stand beside the pairs, hidden from annotators. Votes are those of "
                "annotators named after the file's own, such as label-studio:3: they count in a "
                "consensus, never in the agreement of your annotators.",
            )
        with right:
            columns = st.text_input(
                "Columns",
                key="map",
                bind="query-params",
                placeholder="prompt=question, chosen=better, rejected=worse",
                max_chars=1000,
                help="Which column is what, where its name does not say it: prompt, system, "
                "chosen, rejected, response_a, response_b, winner, images, videos, category, id, "
                "annotator, note.",
            )
            values = st.text_input(
                "Values of the winner's column",
                key="winners",
                bind="query-params",
                placeholder="0, 1",
                max_chars=200,
                help="What it says when the first answer is better, and when the second is.",
            )
    return Reading(form, columns or "", values or "", taken_as)
