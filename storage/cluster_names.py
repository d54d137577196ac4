"""Names and merges that leads gave to clusters of failures; they outlive every new clustering.

A name remembers the pairs that its cluster had. After new labels the clusters are others: each
takes the name whose pairs it shares most of, see `rounds.failures.naming`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.engine import Connection

from storage import numbered, tables
from storage.errors import NotFoundError, WrongInputError

LONGEST = 100
NAME, FORGET = "name", "forget"


@dataclass(frozen=True)
class ClusterName:
    """One name.

    Attributes:
        kind: kind of failure that the cluster belongs to.
        pairs: what the cluster had when it was named; of several clusters with the same name, that
            were merged so, of all of them.
        actor: who said so last; `created_at` in microseconds.
    """

    kind: str
    name: str
    pairs: frozenset[str]
    actor: str
    created_at: int


def give(tx: Connection, kind: str, name: str, pairs: Sequence[str], *, actor: str) -> None:
    """Name a cluster. The name of another cluster of the same kind merges the two.

    Raises:
        WrongInputError: the name or the actor cannot be kept, or there are no pairs.
    """
    plain = " ".join(name.split())
    if not 1 <= len(plain) <= LONGEST or not plain.isprintable():
        raise WrongInputError(
            f"{name[:LONGEST]!r} cannot be a name.", f"Use one line of 1 to {LONGEST} characters."
        )
    if not pairs:
        raise WrongInputError("The cluster has no pairs.", "Name one that is shown.")
    numbered.check_words(actor, plain)
    value = json.dumps({"name": plain, "pairs": sorted(pairs)})
    row = {"kind": NAME, "cluster": kind, "value": value, "actor": actor}
    numbered.append(tx, tables.cluster_events, row)


def forget(tx: Connection, kind: str, name: str, *, actor: str) -> None:
    """Take a name back, with the merges that it made.

    Raises:
        NotFoundError: no cluster of this kind has the name.
    """
    known = [one.name for one in listed(tx) if one.kind == kind]
    if name not in known:
        there = ", ".join(known) or "none yet"
        raise NotFoundError(
            f"No cluster of {kind} is named {name[:LONGEST]!r}.", f"Names: {there}."
        )
    row = {"kind": FORGET, "cluster": kind, "value": json.dumps({"name": name}), "actor": actor}
    numbered.append(tx, tables.cluster_events, row)


def listed(db: Connection) -> list[ClusterName]:
    """The names that stand, in the order in which they were first given."""
    table = tables.cluster_events
    found: dict[tuple[str, str], ClusterName] = {}
    for row in db.execute(select(table).order_by(table.c.number)):
        said = json.loads(row.value)
        key = (row.cluster, said["name"])
        if row.kind == FORGET:
            found.pop(key, None)
            continue
        before = found[key].pairs if key in found else frozenset()
        pairs = before | frozenset(said["pairs"])
        found[key] = ClusterName(row.cluster, said["name"], pairs, row.actor, row.created_at)
    return list(found.values())
