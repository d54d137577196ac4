"""The headless demo's result as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from console import measured
from console.demo.headless import BASELINES, METRICS, RoundResult
from console.output import Output


def show(results: Sequence[RoundResult], output: Output) -> None:
    """One JSON object with --json, else two tables for every round."""
    if output.as_json:
        output.show({"rounds": [result.as_json() for result in results]})
        return
    for result in results:
        _show_round(result, output)


def _show_round(result: RoundResult, output: Output) -> None:
    who = ", ".join(
        f"{ballot.expert.name} {ballot.votes} (accuracy {ballot.expert.accuracy:.2f}, "
        f"side bias {ballot.expert.side_bias:.2f})"
        for ballot in result.ballots
    )
    output.show(
        {},
        "",
        f"Round {result.round}: {result.pairs} pairs, {result.votes} votes by simulated experts",
        f"  {who}",
        f"  dataset {result.version.id}: {result.version.rows} rows; "
        f"checkpoint {result.checkpoint}; from {result.start}",
        "",
    )
    output.table(("on the audit set, labeled by the oracle", "before", "after"), _figures(result))
    output.show({}, "")
    output.table(("exact answers, greedy", "before", "after", "n"), _exact(result))
    spent = ", ".join(f"{name} {seconds:.1f}" for name, seconds in result.seconds.items())
    output.show({}, "", f"Seconds: {spent}")


def _figures(result: RoundResult) -> Iterator[Sequence[str]]:
    for name in (*METRICS, *BASELINES):
        if name in result.before and name in result.after:
            yield (
                name.replace("_", " "),
                measured.value_of(result.before[name]),
                measured.value_of(result.after[name]),
            )


def _exact(result: RoundResult) -> Iterator[Sequence[str]]:
    for name, before in result.exact_before.items():
        after = result.exact_after[name]
        yield (name, f"{before.value:.3f}", f"{after.value:.3f}", str(before.n))
