"""Kinds and clusters of failures: as people said, from the words that differ, named for good."""

from __future__ import annotations

from random import Random

import pytest

from rounds.failures import clusters, kinds, naming
from rounds.failures.kinds import Failure
from storage.cluster_names import ClusterName
from storage.failings import Failing


def failing(worse: str, *said: str, note: str = "") -> Failing:
    return Failing("pair", "batch", "ana", worse, said, note, 1)


def failure(number: int, chosen: str, rejected: str, kind: str = "hallucination") -> Failure:
    return Failure(f"{number:03}", "hallucination", kind, "annotators", "?", chosen, rejected, 1)


def test_the_kind_that_most_votes_name_wins_and_only_about_the_answer_that_lost() -> None:
    said = [failing("a", "counting"), failing("a", "counting", "format"), failing("b", "spatial")]
    assert kinds.kind_of(said, "a") == ("counting", "annotators")
    assert kinds.kind_of(said, "b") == ("spatial", "annotators")
    equal = [failing("a", "format", "hallucination")]
    assert kinds.kind_of(equal, "a")[0] == "hallucination"


def test_a_note_names_a_kind_only_where_nobody_chose_one() -> None:
    assert kinds.kind_of([failing("a", note="It invents a cat.")], "a") == (
        "hallucination",
        "notes",
    )
    assert kinds.kind_of([failing("a", "other", note="invents")], "a")[0] == "other"
    assert kinds.kind_of([failing("a", note="worse")], "a") == ("unnamed", "")
    # a stem at the start of a word, not inside of one
    assert kinds.named_by("an account of it") == []
    assert kinds.named_by("wrong  COUNT") == ["counting"]


def test_words_that_differ_say_on_which_side_they_stand() -> None:
    found = clusters.differing("a red circle", "a red circle and a star")
    assert found == ["+and", "+a", "+star"]
    assert clusters.differing("two", "Three") == ["-two", "+three"]


@pytest.fixture
def mixed() -> list[Failure]:
    """Twenty that invent a star, twenty that say a wrong colour, in any order."""
    random = Random(2)
    shapes = ("circle", "square", "triangle")
    found = [
        failure(at, f"a red {shapes[at % 3]}", f"a red {shapes[at % 3]} and a star")
        for at in range(20)
    ]
    found += [
        failure(at, f"a blue {shapes[at % 3]}", f"a green {shapes[at % 3]}") for at in range(20, 40)
    ]
    random.shuffle(found)
    return found


def test_clusters_separate_what_differs_in_other_words(mixed: list[Failure]) -> None:
    found = clusters.of_kind("hallucination", mixed)
    assert sorted(one.size for one in found) == [20, 20]
    invented = next(one for one in found if "+star" in one.terms)
    assert {int(one.pair_id) for one in invented.members} == set(range(20))
    assert len(invented.examples) == 3
    assert invented.stability == pytest.approx(1.0)


def test_the_same_failures_in_another_order_give_the_same_clusters(mixed: list[Failure]) -> None:
    again = clusters.of_kind("hallucination", mixed[::-1])
    assert again == clusters.of_kind("hallucination", mixed)


def test_few_or_equal_failures_are_one_cluster_without_a_stability(mixed: list[Failure]) -> None:
    (one,) = clusters.of_kind("hallucination", mixed[:5])
    assert (one.size, one.stability) == (5, None)
    same = [failure(at, "no", "yes") for at in range(40)]
    (one,) = clusters.of_kind("hallucination", same)
    assert (one.size, one.terms) == (40, ("+yes", "-no"))
    assert clusters.of_kind("hallucination", []) == []


def test_noise_is_told_by_a_low_stability() -> None:
    random = Random(3)
    words = [f"word{at}" for at in range(30)]
    noise = [failure(at, "x", " ".join(random.sample(words, 6))) for at in range(40)]
    found = clusters.of_kind("hallucination", noise)
    stable = found[0].stability
    assert stable is None or stable < 0.5


def test_a_name_stays_with_its_pairs_through_new_clusters_and_merges(mixed: list[Failure]) -> None:
    found = clusters.of_kind("hallucination", mixed)
    stars = next(one for one in found if "+star" in one.terms)
    names = [ClusterName("hallucination", "invents a star", stars.pair_ids, "lead", 1)]
    later = [*mixed, *(failure(at, "a red dot", "a red dot and a star") for at in range(40, 48))]
    again = naming.named(clusters.of_kind("hallucination", later), names)
    assert ("invents a star", 28) in [(one.name, one.cluster.size) for one in again if one.given]
    other = next(one for one in found if one is not stars)
    both = [*names, ClusterName("hallucination", "invents a star", other.pair_ids, "lead", 2)]
    (merged,) = naming.named(found, both)
    assert (merged.name, merged.cluster.size) == ("invents a star", 40)
    assert not any(
        one.given
        for one in naming.named(found, [ClusterName("format", "x", stars.pair_ids, "lead", 1)])
    )
