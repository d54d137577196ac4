"""The checkpoint in use: a stack of activations that only grows as a record."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from storage import activations, checkpoints, jobs
from storage.errors import ConflictError, NotFoundError, WrongInputError
from storage.ledger import Connection, Ledger


@pytest.fixture
def use(ledger: Ledger, fill: Callable[[Connection], None]) -> Callable[..., None]:
    """`use("a")` takes a checkpoint into use; a, b and c are there."""
    with ledger.write() as tx:
        fill(tx)
        job = jobs.listed(tx)[0]
        for name in "abc":
            checkpoints.add(
                tx,
                checkpoint_id=f"id-{name}",
                name=name,
                job_id=job.id,
                parent=None,
                model="m",
                kind="adapter",
                path=f"checkpoints/{name}",
                dataset_version="v1",
                config={},
                metrics={},
            )

    def activate(name: str, **more: str) -> None:
        with ledger.write() as tx:
            activations.activate(tx, name, **{"actor": "ana", **more})

    return activate


def _back(ledger: Ledger, **more: str) -> None:
    with ledger.write() as tx:
        activations.rollback(tx, **{"actor": "ben", **more})


def _in_use(ledger: Ledger) -> str:
    with ledger.read() as db:
        found = activations.active(db)
    return found.name if found else ""


def test_before_the_first_activation_nothing_is_in_use(
    ledger: Ledger, use: Callable[..., None]
) -> None:
    assert _in_use(ledger) == ""
    with pytest.raises(ConflictError, match="No checkpoint is in use"):
        _back(ledger)


def test_an_activation_by_name_or_id_says_who_and_why(
    ledger: Ledger, use: Callable[..., None]
) -> None:
    use("a", reason=" best so far ")
    use("id-b")
    assert _in_use(ledger) == "b"
    with ledger.read() as db:
        # `fill` records a row of its own first
        _, first, second = activations.listed(db)
    assert (first.kind, first.checkpoint_id, first.actor, first.reason) == (
        *("activate", "id-a", "ana", "best so far"),
    )
    assert second.created_at > first.created_at


def test_each_rollback_goes_one_further_back_until_the_first(
    ledger: Ledger, use: Callable[..., None]
) -> None:
    for name in "abc":
        use(name)
    seen = []
    for _ in range(2):
        _back(ledger)
        seen.append(_in_use(ledger))
    assert seen == ["b", "a"]
    with pytest.raises(ConflictError, match="a is the first"):
        _back(ledger)
    with ledger.read() as db:
        assert [event.kind for event in activations.listed(db)][1:] == ["activate"] * 3 + [
            "rollback"
        ] * 2


def test_an_activation_after_a_rollback_goes_on_from_there(
    ledger: Ledger, use: Callable[..., None]
) -> None:
    use("a")
    use("b")
    _back(ledger)
    use("c")
    _back(ledger)
    assert _in_use(ledger) == "a"


def test_a_rollback_of_something_else_than_was_seen_is_refused(
    ledger: Ledger, use: Callable[..., None]
) -> None:
    use("a")
    use("b")
    _back(ledger, expected="id-b")
    with pytest.raises(ConflictError, match="Another checkpoint"):
        _back(ledger, expected="id-b")
    assert _in_use(ledger) == "a"


def test_what_is_in_use_already_or_unknown_is_refused(
    ledger: Ledger, use: Callable[..., None]
) -> None:
    use("a")
    with pytest.raises(ConflictError, match="in use already"):
        use("a")
    with pytest.raises(NotFoundError):
        use("no-such")
    assert _in_use(ledger) == "a"


@pytest.mark.parametrize("actor", ["", "  ", "two\nlines", "x" * 101])
def test_who_does_it_is_one_line(ledger: Ledger, use: Callable[..., None], actor: str) -> None:
    with pytest.raises(WrongInputError):
        use("a", actor=actor)
    assert _in_use(ledger) == ""
