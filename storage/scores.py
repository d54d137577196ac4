"""Scores: what a measurement found for every pair, sealed so that pages can show distributions.

A training scores its published checkpoint on the held-out pairs, an evaluation what it was asked
to. A segment holds the scores of one job; `low` and `high` are the job's id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from storage import segments
from storage.errors import DamagedError
from storage.segments import Segment, SegmentKind
from storage.workspace import Workspace

if TYPE_CHECKING:
    import polars

_NATS = ("chosen_logp", "rejected_logp", "reference_chosen_logp", "reference_rejected_logp")


@dataclass(frozen=True)
class Measured:
    """What was scored, the same for all pairs of a job.

    Attributes:
        checkpoint: id of the checkpoint, or the name of a bare model.
        split: rows that were measured: `train`, `holdout` or `all`.
        reference: name of the reference as the settings have it.
        labels: who decided which answer is better.
        beta: of the implicit reward.
    """

    job: str
    checkpoint: str
    dataset_version: str
    split: str
    reference: str
    labels: str
    beta: float


def seal(workspace: Workspace, path: Path, measured: Measured) -> Segment | None:
    """Seal the `scores.jsonl` of a job; None when it holds no line. Again is the same segment.

    Columns beside those of Measured: pair_id, row_split (`train` or `holdout`), category, the four
    log-probabilities in nats summed over the answer's tokens (chosen_logp, rejected_logp,
    reference_chosen_logp, reference_rejected_logp), chosen_tokens, rejected_tokens, margin.

    Raises:
        DamagedError: the file cannot be read as scores.
    """
    frame = _read(path)
    if frame.is_empty():
        return None
    import polars as pl

    told = [pl.lit(value).alias(name) for name, value in vars(measured).items()]
    whole = frame.rename({"split": "row_split"}).with_columns(told).sort("pair_id")
    return segments.seal(workspace, SegmentKind.SCORES, whole, measured.job, measured.job)


def of_job(workspace: Workspace, job_id: str) -> polars.DataFrame | None:
    """The scores of one job by pair id; None when it has none.

    Raises:
        DamagedError: a segment is missing or damaged.
    """
    from storage import analytics

    found = analytics.open(workspace).read(SegmentKind.SCORES, job=job_id)
    if found.is_empty():
        return None
    # an attempt that was superseded just before its end may have sealed the same job too
    return found.unique("pair_id", keep="first", maintain_order=True).sort("pair_id")


def of_pairs(workspace: Workspace, pair_ids: Sequence[str]) -> polars.DataFrame:
    """Every score of a few pairs, from every measurement; empty when there is none."""
    import polars as pl

    from storage import analytics

    opened = analytics.open(workspace)
    found = [opened.read(SegmentKind.SCORES, pair_id=pair_id) for pair_id in pair_ids]
    filled = [frame for frame in found if not frame.is_empty()]
    return pl.concat(filled, how="diagonal") if filled else pl.DataFrame()


def places(workspace: Workspace, checkpoint: str) -> dict[tuple[str, str], int]:
    """Dataset version and split on which a checkpoint was measured -> how many pairs."""
    from storage import analytics

    columns = ("dataset_version", "split", "pair_id")
    found = analytics.open(workspace).read(SegmentKind.SCORES, columns, checkpoint=checkpoint)
    if found.is_empty():
        return {}
    counted = found.unique().group_by(columns[:2]).len().sort(columns[:2])
    return {(version, split): int(count) for version, split, count in counted.iter_rows()}


def at_place(
    workspace: Workspace, checkpoint: str, place: tuple[str, str], columns: Sequence[str]
) -> polars.DataFrame:
    """These columns of what a checkpoint scored at one of its `places`, each pair once."""
    from storage import analytics

    version, split = place
    wanted = {"checkpoint": checkpoint, "dataset_version": version, "split": split}
    found = analytics.open(workspace).read(SegmentKind.SCORES, ("pair_id", *columns), **wanted)
    return found.unique("pair_id", keep="last", maintain_order=True)


def jobs_with_scores(workspace: Workspace) -> set[str]:
    """Ids of the jobs whose scores are sealed."""
    with workspace.ledger.read() as db:
        return {segment.low for segment in segments.listed(db, SegmentKind.SCORES)}


def _read(path: Path) -> polars.DataFrame:
    import polars as pl

    kinds: dict[str, type[pl.DataType]] = {
        **dict.fromkeys(("pair_id", "split", "category"), pl.String),
        **dict.fromkeys(_NATS, pl.Float64),
        **dict.fromkeys(("chosen_tokens", "rejected_tokens"), pl.Int64),
        "margin": pl.Float64,
    }
    if path.stat().st_size == 0:
        return pl.DataFrame(schema=kinds)
    try:
        frame = pl.read_ndjson(path, schema=kinds)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DamagedError(
            f"The scores in {path} cannot be read: {str(error).splitlines()[0]}.",
            "Evaluate again: pairwright evaluate --checkpoint C --dataset V",
        ) from error
    if frame.null_count().select(pl.sum_horizontal(pl.all())).item():
        raise DamagedError(
            f"The scores in {path} have values missing.",
            "Evaluate again: pairwright evaluate --checkpoint C --dataset V",
        )
    return frame
