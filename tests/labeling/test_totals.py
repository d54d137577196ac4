"""The total in an answer to a vote: remembered for some seconds, exact towards the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from labeling.access import Seat
from labeling.totals import FAR, Totals
from storage.rows import Batch, Link, Session

LINK = Link("link", "batch", "who", "hash", 0, 1, None, None)
SEAT = Seat(cast(Session, None), LINK, cast(Batch, None), now=0)


def test_a_total_is_remembered_for_ten_seconds() -> None:
    time = [100.0]
    totals = Totals(lambda: time[0])
    assert totals.recent(SEAT) is None
    totals.keep(SEAT, 500)
    time[0] += 9.9
    assert totals.recent(SEAT) == 500
    time[0] += 0.2
    assert totals.recent(SEAT) is None


def test_towards_the_end_an_answer_tells_what_others_took(
    new_batch: Callable[..., Batch], open_link: Callable[..., Any]
) -> None:
    batch = new_batch(pair_count=FAR + 4)
    ada, ben = open_link(batch), open_link(batch)
    assert ada.vote()["total"] == FAR + 4
    ben.vote()
    ben.vote()
    states = [ada.vote() for _ in range(4)]
    # two that Ben judged and two that are on his desk
    assert [states[-1][name] for name in ("done", "total")] == [5, FAR]
