"""Whether a change of an answer fixed or broke it, and how that is known.

Where what is right is known, it decides: an answer is right when it reads the same as a reference.
Else the votes on the two answers decide, which were cast blind; else, where asked for, a model that
judged them, and that is said. A change that nobody judged is undecided, and counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from labeling import consensus
from labeling.consensus import ConsensusPolicy
from storage import identity, pairs, references, responses, votes
from storage.judgements import Judgement
from storage.ledger import Connection
from storage.rows import EffectiveVote, Response, Verdict
from storage.workspace import Workspace


class Outcome(StrEnum):
    """What became of an answer."""

    BROKEN = "broken"
    FIXED = "fixed"
    UNDECIDED = "undecided"
    UNCHANGED = "unchanged"


class DecidedBy(StrEnum):
    """How an outcome is known."""

    REFERENCE = "reference"
    VOTES = "votes"
    JUDGE = "judge"
    SAME = "same answer"
    NOBODY = ""


# regressions first
ORDER = (Outcome.BROKEN, Outcome.FIXED, Outcome.UNDECIDED, Outcome.UNCHANGED)


@dataclass(frozen=True)
class Answers:
    """What the earlier and the later checkpoint answered to a prompt."""

    prompt_id: str
    category: str
    before: str
    after: str


@dataclass(frozen=True)
class Change:
    """One prompt. `pair_id` is the pair of the two answers; empty where they read the same.

    Attributes:
        right: whether the earlier and the later answer are right; None where that is not known.
    """

    answers: Answers
    outcome: Outcome
    decided_by: DecidedBy
    pair_id: str
    right: tuple[bool, bool] | None = None


@dataclass(frozen=True)
class Tally:
    """Outcomes of one category, or of all."""

    category: str
    prompts: int
    broken: int
    fixed: int
    undecided: int
    unchanged: int


def decide(
    workspace: Workspace,
    answers: Sequence[Answers],
    judged: Mapping[str, Judgement] | None = None,
) -> list[Change]:
    """The outcome of every prompt, regressions first, then by prompt id.

    Args:
        judged: pair id -> what a model says; it stands only where people said nothing.
    """
    named = {one.prompt_id: _pair_id(one) for one in answers if not _same(one)}
    with workspace.ledger.read() as db:
        truth = references.of_prompts(db, [one.prompt_id for one in answers])
        cast = _votes(db, sorted(named.values()))
    found = [
        _decided(one, truth.get(one.prompt_id), named.get(one.prompt_id, ""), cast, judged or {})
        for one in answers
    ]
    return sorted(found, key=lambda one: (ORDER.index(one.outcome), one.answers.prompt_id))


def tallies(changes: Sequence[Change]) -> list[Tally]:
    """How often which outcome: all first, then by category."""
    by_category: dict[str, list[Change]] = {}
    for one in changes:
        by_category.setdefault(one.answers.category, []).append(one)
    lines = [_tally("all", changes)]
    if len(by_category) > 1:
        lines += [_tally(name, by_category[name]) for name in sorted(by_category)]
    return lines


def _decided(
    one: Answers,
    truth: Sequence[str] | None,
    pair_id: str,
    cast: Mapping[str, Sequence[EffectiveVote]],
    judged: Mapping[str, Judgement],
) -> Change:
    if truth:
        right = (_is_right(one.before, truth), _is_right(one.after, truth))
        outcome = Outcome.UNCHANGED
        if right[0] != right[1]:
            outcome = Outcome.FIXED if right[1] else Outcome.BROKEN
        return Change(one, outcome, DecidedBy.REFERENCE, pair_id, right)
    if not pair_id:
        return Change(one, Outcome.UNCHANGED, DecidedBy.SAME, "")
    settled = consensus.settle(cast.get(pair_id, ()), ConsensusPolicy())
    if settled.votes and settled.outcome is not None:
        return Change(one, _won(one, settled.outcome), DecidedBy.VOTES, pair_id)
    if pair_id in judged:
        return Change(one, _won(one, judged[pair_id].verdict), DecidedBy.JUDGE, pair_id)
    return Change(one, Outcome.UNDECIDED, DecidedBy.NOBODY, pair_id)


def _won(one: Answers, verdict: Verdict) -> Outcome:
    """By which answer won; a tie leaves it as good as it was."""
    if verdict not in (Verdict.A, Verdict.B):
        return Outcome.UNCHANGED
    pair = pairs.build(*_responses(one))
    later = responses.build(one.prompt_id, one.after).id
    is_later = (pair.response_a == later) == (verdict is Verdict.A)
    return Outcome.FIXED if is_later else Outcome.BROKEN


def _votes(db: Connection, pair_ids: Sequence[str]) -> dict[str, list[EffectiveVote]]:
    found: dict[str, list[EffectiveVote]] = {}
    for vote in votes.effective(db, pair_ids=pair_ids) if pair_ids else ():
        if vote.verdict is not Verdict.SKIP:
            found.setdefault(vote.pair_id, []).append(vote)
    return found


def _is_right(text: str, truth: Sequence[str]) -> bool:
    return any(identity.same_answer(text, reference) for reference in truth)


def _same(one: Answers) -> bool:
    return identity.same_answer(one.before, one.after)


def _responses(one: Answers) -> tuple[Response, Response]:
    return (
        responses.build(one.prompt_id, one.before),
        responses.build(one.prompt_id, one.after),
    )


def _pair_id(one: Answers) -> str:
    return pairs.build(*_responses(one)).id


def _tally(name: str, changes: Sequence[Change]) -> Tally:
    counted = Counter(one.outcome for one in changes)
    return Tally(
        category=name,
        prompts=len(changes),
        broken=counted[Outcome.BROKEN],
        fixed=counted[Outcome.FIXED],
        undecided=counted[Outcome.UNDECIDED],
        unchanged=counted[Outcome.UNCHANGED],
    )
