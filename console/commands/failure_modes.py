"""pairwright failures list, name, forget, collect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.options import Run, shared

if TYPE_CHECKING:
    from rounds.failures.report import KindReport

_COLUMNS = {
    "kind": "kind",
    "cluster": "cluster",
    "pairs": "pairs",
    "stability": "stability",
    "marked by": "terms",
    "example": "example",
}
_WHEN_NONE = (
    "Nobody said yet what is wrong with a worse answer. A batch with a rubric asks for it: "
    "pairwright batch create NAME --rubric grounding"
)

Batch = Annotated[
    str | None, typer.Option(metavar="NAME", help="Only this batch. Default: all of them.")
]
Number = Annotated[int | None, typer.Option("--round", metavar="N", help="Only this round.")]
Kind = Annotated[str, typer.Argument(metavar="KIND", help="Kind of failure.")]
Cluster = Annotated[str, typer.Argument(metavar="CLUSTER", help="Its name in `failures list`.")]
By = Annotated[str, typer.Option(metavar="WHO", help="Who says so.")]


@shared
def list_failures(run: Run, batch: Batch = None, round_number: Number = None) -> None:
    """List what goes wrong in rejected answers: kinds of failure and clusters inside of them.

    The kinds are those that annotators chose, else those their notes name.
    """
    from rounds.failures import report

    with run.workspace() as workspace:
        found = report.of_workspace(workspace, batch=batch, round_number=round_number)
    if run.output.as_json:
        kinds = [_kind_as_json(kind) for kind in found.kinds]
        run.output.show({"decided": found.decided, "unnamed": found.unnamed, "kinds": kinds})
        return
    rows = [row for kind in found.kinds for row in _rows(kind)]
    run.output.show_rows("failures", rows, _COLUMNS, _WHEN_NONE)
    run.output.say(f"{found.unnamed} of {found.decided} decided pairs say nothing of the kind.")


@shared
def name(
    run: Run,
    kind: Kind,
    cluster: Cluster,
    new: Annotated[str, typer.Argument(metavar="NEW", help="A name of 1 to 100 characters.")],
    by: By = "lead",
) -> None:
    """Name a cluster; the name of another one of its kind merges the two.

    The name stays with its pairs when new labels change the clusters.
    """
    from rounds.failures import report
    from storage import cluster_names

    with run.workspace() as workspace:
        found = report.of_workspace(workspace).find(kind, cluster)
        members = sorted(found.cluster.pair_ids)
        with workspace.ledger.write() as tx:
            cluster_names.give(tx, kind, new, members, actor=by)
    run.output.show(
        {"kind": kind, "name": new, "pairs": len(members)},
        f"The {len(members)} pairs of {cluster} are named {new}.",
        f"Take it back with: pairwright failures forget {kind} '{new}'",
    )


@shared
def forget(run: Run, kind: Kind, cluster: Cluster, by: By = "lead") -> None:
    """Take a name back, with the merges that it made."""
    from storage import cluster_names

    with run.workspace() as workspace, workspace.ledger.write() as tx:
        cluster_names.forget(tx, kind, cluster, actor=by)
    run.output.show({"kind": kind, "name": cluster}, f"The name {cluster} is taken back.")


@shared
def collect(
    run: Run,
    kind: Kind,
    cluster: Cluster,
    batch: Annotated[str, typer.Option(metavar="NAME", help="Batch that is made.")],
    size: Annotated[int, typer.Option(min=1, metavar="N", help="Pairs at most.")] = 200,
    overlap: Annotated[int, typer.Option(min=1, metavar="N", help="Votes on every pair.")] = 1,
    seed: Annotated[int, typer.Option(metavar="N", help="Draws the random part.")] = 0,
    by: By = "lead",
) -> None:
    """Make a batch of unlabeled pairs that are most like a cluster; a fifth is drawn by lot."""
    from rounds.failures import collecting, report
    from storage import picks

    with run.workspace() as workspace:
        found = report.of_workspace(workspace).find(kind, cluster)
        made = collecting.collect(
            workspace, found, batch, size=size, overlap=overlap, seed=seed, actor=by
        )
        with workspace.ledger.read() as db:
            count = len(picks.of_batch(db, made.id))
    run.output.show(
        {"batch": made.name, "pairs": count, "kind": kind, "cluster": cluster},
        f"Batch {made.name}: {count} pairs like {cluster}.",
        f"Hand out a link: pairwright link create --batch {made.name} --annotator WHO",
    )


def _rows(kind: KindReport) -> list[dict[str, Any]]:
    return [
        {
            "kind": kind.kind,
            "cluster": one.name,
            "pairs": one.cluster.size,
            "stability": one.cluster.stability,
            "terms": " ".join(one.cluster.terms),
            "example": one.cluster.examples[0].rejected[:80],
        }
        for one in kind.clusters
    ]


def _kind_as_json(kind: KindReport) -> dict[str, Any]:
    return {
        "kind": kind.kind,
        "label": kind.label,
        "pairs": kind.size,
        "said_by_notes": kind.said_by_notes,
        "trend": {str(number): share for number, share in kind.trend.items()},
        "clusters": [
            {
                "name": one.name,
                "given": one.given,
                "pairs": one.cluster.size,
                "terms": list(one.cluster.terms),
                "stability": one.cluster.stability,
                "examples": [
                    {"pair": each.pair_id, "chosen": each.chosen, "rejected": each.rejected}
                    for each in one.cluster.examples
                ],
            }
            for one in kind.clusters
        ],
    }


COMMANDS = {"list": list_failures, "name": name, "forget": forget, "collect": collect}
