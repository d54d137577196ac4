"""Pictures and videos: only for the annotator they were given to, without a trace of the file."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from labeling import access, media


def sources(state: Any) -> list[str]:
    parts = [part for m in state["current"]["messages"] for part in m["parts"]]
    return [part["src"] for part in parts if "src" in part]


def test_pictures_come_in_order_as_png_without_a_trace_of_the_file(
    new_batch: Any, open_link: Any
) -> None:
    ada = open_link(new_batch(pair_count=1, pictures=3))
    found = [ada.http.get(source) for source in sources(ada.state())]
    blues = [Image.open(io.BytesIO(answer.content)).getpixel((0, 0)) for answer in found]
    assert blues == [(0, 0, 90), (0, 60, 90), (0, 120, 90)]
    for answer in found:
        assert answer.headers["content-type"] == "image/png"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert not {"etag", "last-modified", "content-disposition"} & set(answer.headers)


def test_pictures_of_somebody_else_are_not_there(
    served: Any, new_batch: Any, open_link: Any
) -> None:
    batch = new_batch(pair_count=2, pictures=1, overlap=2)
    ada, bob = open_link(batch), open_link(batch)
    hers = sources(ada.state())[0]
    with served.client() as nobody:
        assert nobody.get(hers).status_code == 401
    assert bob.http.get(hers).status_code == 404
    assert ada.http.get(hers).status_code == 200


@pytest.mark.parametrize("place", ["1", "-1", "9999", "x", "0/../../0", "%2e%2e/0", "0%00"])
def test_a_place_that_is_not_there_is_not_found(new_batch: Any, open_link: Any, place: str) -> None:
    ada = open_link(new_batch(pair_count=1, pictures=1))
    source = sources(ada.state())[0].rsplit("/", 1)[0]
    assert ada.http.get(f"{source}/{place}").status_code == 404


def test_a_part_of_a_file_is_sent_for_moving_within_a_video(new_batch: Any, open_link: Any) -> None:
    ada = open_link(new_batch(pair_count=1, pictures=1))
    source = sources(ada.state())[0]
    whole = ada.http.get(source).content
    part = ada.http.get(source, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(whole)}"
    assert ada.http.get(source, headers={"Range": f"bytes={len(whole)}-"}).status_code == 416


@pytest.mark.parametrize(
    ("header", "part"),
    [
        (None, None),
        ("bytes=0-", range(100)),
        ("bytes=0-0", range(1)),
        ("bytes=90-200", range(90, 100)),
        ("bytes=-10", range(90, 100)),
        ("bytes=-1000", range(100)),
        ("bytes=100-", range(0)),
        ("bytes=50-10", range(0)),
        ("bytes=-0", range(0)),
        ("bytes=0-1,5-6", None),
        ("bytes=" + ",".join(["0-1"] * 5000), None),
        ("lines=1-2", None),
        ("bytes=-", None),
        ("bytes=0-" + "9" * 400, None),
    ],
)
def test_a_range_header_asks_for_one_part_or_is_ignored(
    header: str | None, part: range | None
) -> None:
    found = media.byte_range(header, 100)
    assert (found is None) == (part is None)
    assert list(found or ()) == list(part or ())


def test_a_picture_that_the_store_lost_is_told_to_the_browser(
    served: Any, new_batch: Any, open_link: Any
) -> None:
    ada = open_link(new_batch(pair_count=7, pictures=7))
    ada_sources = sources(ada.state())
    store = served.workspace.media
    with served.workspace.ledger.read() as db:
        seat = access.authorize(db, ada.http.cookies["pairwright-annotator"])
        lost = media.find(db, seat, ada_sources[6].split("/")[2], 6)
    path = Path(store.path_of(lost.id))
    kept = path.read_bytes()
    path.unlink()
    assert ada.http.get(ada_sources[6]).status_code == 404
    path.write_bytes(kept)
