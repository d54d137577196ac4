"""How a batch stands, against the rule of consensus applied to each pair in Python."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labeling import consensus, standings
from labeling.consensus import ConsensusPolicy
from storage import annotators, batches, clock, pairs, sealing, tables, votes
from storage.ledger import Connection
from storage.pairs import PairFilter
from storage.rows import Batch, EffectiveVote, Verdict
from storage.workspace import Workspace

PEOPLE = ("ana", "ben", "cleo", "dan")
VERDICTS = st.sampled_from(("a", "b", "tie", "both_bad", "skip"))
KINDS = st.sampled_from(("normal", "normal", "gold", "repeat", "adjudication"))
# pair, annotator, kind of assignment -> verdict
CAST = st.dictionaries(
    st.tuples(st.integers(0, 3), st.sampled_from(PEOPLE), KINDS), VERDICTS, max_size=16
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(cast=CAST, overlap=st.integers(1, 4), is_sealed=st.booleans())
def test_a_batch_stands_as_its_pairs_settle(
    cast: dict[tuple[int, str, str], str],
    overlap: int,
    is_sealed: bool,
    workspace: Workspace,
    make_batch: Callable[..., Batch],
) -> None:
    with workspace.ledger.write() as tx:
        number = len(batches.listed(tx))
        batch = make_batch(tx, name=f"b{number}", pair_count=4, overlap=overlap)
        ids = [view.pair.id for view in pairs.page(tx, PairFilter(batch=batch.name), 4)]
        for (pair, who, kind), verdict in cast.items():
            vote(tx, batch, ids[pair], who, kind, Verdict(verdict))
        by_pair = [votes.effective(tx, pair_ids=[pair]) for pair in ids]
    if is_sealed:
        sealing.run(workspace, settling_seconds=0)
    (found,) = standings.of_batches(workspace, [batch])
    kinds = Counter(outcome(effective, overlap) for effective in by_pair)
    decided = [len(counted(effective)) for effective in by_pair]
    assert found == standings.Standing(
        batch=batch,
        pairs=4,
        votes=sum(map(len, by_pair)),
        wanted=4 * overlap,
        counted=sum(min(number, overlap) for number in decided),
        settled=kinds["settled"],
        ties=kinds["tie"],
        disputes=kinds["dispute"],
        waiting=kinds["waiting"],
        imported=0,
    )


def test_a_batch_without_pairs_is_all_zeros(workspace: Workspace) -> None:
    with workspace.ledger.write() as tx:
        batch = batches.create(tx, "empty")
    (found,) = standings.of_batches(workspace, [batch])
    assert (found.pairs, found.votes, found.waiting, found.progress) == (0, 0, 0, 0.0)


def outcome(found: Sequence[EffectiveVote], overlap: int) -> str:
    settled = consensus.settle(found, ConsensusPolicy(min_votes=overlap))
    if len(counted(found)) < overlap and not settled.decided_by:
        return "waiting"
    if settled.settled:
        return "settled"
    return "tie" if settled.outcome is Verdict.TIE else "dispute"


def counted(found: Sequence[EffectiveVote]) -> list[EffectiveVote]:
    """The votes that an overlap asks for: no skips, and no decisions of leads."""
    votes = (vote for vote in found if vote.kind != "adjudication")
    return [vote for vote in votes if vote.verdict is not Verdict.SKIP]


def vote(tx: Connection, batch: Batch, pair_id: str, who: str, kind: str, verdict: Verdict) -> None:
    annotator = annotators.get_or_create(tx, who)
    name = f"{batch.id}-{pair_id}-{who}-{kind}"
    numbers = dict.fromkeys(("offered_at", "leased_until"), 0)
    sequence = len(tx.execute(tables.assignments.select()).all())
    tx.execute(
        tables.assignments.insert().values(
            id=name,
            batch_id=batch.id,
            pair_id=pair_id,
            annotator_id=annotator.id,
            kind=kind,
            left="a",
            sequence=sequence,
            **numbers,
        )
    )
    times = dict.fromkeys(("shown_at", "decided_at"), clock.now(tx))
    votes.append(
        tx,
        event_id=name,
        assignment_id=name,
        kind="vote",
        verdict=verdict,
        active_ms=0,
        **times,
    )
