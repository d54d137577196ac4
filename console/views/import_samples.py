"""The first records of a file as the Import page shows them before anything is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from console.views import wording
from storage import json_lines, swift_records
from storage.errors import PairwrightError, WrongInputError
from storage.imports.catalogue import SWIFT
from storage.media_files import MediaFolder
from storage.rows import ImportReport
from storage.swift_records import SwiftRecord

MOST_SAMPLES = 3


@dataclass(frozen=True)
class Sample:
    """One record of the file as it would become a pair. `note` says what cannot be shown.

    `standings` name the two answers: which is preferred need not be the same for everybody.
    """

    line: int
    category: str
    question: str
    chosen: str
    rejected: str
    pictures: Sequence[bytes]
    note: str
    standings: tuple[str, str] = ("chosen", "rejected")


def first(report: ImportReport, path: Path, root: Path) -> list[Sample]:
    """The first pairs, of our own format with their pictures."""
    if report.format == SWIFT:
        return list(islice(_samples(path, root), MOST_SAMPLES))
    return [
        Sample(
            line=pair.line,
            category=pair.category,
            question=_question(pair.prompt),
            chosen=pair.answers[0],
            rejected=pair.answers[1],
            pictures=[],
            note="; ".join(pair.said),
            standings=("first", "second"),
        )
        for pair in report.first
    ]


def swift_records_of(path: Path) -> Iterator[tuple[int, SwiftRecord]]:
    """The good records of a file with their lines, pictures not looked at."""
    for line in json_lines.read(path):
        if line.text and not line.problem:
            try:
                yield line.number, swift_records.parse(json_lines.parse_object(line))
            except WrongInputError:
                continue


def _samples(path: Path, root: Path) -> Iterator[Sample]:
    folder = MediaFolder(root, None)
    for line, record in swift_records_of(path):
        pictures: list[bytes] = []
        try:
            for name in record.images:
                pictures.append(folder.shown(name)[1])
        except PairwrightError:
            # a record that would be rejected is among the rejected lines already
            continue
        yield Sample(
            line=line,
            category=record.category,
            question=_question(record.messages[-1][1]),
            chosen=record.chosen,
            rejected=record.rejected,
            pictures=pictures,
            note=_not_shown(record),
        )


def _question(text: str) -> str:
    """The last message with its pictures and videos numbered."""
    for kind in ("image", "video"):
        name = "picture" if kind == "image" else kind
        pieces = text.split(f"<{kind}>")
        numbered = (f"[{name} {number}] {piece}" for number, piece in enumerate(pieces[1:], 1))
        text = "".join((pieces[0], *numbered))
    return text


def _not_shown(record: SwiftRecord) -> str:
    left = []
    if record.videos:
        left.append(wording.count(len(record.videos), "video"))
    if len(record.messages) > 1:
        left.append(wording.count(len(record.messages) - 1, "earlier message"))
    return f"Not shown here: {' and '.join(left)}." if left else ""
