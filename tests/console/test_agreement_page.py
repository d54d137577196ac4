"""The Agreement page as Streamlit runs it, and the lines that it shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from console.views import agreement
from labeling import links as labeling_links
from storage import pairs
from storage.rows import Batch
from storage.workspace import Workspace

Page = Callable[..., AppTest]
Vote = Callable[..., None]


def texts(test: AppTest) -> list[str]:
    return [element.value for element in test.text]


def rows(test: AppTest, position: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = test.dataframe[position].value.to_dict("records")
    return found


def command(test: AppTest) -> str:
    (line,) = [element.value for element in test.code]
    return str(line).split(" --home")[0]


@pytest.fixture
def vote(
    workspace: Workspace, make_batch: Callable[..., Batch], label: Callable[..., None]
) -> Vote:
    """`vote("first", 2, ana="aab", ben="abb")` makes a batch and gives its pairs these verdicts in
    one order; t is a tie, a dot no vote."""

    def go(name: str, overlap: int, **verdicts: str) -> None:
        names = {"a": "a", "b": "b", "t": "tie"}
        count = max(map(len, verdicts.values()), default=4)
        with workspace.ledger.write() as tx:
            batch = make_batch(tx, name=name, pair_count=count, overlap=overlap)
            found = pairs.page(tx, pairs.PairFilter(batch=name), count)
            ids: Sequence[str] = [view.pair.id for view in found]
            for who, said in verdicts.items():
                given = zip(ids, said, strict=True)
                label(tx, batch, who, {pair: names[v] for pair, v in given if v != "."})

    return go


def test_a_workspace_without_batches_says_to_import_with_overlap(
    workspace: Workspace, page: Page
) -> None:
    assert command(page("agreement")) == "pairwright import FILE --batch NAME --overlap 2"


def test_an_overlap_of_one_is_named_as_the_reason(vote: Vote, page: Page) -> None:
    vote("first", 1, ana="aab")
    test = page("agreement", batch="first")
    assert "3 votes of 1 annotator on 3 pairs; 0 were judged by two or more." in texts(test)
    assert any("Batch first asks for one vote per pair (overlap 1)" in text for text in texts(test))
    assert command(test) == "pairwright import FILE --batch first --overlap 2"


def test_a_second_person_is_asked_for_where_the_overlap_allows_it(vote: Vote, page: Page) -> None:
    vote("first", 2)
    test = page("agreement", batch="first")
    assert any(text.startswith("Nobody has voted.") for text in texts(test))
    vote("second", 2, ana="aab")
    test = page("agreement", batch="second")
    assert any(text.startswith("One annotator has voted.") for text in texts(test))
    assert command(test) == "pairwright link create --batch second --annotator WHO"


def test_two_people_with_links_are_waited_for(workspace: Workspace, vote: Vote, page: Page) -> None:
    vote("first", 2)
    for who in ("ana", "ben"):
        labeling_links.mint(workspace, "first", who)
    test = page("agreement", batch="first")
    assert any("2 people have an active link" in text for text in texts(test))
    assert not test.code


def test_figures_stand_with_interval_and_n_with_ties_and_without(vote: Vote, page: Page) -> None:
    vote("first", 2, ana="aabbabt", ben="aabbbat")
    test = page("agreement", batch="first")
    assert not test.exception
    percent = rows(test, 0)[0]
    assert (percent["figure"], percent["value"], percent["n"]) == ("Percent agreement", "71.4%", 7)
    assert (percent["without"], percent["without_n"]) == ("66.7%", "6")
    assert " to " in percent["interval"]
    names = [row["figure"] for row in rows(test, 0)]
    assert {"Krippendorff's alpha", "Gwet's AC1", "Fleiss' kappa"} <= set(names)
    assert any("whatever side they were shown on" in text for text in texts(test))
    assert any("2,000 resamples" in text for text in texts(test))
    assert any(text.startswith("Fewer than 30 shared pairs") for text in texts(test))


def test_two_annotators_have_a_kappa_with_n_and_few_is_marked(vote: Vote, page: Page) -> None:
    vote("first", 2, ana="aabbabt", ben="aabbbat")
    (pair,) = rows(page("agreement", batch="first"), 1)
    assert (pair["one"], pair["other"], pair["n"], pair["percent"]) == ("ana", "ben", 7, "71.4%")
    assert pair["kappa"] == "0.53"
    assert pair["note"] == "few (under 30)"
    left_out = {"batch": "first", "ties": agreement.LEFT_OUT}
    (pair,) = rows(page("agreement", **left_out), 1)
    assert (pair["n"], pair["kappa"]) == (6, "0.33")


def test_without_a_tie_nothing_is_shown_twice(vote: Vote, page: Page) -> None:
    vote("first", 2, ana="aab", ben="abb")
    assert "without" not in rows(page("agreement", batch="first"), 0)[0]


def test_a_kappa_that_is_undefined_says_why(vote: Vote, page: Page) -> None:
    vote("first", 2, ana="aaa", ben="aaa")
    test = page("agreement", batch="first")
    (pair,) = rows(test, 1)
    assert (pair["kappa"], pair["percent"]) == ("n/a", "100.0%")
    assert pair["note"].startswith("Every judgement is the same")
    alpha = rows(test, 0)[1]
    assert (alpha["value"], alpha["interval"]) == ("n/a", "n/a")
    assert alpha["meaning"].startswith("Every judgement is the same")


def test_a_common_verdict_is_explained(vote: Vote, page: Page) -> None:
    vote("first", 2, ana="a" * 19 + "b", ben="a" * 18 + "ba")
    test = page("agreement", batch="first")
    (word,) = [text for text in texts(test) if "When one verdict is so common" in text]
    assert word.startswith("95.0% of the votes say")


def test_all_batches_stand_beside_each_other(vote: Vote, page: Page) -> None:
    vote("first", 2, ana="aab", ben="aab")
    vote("second", 2, ana="aab", cleo="abb")
    vote("third", 2)
    test = page("agreement")
    by_batch = {row["part"]: row for row in rows(test, 2)}
    assert by_batch["first"]["percent"].startswith("100.0% (")
    assert by_batch["second"]["percent"].startswith("66.7% (")
    assert by_batch["third"]["note"] == "nobody shares a pair"
    assert any(
        "1 of 3 pairs of annotators share no pair and are not listed." in text
        for text in texts(test)
    )
    # ana with ben, ana with cleo: three people make a picture
    assert test.get("plotly_chart")


def test_who_came_in_for_hard_pairs_is_told_apart(vote: Vote, page: Page) -> None:
    vote("first", 2, ana="aaaa", ben="aaab", cleo="...b")
    words = texts(page("agreement", batch="first"))
    assert any("got more votes than the overlap of 2" in text for text in words)


def test_names_that_people_chose_are_never_markdown(vote: Vote, page: Page) -> None:
    hostile = "![x](https://evil.test/x.png) **bold** :smile:"
    vote(hostile, 2, **{hostile: "aab", "ben": "abb"})
    test = page("agreement", batch=hostile)
    assert not test.exception
    assert rows(test, 1)[0]["one"] == hostile
    rendered = [element.value for element in (*test.markdown, *test.caption, *test.subheader)]
    assert not [value for value in rendered if "evil" in value]


def test_an_unknown_batch_in_the_address_is_ignored(vote: Vote, page: Page) -> None:
    vote("first", 2, ana="aab", ben="abb")
    test = page("agreement", batch="nowhere")
    assert not test.exception
    assert "6 votes of 2 annotators on 3 pairs; 3 were judged by two or more." in texts(test)


def test_parts_are_shown_when_asked_for_with_ties_or_without(vote: Vote, page: Page) -> None:
    vote("first", 2, ana="aabt", ben="aaab")
    test = page("agreement", batch="first")
    assert len(test.dataframe) == 2
    for way, name in (("category", "counting"), ("checkpoints", "file test.jsonl")):
        test = page("agreement", batch="first", by=way)
        assert not test.exception
        (line,) = rows(test, 2)
        assert (line["part"], line["shared"], line["note"]) == (name, "4 of 4", "few (under 30)")
        assert line["percent"].startswith("50.0% (")
    test = page("agreement", batch="first", by="round", ties=agreement.LEFT_OUT)
    (line,) = rows(test, 2)
    assert (line["part"], line["shared"]) == ("imported", "3 of 4")
    assert any("The rounds that the batches belong to." in text for text in texts(test))


def test_what_rests_on_few_pairs_is_grey(vote: Vote, page: Page) -> None:
    vote("first", 3, ana="ab" * 15, ben="ab" * 14 + "ba", cleo="b" * 29 + ".")
    test = page("agreement", batch="first")
    styles = test.dataframe[1].proto.arrow_data.styler.styles
    assert [row["n"] for row in rows(test, 1)] == [30, 29, 29]
    assert ["row0_col0" in styles, "row1_col0" in styles, "row2_col0" in styles] == [
        False,
        True,
        True,
    ]


def test_two_people_who_agree_on_a_common_verdict_are_told_why_kappa_is_low(
    vote: Vote, page: Page
) -> None:
    vote("first", 2, ana="a" * 34 + "b", ben="a" * 33 + "ba")
    (pair,) = rows(page("agreement", batch="first"), 1)
    assert (pair["percent"], pair["prevalence"], pair["bias"]) == ("94.3%", "0.94", "0.00")
    assert pair["note"].startswith("one verdict prevails")
