"""Judgements: what a model said of pairs, sealed and kept apart from every human vote.

A segment holds the judgements of one job; `low` and `high` are the job's id. Their source is
`model`, always: nothing that measures people reads them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storage import segments
from storage.errors import DamagedError, NotFoundError
from storage.rows import Verdict
from storage.segments import Segment, SegmentKind
from storage.workspace import Workspace

if TYPE_CHECKING:
    import polars

SOURCE = "model"
_VERDICTS = frozenset({Verdict.A.value, Verdict.B.value, Verdict.TIE.value})


@dataclass(frozen=True)
class JudgedBy:
    """Who judged, the same for all pairs of a job.

    Attributes:
        judge: id of a checkpoint, name of a model, or what an address calls its model.
        version: of everything that the judge was told beside the pair.
        at: when the job was submitted, microseconds UTC.
    """

    job: str
    judge: str
    version: str
    at: int


@dataclass(frozen=True)
class Judgement:
    """What a judge said of a pair.

    Attributes:
        verdict: `a`, `b` or `tie`; a tie also where the two orders contradict each other.
        is_consistent: whether both orders gave the same verdict.
        share_of_a: mean probability of answer `a`, 0 to 1, where the judge gives one.
    """

    pair_id: str
    verdict: Verdict
    is_consistent: bool
    share_of_a: float | None


@dataclass(frozen=True)
class KnownJudge:
    """A judge by name and version, with the number of pairs it has labeled and when last."""

    judge: str
    version: str
    pairs: int
    at: int


def seal(workspace: Workspace, path: Path, by: JudgedBy) -> Segment | None:
    """Seal the `judgements.jsonl` of a job; None when no pair got a label. Again is the same.

    Columns beside those of JudgedBy: source (`model`), pair_id, verdict, a_first and b_first (what
    was said with either answer first), share_of_a, tokens_in, tokens_out.

    Raises:
        DamagedError: the file cannot be read as judgements.
    """
    frame = _read(path)
    if frame.is_empty():
        return None
    import polars as pl

    told = [pl.lit(value).alias(name) for name, value in {**vars(by), "source": SOURCE}.items()]
    whole = frame.with_columns(told).sort("pair_id")
    return segments.seal(workspace, SegmentKind.JUDGEMENTS, whole, by.job, by.job)


def known(workspace: Workspace) -> list[KnownJudge]:
    """Every judge with a label, the one that judged last first."""
    from storage import analytics

    columns = ("judge", "version", "pair_id", "at")
    found = analytics.open(workspace).read(SegmentKind.JUDGEMENTS, columns=columns)
    if found.is_empty():
        return []
    import polars as pl

    counted = found.group_by("judge", "version").agg(
        pl.col("pair_id").n_unique().alias("pairs"), pl.col("at").max()
    )
    ordered = counted.sort("at", "judge", "version", descending=[True, False, False])
    return [KnownJudge(**row) for row in ordered.iter_rows(named=True)]


def find(workspace: Workspace, name: str) -> KnownJudge:
    """The judge with this name, or `NAME@VERSION`; of several versions the one used last.

    Raises:
        NotFoundError: none has labeled a pair under this name.
    """
    everybody = known(workspace)
    for one in everybody:
        if name in (one.judge, f"{one.judge}@{one.version}"):
            return one
    names = ", ".join(f"{one.judge}@{one.version}" for one in everybody) or "none yet"
    raise NotFoundError(
        f"No judge {name[:80]!r} has labeled a pair.",
        f"Judges: {names}. A judge labels with `pairwright judge --batch NAME --judge MODEL`.",
    )


def by_pair(workspace: Workspace, judge: str, version: str) -> dict[str, Judgement]:
    """Pair id -> what this judge said of it last."""
    from storage import analytics

    found = analytics.open(workspace).read(SegmentKind.JUDGEMENTS, judge=judge, version=version)
    if found.is_empty():
        return {}
    newest = found.sort("at", "job").unique("pair_id", keep="last")
    return {
        row["pair_id"]: Judgement(
            row["pair_id"],
            Verdict(row["verdict"]),
            row["a_first"] == row["b_first"],
            row["share_of_a"],
        )
        for row in newest.iter_rows(named=True)
    }


def _read(path: Path) -> polars.DataFrame:
    """The lines with a verdict."""
    import polars as pl

    kinds = {
        **dict.fromkeys(("pair_id", "verdict", "a_first", "b_first"), pl.String),
        "share_of_a": pl.Float64,
        **dict.fromkeys(("tokens_in", "tokens_out"), pl.Int64),
    }
    rows: list[Mapping[str, Any]] = []
    try:
        with path.open(encoding="utf-8") as file:
            lines = [json.loads(line) for line in file if line.endswith("\n")]
        rows = [{name: line[name] for name in kinds} for line in lines if line["verdict"]]
        frame = pl.DataFrame(rows, schema=kinds)
    except (OSError, ValueError, KeyError, TypeError, pl.exceptions.PolarsError) as error:
        raise DamagedError(
            f"The judgements in {path} cannot be read ({type(error).__name__}).",
            "Judge again: pairwright judge --batch NAME --judge MODEL",
        ) from error
    if not set(frame["verdict"]) <= _VERDICTS:
        raise DamagedError(
            f"The judgements in {path} have verdicts other than a, b and tie.",
            "Judge again: pairwright judge --batch NAME --judge MODEL",
        )
    return frame
