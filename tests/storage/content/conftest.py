"""Real pictures and videos to import, made on the spot, and records that name them."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from storage import annotators, assignments, votes
from storage.ledger import Connection
from storage.rows import Batch, Verdict

SaveVideo = Callable[..., bytes]
Record = Callable[..., dict[str, Any]]
WriteLines = Callable[..., Path]


def _encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    data = io.BytesIO()
    image.save(data, form, **options)
    return data.getvalue()


@pytest.fixture
def encoded() -> Callable[..., bytes]:
    """`encoded(image, "PNG", **options)` is the file of a picture."""
    return _encoded


@pytest.fixture
def photo() -> Callable[..., Image.Image]:
    """`photo(seed, width, height)` is a picture with a different value in most pixels."""

    def make(seed: int = 0, width: int = 40, height: int = 30) -> Image.Image:
        pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
        return Image.fromarray(pixels)

    return make


@pytest.fixture
def video() -> SaveVideo:
    """`video("mp4", "mpeg4", title="...")` is the file of a short video that bears names."""

    def make(form: str = "mp4", codec: str = "mpeg4", title: str = "", **options: str) -> bytes:
        data = io.BytesIO()
        with av.open(data, "w", format=form, options=options) as container:
            stream = container.add_stream(codec, rate=10)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            if title:
                container.metadata.update(
                    {"title": title, "comment": title, "creation_time": "2024-01-01T00:00:00Z"}
                )
                stream.metadata.update({"title": title, "handler_name": title})
            for number in range(10):
                pixels = np.full((48, 64, 3), number * 20, np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
            container.mux(stream.encode())
        return data.getvalue()

    return make


@pytest.fixture
def record() -> Record:
    """`record("question", "good", "bad", **more)` is one record of the swift format."""

    def make(
        asked: str = "What is this?",
        chosen: str = "A coin.",
        rejected: str = "A car.",
        **more: Any,
    ) -> dict[str, Any]:
        messages = [{"role": "user", "content": asked}, {"role": "assistant", "content": chosen}]
        return {"messages": messages, "rejected_response": rejected, **more}

    return make


@pytest.fixture
def write_lines(tmp_path: Path) -> WriteLines:
    """`write_lines(lines)` is a file of them: texts and bytes as they are, others as JSON."""

    def write(lines: Sequence[Any], name: str = "records.jsonl") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(_line(line) for line in lines))
        return path

    return write


@pytest.fixture
def cast() -> Callable[..., None]:
    """`cast(tx, batch, "Ada", ["a", None, "b"])` votes on her next pair; None takes a vote back."""

    def vote(tx: Connection, batch: Batch, name: str, verdicts: Sequence[str | None]) -> None:
        offer = assignments.offer_next(
            tx,
            batch_id=batch.id,
            annotator_id=annotators.get_or_create(tx, name).id,
            new_id=uuid.uuid4().hex,
            left="a",
            now=0,
            leased_until=1,
        )
        assert offer is not None
        for verdict in verdicts:
            votes.append(
                tx,
                event_id=uuid.uuid4().hex,
                assignment_id=offer.id,
                kind="undo" if verdict is None else "vote",
                verdict=None if verdict is None else Verdict(verdict),
                shown_at=1,
                decided_at=2,
                active_ms=1,
            )

    return vote


def _line(line: Any) -> bytes:
    if isinstance(line, bytes):
        return line
    text = line if isinstance(line, str) else json.dumps(line, ensure_ascii=False)
    return text.encode() + b"\n"
