"""A/B tests from the sampling that made their pairs to the win rate, and who may not see what."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from rounds.ab import results
from storage import batches, exclusions, generations, identity, jobs, pairs, samples
from storage.errors import NotFoundError
from storage.generations import Drawn
from storage.pairs import PairFilter
from storage.rows import Batch, JobState, Part, Source, Turn
from storage.workspace import Workspace

Label = Callable[..., None]


@dataclass(frozen=True)
class Staged:
    """Makes A/B tests as a sampling leaves them, and finds the pairs of a question."""

    workspace: Workspace

    def sample(
        self, batch: str, answers: Mapping[str, Sequence[str]], by: Sequence[str], **settings: Any
    ) -> None:
        """`sample("ab", {"How many?": ["Two.", "Three."]}, ["x", "y"])`."""
        start = {"model": "/m", "checkpoints": []}
        starts = [{"name": name, **start} for name in by]
        spec = {"settings": settings, "start": starts[0], "rivals": starts[1:], "batch": batch}
        with self.workspace.ledger.write() as tx:
            jobs.submit(tx, kind="sample", spec=spec, key=uuid.uuid4().hex)
            job = jobs.claim(tx, worker="w")
            assert job is not None
        path = self.workspace.home / "samples.jsonl"
        with path.open("w", encoding="utf-8") as file:
            for question, texts in answers.items():
                content = [{"type": "text", "text": question}]
                prompt = {"category": "c", "messages": [{"role": "user", "content": content}]}
                line = {"prompt": prompt, "answers": list(texts), "by": list(by), "sampling": {}}
                file.write(json.dumps(line) + "\n")
        generations.seal(self.workspace, path, Drawn(job.id, by[0], 1.0, 0, job.created_at))
        least = settings.get("min_difference", 0.0)
        source = Source("checkpoint", by[0])
        samples.add_samples(self.workspace, path, batch=batch, source=source, min_difference=least)
        with self.workspace.ledger.write() as tx:
            jobs.finish(tx, job.id, job.fence, JobState.SUCCEEDED, {})

    def verdicts(self, batch: str, wanted: Mapping[str, str]) -> dict[str, str]:
        """Pair id -> the verdict for the answer with this text, or as it is: `tie`."""
        with self.workspace.ledger.read() as db:
            found = pairs.page(db, PairFilter(batch=batch), limit=100)
        verdicts = {}
        for view in found:
            question = view.prompt.turns[0].parts[0].text
            said = wanted.get(question)
            if said is not None:
                sides = {view.text_a: "a", view.text_b: "b"}
                verdicts[view.pair.id] = sides.get(said, said)
        return verdicts

    def batch(self, name: str) -> Batch:
        with self.workspace.ledger.read() as db:
            return batches.get(db, name)


@pytest.fixture
def ab(workspace: Workspace) -> Staged:
    return Staged(workspace)


FIVE = {f"Question {number}?": (f"x says {number}", f"y says {number}") for number in range(5)}


def test_wins_ties_open_and_alike_are_counted_by_checkpoint_whatever_the_orientation(
    ab: Staged, workspace: Workspace, label: Label
) -> None:
    answers = {**FIVE, "Same?": ("alike", "alike"), "Near?": ("a" * 99, "a" * 98 + "b")}
    ab.sample("ab", answers, ["x", "y"], min_difference=0.02)
    wanted = {
        "Question 0?": "x says 0",
        "Question 1?": "x says 1",
        "Question 2?": "y says 2",
        "Question 3?": "tie",
    }
    with workspace.ledger.write() as tx:
        label(tx, ab.batch("ab"), "ana", ab.verdicts("ab", wanted))
    found = results.of_batch(workspace, "ab")
    (duel,) = found.duels
    assert (duel.first, duel.second) == ("x", "y")
    assert (duel.wins, duel.losses, duel.ties, duel.open, duel.alike) == (2, 1, 1, 1, 2)
    assert (duel.rate.value, duel.rate.n) == (0.625, 4)
    assert found.ranking is None


def test_a_pair_counts_when_it_has_its_votes_and_a_dispute_then_is_a_tie(
    ab: Staged, workspace: Workspace, label: Label
) -> None:
    with workspace.ledger.write() as tx:
        batches.create(tx, "ab", overlap=2)
    ab.sample("ab", FIVE, ["x", "y"])
    batch = ab.batch("ab")
    wins = ab.verdicts("ab", {question: texts[0] for question, texts in FIVE.items()})
    with workspace.ledger.write() as tx:
        label(tx, batch, "ana", wins)
    assert results.of_batch(workspace, "ab").duels[0].open == 5
    one = ab.verdicts("ab", {"Question 0?": "y says 0"})
    with workspace.ledger.write() as tx:
        label(tx, batch, "ben", {**wins, **one})
    (duel,) = results.of_batch(workspace).duels
    assert (duel.wins, duel.losses, duel.ties, duel.open) == (4, 0, 1, 0)
    with workspace.ledger.write() as tx:
        exclusions.exclude(tx, "ben", actor="lead", reason="lazy")
    assert results.of_batch(workspace, "ab").duels[0].open == 5


def test_pairs_on_which_two_samplings_contradict_each_other_are_left_out(
    ab: Staged, workspace: Workspace, label: Label
) -> None:
    ab.sample("ab", FIVE, ["x", "y"])
    ab.sample("ab", {"Question 0?": ("y says 0", "x says 0")}, ["x", "y"])
    verdicts = ab.verdicts("ab", {question: texts[0] for question, texts in FIVE.items()})
    with workspace.ledger.write() as tx:
        label(tx, ab.batch("ab"), "ana", verdicts)
    (duel,) = results.of_batch(workspace, "ab").duels
    assert (duel.wins, duel.contradicted, duel.open) == (4, 1, 0)


def test_three_checkpoints_meet_two_by_two_and_are_ranked(
    ab: Staged, workspace: Workspace, label: Label
) -> None:
    texts = {f"Q{number}": [f"{who}{number}" for who in "xyz"] for number in range(4)}
    ab.sample("ab", texts, ["x", "y", "z"])
    with workspace.ledger.read() as db:
        found = pairs.page(db, PairFilter(batch="ab"), limit=100)
    assert len(found) == 12
    verdicts = {}
    for view in found:
        # x beats y beats z beats nobody, but in the last question the other way round
        best = max if "3" in view.text_a else min
        verdicts[view.pair.id] = "a" if best(view.text_a, view.text_b) == view.text_a else "b"
    with workspace.ledger.write() as tx:
        label(tx, ab.batch("ab"), "ana", verdicts)
    made = results.of_batch(workspace, "ab")
    assert [(d.first, d.second, d.wins, d.losses) for d in made.duels] == [
        ("x", "y", 3, 1),
        ("x", "z", 3, 1),
        ("y", "z", 3, 1),
    ]
    assert made.ranking is not None
    assert [one.name for one in made.ranking.strengths] == ["x", "y", "z"]
    assert made.ranking.strengths[1].value == pytest.approx(0, abs=1e-9)


def test_a_batch_of_one_model_is_no_test(
    workspace: Workspace, make_batch: Callable[..., Batch]
) -> None:
    with workspace.ledger.write() as tx:
        make_batch(tx, name="plain")
    for name in ("plain", None):
        with pytest.raises(NotFoundError, match="no A/B test"):
            results.of_batch(workspace, name)
    with pytest.raises(NotFoundError, match="nothing"):
        results.of_batch(workspace, "nothing")


def test_canonical_sides_say_nothing_of_whose_answer_it_is() -> None:
    """Over 400 prompts the first model is `a` about as often as `b`: within four deviations."""
    first = 0
    for number in range(400):
        prompt = identity.prompt_id(_turn(f"Question {number}?"))
        yes = identity.response_id(prompt, "yes")
        pair = identity.pair_of(prompt, yes, identity.response_id(prompt, "no"))
        first += pair.response_a == yes
    assert abs(first - 200) < 40


def _turn(question: str) -> Any:
    return (Turn("user", (Part("text", question),)),)
