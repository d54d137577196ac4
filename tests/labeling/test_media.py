"""Pictures and videos: only for the annotator they were given to, without a trace of the file."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from labeling import access, media
from labeling.adjudication import access as lead_access
from storage import browser_sizes, pairs
from storage import media as media_rows
from storage.rows import Batch, Media

LARGE = (1700, 100)


def shown(state: Any) -> list[dict[str, Any]]:
    parts = [part for m in state["current"]["messages"] for part in m["parts"]]
    return [part for part in parts if "src" in part]


def sources(state: Any) -> list[str]:
    return [part["src"] for part in shown(state)]


def picture_of(served: Any, batch: Batch) -> Media:
    """The one picture of a batch of one pair."""
    with served.workspace.ledger.read() as db:
        (view,) = pairs.page(db, pairs.PairFilter(batch=batch.name), 2)
        return media_rows.get(db, view.prompt.media[0])


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
    answer = ada.http.get(ada_sources[6])
    assert answer.status_code == 404
    assert answer.json()["error"]["next"].startswith("Report the pair")
    assert lost.id not in answer.text
    assert store.url not in answer.text
    path.write_bytes(kept)


def test_a_large_picture_comes_in_its_browser_size_and_all_pixels_when_asked_for(
    served: Any, new_batch: Any, open_link: Any
) -> None:
    ada = open_link(batch := new_batch(pair_count=1, pictures=1, size=LARGE))
    (part,) = shown(ada.state())
    assert (part["width"], part["height"], part["full"]) == (*LARGE, part["src"] + "/full")
    small, full = (ada.http.get(part[name]) for name in ("src", "full"))
    sizes = [Image.open(io.BytesIO(answer.content)).size for answer in (small, full)]
    assert sizes == [(1600, 94), LARGE]
    assert len(small.content) < len(full.content)
    picture, store = picture_of(served, batch), served.workspace.media
    assert small.content == store.beside(picture.id, browser_sizes.NAME)
    assert full.content == store.read(picture.id)
    assert sorted(small.headers) == sorted(full.headers)
    for answer in (small, full):
        told = str(dict(answer.headers)) + answer.content.decode("latin-1")
        assert picture.id not in told
        assert "canary" not in told.lower()
    ranged = ada.http.get(part["src"], headers={"Range": "bytes=-9"})
    assert ranged.content == small.content[-9:]


def test_a_small_picture_has_one_size(new_batch: Any, open_link: Any) -> None:
    ada = open_link(new_batch(pair_count=1, pictures=1))
    (part,) = shown(ada.state())
    assert (part["width"], part["height"], part["full"]) == (24, 16, None)


def test_either_size_is_only_for_the_annotator_it_was_given_to(
    served: Any, new_batch: Any, open_link: Any
) -> None:
    batch = new_batch(pair_count=2, pictures=1, overlap=2, size=LARGE)
    ada, bob = open_link(batch), open_link(batch)
    (part,) = shown(ada.state())
    with served.client() as nobody:
        for name in ("src", "full"):
            assert nobody.get(part[name]).status_code == 401
            assert bob.http.get(part[name]).status_code == 404
            assert ada.http.get(part[name]).status_code == 200
    assert ada.http.get(part["src"] + "/fuller").status_code == 404


def test_one_size_is_there_when_the_other_is_broken(
    served: Any, new_batch: Any, open_link: Any
) -> None:
    ada = open_link(batch := new_batch(pair_count=1, pictures=1, size=LARGE))
    (part,) = shown(ada.state())
    small = ada.http.get(part["src"]).content
    picture, store = picture_of(served, batch), served.workspace.media
    original = Path(store.path_of(picture.id))
    kept = original.read_bytes()
    original.unlink()
    assert ada.http.get(part["src"]).content == small
    assert ada.http.get(part["full"]).status_code == 404
    beside = Path(store.path_beside(picture.id, browser_sizes.NAME))
    beside.unlink()
    assert ada.http.get(part["src"]).status_code == 404
    original.write_bytes(kept)
    # neither to be read nor to be written
    beside.mkdir()
    assert ada.http.get(part["src"]).content == small
    beside.rmdir()


def test_a_lead_gets_both_sizes_and_nobody_else(
    served: Any, new_batch: Any, open_link: Any
) -> None:
    ada = open_link(batch := new_batch(pair_count=1, pictures=1, size=LARGE))
    report = {"event": "00000000-0000-4000-8000-0000000000aa", "kind": "other"}
    current = ada.state()["current"]["assignment"]
    assert ada.http.post("/api/reports", json={**report, "assignment": current}).status_code == 200
    token = lead_access.mint(served.workspace, "Lea", batch.name)
    with served.client() as lea:
        lea.post("/api/lead/session", json={"token": token})
        (part,) = shown(lea.get("/api/lead/state").json())
        small, full = (lea.get(part[name]).content for name in ("src", "full"))
        assert [Image.open(io.BytesIO(data)).size for data in (small, full)] == [(1600, 94), LARGE]
        assert [ada.http.get(part[name]).status_code for name in ("src", "full")] == [401, 401]
