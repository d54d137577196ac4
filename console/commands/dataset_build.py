"""pairwright dataset build."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from console.commands.pair_filtering import filtered_by
from console.options import Run, shared

if TYPE_CHECKING:
    from rounds.dataset import BuildSettings

# those of the pair explorer that make sense for what a version is made of
FILTERS = (
    *("category", "source", "annotator", "failure", "tag", "text", "voted_from", "voted_to"),
    *("added_from", "added_to", "confidence_from", "confidence_to"),
)
Batch = Annotated[
    str | None, typer.Option(metavar="NAME", help="Only this batch. Default: all of them.")
]
RoundNumber = Annotated[
    int | None, typer.Option("--round", metavar="N", help="Only the batches of this round.")
]
Labels = Annotated[
    Literal["votes", "imported", "both"],
    typer.Option(
        metavar="votes|imported|both",
        help="Whose decisions: the experts' votes, the labels of imported files, or both "
        "(votes where a pair has any).",
    ),
]
Policy = Annotated[
    Literal["majority", "weighted", "unanimous", "adjudicated"],
    typer.Option(
        metavar="majority|weighted|unanimous|adjudicated",
        help="How votes settle a pair: by number, by the estimated accuracy of who cast them, all "
        "alike, or by leads only. A lead's decision always comes first.",
    ),
]
MinVotes = Annotated[int, typer.Option(min=1, metavar="N", help="Fewest votes that settle a pair.")]
MinAgreement = Annotated[
    float, typer.Option(min=0, max=1, metavar="P", help="Smallest share of votes for the winner.")
]
MinConfidence = Annotated[
    float,
    typer.Option(
        min=0, max=0.99, metavar="P", help="Smallest probability of the winner, given the votes."
    ),
]
Holdout = Annotated[
    float, typer.Option(min=0, max=0.99, metavar="P", help="Share of rows kept from training.")
]
HoldoutBy = Annotated[
    Literal["media", "annotator"],
    typer.Option(
        metavar="media|annotator",
        help="media: rows that share a picture or a question stay together. annotator: all rows "
        "that some annotators judged, drawn with the seed.",
    ),
]
Seed = Annotated[int, typer.Option(metavar="N", help="Draws the split.")]
WithJudge = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="Also the labels of this model as judge, where nothing else decides a pair: NAME or "
        "NAME@VERSION. Its rows say `model`. `pairwright judge` makes such labels.",
    ),
]
Audit = Annotated[
    bool, typer.Option("--audit", help="From the audit set alone: it measures, it never trains.")
]
Note = Annotated[
    str, typer.Option(metavar="TEXT", help="A note on the version.", show_default=False)
]
By = Annotated[str, typer.Option(metavar="WHO", help="Who writes the note.")]


@shared
@filtered_by(FILTERS)
def build(
    run: Run,
    said: Mapping[str, str],
    batch: Batch = None,
    round_number: RoundNumber = None,
    labels: Labels = "votes",
    policy: Policy = "majority",
    min_votes: MinVotes = 1,
    min_agreement: MinAgreement = 0.67,
    min_confidence: MinConfidence = 0.0,
    holdout: Holdout = 0.1,
    holdout_by: HoldoutBy = "media",
    seed: Seed = 0,
    audit: Audit = False,
    with_judge: WithJudge = "",
    note: Note = "",
    by: By = "lead",
) -> None:
    """Freeze the decisions so far.

    A dataset version holds chosen and rejected answers, split into train and holdout. The same
    decisions and settings give the same version again. Filters are those of `pair list`: what is
    outside of them is counted as left out, and what is asked of votes must be true of one vote.
    """
    from console.views.dataset_filters import row_filter
    from rounds.dataset import BuildSettings

    settings = BuildSettings(
        batch=batch,
        round=round_number,
        labels=labels,
        policy=policy,
        min_votes=min_votes,
        min_agreement=min_agreement,
        min_confidence=min_confidence,
        holdout=holdout,
        holdout_by=holdout_by,
        seed=seed,
        audit=audit,
        with_judge=with_judge,
        filters=row_filter(said),
    )
    _freeze(run, settings, note, by)


def _freeze(run: Run, settings: BuildSettings, note: str, by: str) -> None:
    from console.commands.batches import check_known
    from console.commands.datasets import as_result, sentences
    from console.views import dataset_notes
    from rounds import dataset

    with run.workspace() as workspace:
        check_known(workspace, settings.batch)
        version = dataset.build(workspace, settings)
        noted = dataset_notes.write(workspace, version.id, note, by) if note.strip() else None
        text = noted.text if noted else dataset_notes.text_of(workspace, version.id)
    run.output.show(as_result(version, text), *sentences(version, text))
