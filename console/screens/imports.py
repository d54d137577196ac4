"""Import: a file of records, uploaded or on this machine, tried first and then taken in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from console import entrance, widgets
from console.pieces import batch_asking, file_reading, preparing
from console.views import imports, wording
from console.views.import_samples import Sample
from console.views.imports import Asked, Outcome, Preview, RejectedLine
from storage import swift_import
from storage.batches import HIGHEST_OVERLAP
from storage.workspace import Workspace

UPLOAD = "upload"
PATH = "on this machine"
REJECTED = {
    "line": st.column_config.NumberColumn("Line", width=60, format="localized"),
    "reason": st.column_config.TextColumn("Why it is rejected", width=1200),
}
BADGES = {"chosen": "blue", "rejected": "orange"}


def form() -> Asked | None:
    """What to import, or None while something is missing. All but the upload lives in the URL."""
    where, batch, overlap, labeled_by = st.columns([4, 3, 2, 3])
    source = where.segmented_control(
        "File",
        (UPLOAD, PATH),
        default=UPLOAD,
        required=True,
        key="file",
        bind="query-params",
    )
    asked = Asked(
        batch=line(batch, "Batch", "batch", "made when new").strip(),
        overlap=overlap.number_input(
            "Votes per pair",
            min_value=1,
            max_value=HIGHEST_OVERLAP,
            value=None,
            key="overlap",
            bind="query-params",
            placeholder="1 when new",
            help="How many people vote on each pair. Agreement is measured where two or more do. "
            "Left empty, a batch that is there keeps its number and a new one gets 1.",
        ),
        labeled_by=line(
            labeled_by,
            "Labeled by",
            "labeled",
            swift_import.IMPORTED,
            "Who decided which answer of a record is better. The name stands in every figure that "
            "rests on these labels.",
        ).strip()
        or swift_import.IMPORTED,
    )
    found = uploaded(asked) if source == UPLOAD else on_this_machine(asked)
    reading, asking = file_reading.draw(), batch_asking.draw()
    return replace(found, asking=asking, reading=reading) if found else None


def uploaded(asked: Asked) -> Asked | None:
    file, folder = st.columns([4, 8], vertical_alignment="top")
    given = file.file_uploader(
        "Records: JSON, CSV or Parquet",
        type=("jsonl", "json", "ndjson", "csv", "tsv", "parquet"),
        key="upload",
    )
    with folder:
        root = line(st.container(), "Media root", "root", "folder on this machine")
        widgets.quiet(
            "An uploaded file has no folder: if its records name pictures or videos, say which "
            "folder on this machine they are below. Nothing outside of it is opened.",
            key="root",
        )
    if given is None:
        return None
    return replace(asked, name=given.name, content=given.getvalue(), media_root=root.strip())


def on_this_machine(asked: Asked) -> Asked | None:
    file, folder = st.columns([4, 8], vertical_alignment="top")
    path = line(file, "Path of the file", "path", "records.jsonl")
    with folder:
        root = line(st.container(), "Media root", "root", "the folder of the file")
        widgets.quiet("Nothing outside of the media root is opened.", key="root")
    if not path.strip():
        return None
    return replace(asked, path=path.strip(), media_root=root.strip())


def line(place: DeltaGenerator, label: str, key: str, placeholder: str, why: str = "") -> str:
    given = place.text_input(
        label,
        key=key,
        bind="query-params",
        placeholder=placeholder,
        max_chars=1000,
        help=why or None,
    )
    return given or ""


def draw_check(workspace: Workspace, asked: Asked | None) -> None:
    """The button that tries the import, and beside it what is still missing."""
    button, words = st.columns([2, 10], vertical_alignment="center")
    lacks = missing(asked)
    # never disabled: a click right after typing would only wake it
    clicked = button.button("Check", key="check", width="stretch")
    place = words.empty()
    if clicked and asked is not None and not lacks:
        st.session_state.pop("done", None)
        st.session_state.pop("checked", None)
        with entrance.explained(), progress(place) as advance:
            st.session_state["checked"] = (asked, imports.check(workspace, asked, advance))
    with place.container():
        widgets.quiet(lacks or "Checking reads every record and changes nothing.", key="check")


def draw_format(workspace: Workspace) -> None:
    """What a file looks like, for those who have none at hand, and the command for all this."""
    widgets.empty(
        "No file has been chosen yet",
        "A file holds one record a line: the messages with the better answer last, the other "
        "answer, and the pictures in the order of <image>. An id and a category may stand too.",
        imports.EXAMPLE,
    )
    widgets.step(
        "The same in a terminal:",
        wording.command(workspace.home, "import", "FILE", "--batch", "NAME", "--dry-run"),
        key="terminal",
    )


def missing(asked: Asked | None) -> str:
    if asked is None:
        return "Choose a file first."
    return "" if asked.batch else "Name the batch that gets the pairs."


def draw_preview(workspace: Workspace, asked: Asked, preview: Preview) -> None:
    st.subheader("What would go in", anchor=False)
    for place, count in zip(st.columns(len(preview.counts)), preview.counts, strict=True):
        place.metric(count.name.capitalize(), count.value)
    for number, note in enumerate(preview.notes):
        widgets.quiet(note, key=f"note-{number}")
    button, words = st.columns([2, 10], vertical_alignment="center")
    place = words.empty()
    if button.button("Import", key="import", type="primary", width="stretch"):
        take_in(workspace, asked, preview, place)
    with place.container():
        widgets.quiet(f"{preview.file} into batch {preview.batch}", key="target")
    draw_rejected(preview.rejected)
    if preview.samples:
        st.subheader("The first pairs", anchor=False)
    for number, sample in enumerate(preview.samples, start=1):
        draw_sample(sample, number)


def take_in(workspace: Workspace, asked: Asked, preview: Preview, place: DeltaGenerator) -> None:
    with entrance.explained():
        with progress(place) as advance:
            st.session_state["done"] = imports.run(workspace, asked, preview, advance)
        st.session_state.pop("checked", None)
        st.rerun()


@contextmanager
def progress(place: DeltaGenerator) -> Iterator[Callable[[int, int], None]]:
    """A bar for bytes read so far of bytes in all, in an empty place: nothing around it moves."""
    place.progress(0.0)
    try:
        yield lambda read, size: place.progress(min(1.0, read / max(1, size)))
    finally:
        place.empty()


def draw_rejected(rejected: Sequence[RejectedLine]) -> None:
    if not rejected:
        return
    st.subheader("Rejected lines", anchor=False)
    widgets.table(rejected, REJECTED, alt="Rejected lines with the reason", most_rows=8)
    st.download_button(
        "Download the rejected lines",
        imports.rejects_file(rejected),
        file_name="rejected.csv",
        mime="text/csv",
        key="rejects",
        on_click="ignore",
    )


def draw_sample(sample: Sample, number: int) -> None:
    with st.container(border=True):
        widgets.quiet(f"Line {sample.line} · {sample.category}", key=f"sample-{number}")
        words = st.container()
        if sample.pictures:
            pictures, words = st.columns([1, 3], gap="medium")
            for nth, data in enumerate(sample.pictures, start=1):
                pictures.image(data, width="stretch", alt=f"picture {nth}")
        with words:
            st.text(sample.question)
            if sample.note:
                widgets.quiet(sample.note, key=f"note-of-{number}")
            left, right = st.columns(2, gap="medium")
            draw_answer(left, sample.standings[0], sample.chosen, number)
            draw_answer(right, sample.standings[1], sample.rejected, number)


def draw_answer(place: DeltaGenerator, standing: str, text: str, number: int) -> None:
    with place.container(key=f"answer-{standing}-{number}"):
        st.badge(standing, color=BADGES.get(standing, "gray"))
        st.text(text)


def draw_done(done: Outcome) -> None:
    with st.container(border=True):
        st.text(done.sentence)
        for number, note in enumerate(done.notes):
            widgets.quiet(note, key=f"done-{number}")
        widgets.step("Next: hand out a link to the batch.", done.command, key="next")
        widgets.to_page("batches", {"batch": done.batch})
    draw_rejected(done.rejected)


def main(workspace: Workspace) -> None:
    preparing.draw(workspace)
    asked = form()
    draw_check(workspace, asked)
    done: Outcome | None = st.session_state.get("done")
    if done is not None:
        draw_done(done)
    elif asked is None:
        draw_format(workspace)
    checked: tuple[Asked, Preview] | None = st.session_state.get("checked")
    # what was checked with other inputs says nothing about these
    if checked is not None and checked[0] == asked:
        draw_preview(workspace, *checked)


entrance.enter(main)
