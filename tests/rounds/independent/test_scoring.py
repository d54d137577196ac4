"""POPE, AMBER and CHAIR by their own rules, against examples worked out by hand."""

from __future__ import annotations

import pytest

from rounds.independent import captions, yes_no
from rounds.independent.captions import Captioned
from rounds.independent.yes_no import Answered
from storage.errors import WrongInputError


@pytest.mark.parametrize(
    ("said", "parsed"),
    [
        ("Yes.", "yes"),
        ("yes, there is a dog", "yes"),
        ("No, there is no dog.", "no"),
        ("There is not a dog. Yes!", "no"),
        ("There isn't one", "no"),
        ("The dog knows.", "yes"),
        ("Yes. No dog is red.", "yes"),
        ("", ""),
        ("...", ""),
    ],
)
def test_a_denial_in_the_first_sentence_is_a_no(said: str, parsed: str) -> None:
    assert yes_no.parse(said) == parsed


def answered(*rows: tuple[str, str], group: str = "random") -> list[Answered]:
    return [Answered(f"{group} {at}", group, *row) for at, row in enumerate(rows)]


def test_figures_of_pope_count_an_empty_answer_as_wrong() -> None:
    rows = [("yes", "Yes"), ("yes", "No"), ("no", "No"), ("no", "Yes"), ("no", "")]
    (found,) = yes_no.measure(answered(*rows))
    assert found.accuracy.value == pytest.approx(2 / 5)
    assert [one.value for one in (found.precision, found.recall, found.f1)] == [0.5, 0.5, 0.5]
    assert found.f1.ci95 is not None
    assert found.precision.n == found.recall.n == 2
    assert found.yes_share.value == pytest.approx(2 / 5)
    assert found.unclear == 1


def test_amber_takes_the_no_for_positive() -> None:
    rows = [("no", "No"), ("no", "Yes"), ("yes", "No"), ("yes", "Yes"), ("no", "No")]
    (found,) = yes_no.measure(answered(*rows), positive=yes_no.NO)
    assert (found.precision.value, found.recall.value) == pytest.approx((2 / 3, 2 / 3))


def test_groups_stand_beside_all_of_them() -> None:
    rows = [*answered(("yes", "Yes")), *answered(("no", "Yes"), group="adversarial")]
    found = {one.group: one.accuracy.value for one in yes_no.measure(rows)}
    assert found == {"all": 0.5, "adversarial": 0.0, "random": 1.0}
    assert yes_no.measure([])[0].accuracy.value is None


OBJECTS = captions.read_vocabulary(
    "person, man, woman, people\ndog, puppy\nhot dog\nbus\nknife\ndining table, table\n\n"
)


def test_objects_are_found_by_synonym_plural_and_the_longer_name() -> None:
    said = "Two men eat hot dogs at a table; the puppies watch three buses. Knives lie there."
    # `men` is no regular plural and no name of the list
    assert captions.mentioned(said, OBJECTS) == {
        "hot dog",
        "dining table",
        "dog",
        "bus",
        "knife",
    }


def test_chair_and_cover_of_two_captions() -> None:
    rows = [
        Captioned("1", "A dog and a bus.", frozenset({"dog", "person"})),
        Captioned("2", "A man with a knife.", frozenset({"person", "knife"})),
    ]
    found = captions.measure(rows, OBJECTS)
    assert found.objects.value == pytest.approx(1 / 4)
    assert found.captions.value == pytest.approx(1 / 2)
    assert found.cover.value == pytest.approx(3 / 4)
    nothing = captions.measure([Captioned("1", "Nothing.", frozenset({"dog"}))], OBJECTS)
    assert (nothing.objects.value, nothing.objects.reason) == (None, "no object was mentioned")
    assert nothing.cover.value == 0


def test_a_list_that_says_two_things_or_nothing_is_refused() -> None:
    with pytest.raises(WrongInputError, match="Line 2: 'man' stands for 'person' already"):
        captions.read_vocabulary("person, man\nhuman, man\n")
    with pytest.raises(WrongInputError, match="is empty"):
        captions.read_vocabulary("\n,\n")


@pytest.mark.parametrize(
    ("word", "plural"),
    [
        *(("dog", "dogs"), ("bus", "buses"), ("glass", "glasses"), ("box", "boxes")),
        *(("bench", "benches"), ("brush", "brushes"), ("tomato", "tomatoes"), ("photo", "photos")),
        *(("berry", "berries"), ("toy", "toys"), ("knife", "knives"), ("wolf", "wolves")),
        ("giraffe", "giraffes"),
    ],
)
def test_every_name_is_known_by_its_plural_too(word: str, plural: str) -> None:
    found = captions.read_vocabulary(f"own, {word}\n")
    assert captions.mentioned(f"Three {plural}.", found) == {"own"}


def test_a_name_of_the_list_is_no_plural_of_another() -> None:
    found = captions.read_vocabulary("cup, glass\nspectacles, glasses\n")
    assert captions.mentioned("a glass and glasses", found) == {"cup", "spectacles"}


def test_what_is_associated_with_an_object_stands_for_it_and_safe_words_invent_nothing() -> None:
    words = captions.vocabulary([["lake"], ["water"], ["sky"], ["bear"]])
    one = Captioned(
        "1", "", frozenset({"lake"}), {"lake": frozenset({"water"})}, frozenset({"sky"})
    )
    said = captions.mentioned("Water, a bear, the sky.", words)
    assert (one.invented(said), one.seen(said)) == ({"bear"}, {"lake"})
