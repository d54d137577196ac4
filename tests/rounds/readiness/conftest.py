"""Rows of dataset versions, written in a line each."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest

from storage import prompts
from storage.rows import DatasetRow, Part, Turn

MakeRow = Callable[..., DatasetRow]


@pytest.fixture
def row() -> MakeRow:
    """`row("How many?", "two", "three", split="holdout")`; `picture` is a media id."""

    def make(
        question: str,
        chosen: str,
        rejected: str,
        split: str = "train",
        category: str = "counting",
        picture: str = "",
    ) -> DatasetRow:
        parts = [Part("image", media=picture)] if picture else []
        prompt = prompts.build([Turn("user", (*parts, Part("text", question)))], category)
        told = f"{prompt.id}{chosen}{rejected}"
        return DatasetRow(
            pair_id=hashlib.sha256(told.encode()).hexdigest(),
            prompt=prompt,
            chosen=chosen,
            rejected=rejected,
            labels="consensus",
            votes=2,
            confidence=0.9,
            record_id="",
            split=split,
        )

    return make
