"""Checkpoints, Rewards and Diff as Streamlit runs them, from nothing to a family of rounds."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from console.main import main
from console.views import checkpoint_pairs, diff, rewards
from console.views import checkpoints as views
from storage import jobs, publications
from storage.workspace import Workspace

Page = Callable[..., AppTest]
HOSTILE = "![x](https://evil.test/x.png) <script>alert(1)</script> **bold** :smile: $x$"


def texts(test: AppTest) -> list[str]:
    return [element.value for element in test.text]


def commands(test: AppTest) -> list[str]:
    return [element.value.split(" --home")[0] for element in test.code]


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("checkpoints", "pairwright train --dataset V --from MODEL"),
        ("rewards", "pairwright train --dataset V --from MODEL"),
        (
            "diff",
            "pairwright sample --prompts FILE --from CHECKPOINT --set answers=1 "
            "--set temperature=0",
        ),
    ],
)
def test_in_an_empty_workspace_each_page_has_one_next_step(
    name: str, command: str, workspace: Workspace, page: Page
) -> None:
    test = page(name)
    assert not test.exception
    assert commands(test) == [command]


def test_checkpoints_stand_below_the_one_they_were_trained_from(maker: Any, page: Page) -> None:
    maker.checkpoint("one")
    maker.checkpoint("two", parent="c-one")
    maker.checkpoint("other")
    maker.checkpoint("three", parent="c-two")
    test = page("checkpoints")
    assert not test.exception
    table = test.dataframe[0].value
    names = [name.replace("\u2003", "  ") for name in table["name"]]
    assert names == ["one", "└ two", "  └ three", "other"]
    assert list(table["start"]) == ["tiny", "one", "two", "tiny"]
    assert table["preference"][0] == "70.0% (60.0% to 80.0%)"


def test_a_checkpoint_is_taken_into_use_and_back_in_one_click(
    maker: Any, workspace: Workspace, page: Page
) -> None:
    for name in ("one", "two"):
        maker.checkpoint(name)
    test = page("checkpoints", checkpoint="one")
    assert "No checkpoint has been taken into use yet." in texts(test)
    test.button(key="activate").click().run()
    assert "one is in use now." in texts(test)
    # the first one has nothing before it
    assert "undo" not in [button.key for button in test.button]
    test.query_params["checkpoint"] = "two"
    test.run()
    test.text_input(key="reason").set_value("better").run()
    test.button(key="activate").click().run()
    assert views.family(workspace).in_use.previous == "one"
    assert views.family(workspace).in_use.sentence.endswith(": better")
    test.button(key="undo").click().run()
    assert "one is in use again." in texts(test)
    test.button(key="undo").click().run()
    assert "two is in use now." in texts(test)
    test.button(key="rollback").click().run()
    assert not test.exception
    history = [(line.what, line.checkpoint) for line in views.family(workspace).history]
    assert history[::-1] == [
        ("took into use", "one"),
        ("took into use", "two"),
        ("rolled back to", "one"),
        ("took into use", "two"),
        ("rolled back to", "one"),
    ]


def test_a_click_on_a_page_that_is_out_of_date_changes_nothing(
    maker: Any, workspace: Workspace, page: Page
) -> None:
    for name in ("one", "two", "three"):
        maker.checkpoint(name)
        views.activate(workspace, f"c-{name}", "")
    test = page("checkpoints")
    views.roll_back(workspace, "c-three")
    test.button(key="rollback").click().run()
    assert "Another checkpoint is in use by now; nothing was changed." in texts(test)
    assert views.family(workspace).in_use.id == "c-two"


def test_figures_side_by_side_are_of_the_same_pairs_where_there_are_any(
    maker: Any, page: Page
) -> None:
    maker.checkpoint("one", epochs=2)
    maker.checkpoint("two", parent="c-one", epochs=3)
    test = page("checkpoints", compare=["one", "two"])
    (figures,) = [
        frame.value
        for frame in test.dataframe
        if "figure" in frame.value.columns and "one" in frame.value.columns
    ]
    assert list(figures[figures["figure"] == "Reward gap, reward"]["one"]) == [
        "0.200 (0.100 to 0.300)"
    ]
    (settings,) = [
        f.value for f in test.dataframe if "setting" in f.value.columns and "one" in f.value.columns
    ]
    assert list(settings["setting"]) == ["started from", "epochs"]
    assert list(settings["two"]) == ["one", "3"]
    maker.measure("c-one", 0.3)
    maker.measure("c-two", 0.5)
    test = page("checkpoints", compare=["one", "two"])
    assert test.selectbox(key="on").options == ["v1 all", "own held-out pairs"]


def test_an_unknown_checkpoint_in_the_address_is_explained(maker: Any, page: Page) -> None:
    maker.checkpoint("one")
    test = page("checkpoints", checkpoint="gone")
    assert not test.exception
    assert any("'gone'" in text for text in texts(test))


def test_rewards_without_scores_name_the_evaluation_that_makes_them(maker: Any, page: Page) -> None:
    maker.checkpoint("one")
    assert commands(page("rewards")) == ["pairwright evaluate --checkpoint one --dataset v1"]


def test_rewards_show_every_margin_and_the_gap_of_the_scores(
    maker: Any, workspace: Workspace, page: Page
) -> None:
    maker.checkpoint("one")
    maker.measure("c-one", 0.1, 0.3, -0.1, 5.1)
    maker.measure("c-one", 0.2, split="holdout")
    test = page("rewards", checkpoint="one", split="v1 all")
    assert not test.exception
    assert any("gap 1.35 (95% interval 1.25 to 1.45), n 4." in text for text in texts(test))
    choice = next(one for one in rewards.choices(workspace) if one.split == "v1 all")
    view = rewards.measured(workspace, choice)
    assert view is not None
    assert view.gap == pytest.approx(1.35, abs=1e-9)
    assert (view.chosen, view.rejected) == (pytest.approx(1.35), 0.0)
    assert view.rewards.limit == 6.0
    assert [series.role for series in view.rewards.series] == ["chosen", "rejected"]
    assert [line.category for line in view.categories] == ["all", "counting", "spatial"]
    assert view.categories[0].reward == "75.0%"
    # the log-probability difference has its own name, value and axis
    assert view.difference == pytest.approx(2 + 13.5)
    # beside the accuracies stand calibration, flips and how far people agree
    assert [curve.name for curve in view.calibration.curves] == ["accuracy", "as sure as right"]
    said = texts(test)
    assert any("4 that it had right, 0 turned to wrong." in text for text in said)
    assert any("n/a (nobody voted on these pairs)" in text for text in said)


def test_a_checkpoint_that_was_measured_twice_has_both_in_its_choice(
    maker: Any, page: Page
) -> None:
    maker.checkpoint("one")
    maker.measure("c-one", 0.2, split="all")
    maker.measure("tiny", 0.0, split="all")
    maker.measure("c-one", 0.2, split="holdout")
    maker.measure("c-one", 0.4, split="holdout")
    test = page("rewards", checkpoint="one")
    assert test.selectbox(key="checkpoint").options == ["one", "tiny"]
    assert test.selectbox(key="split").options == ["v1 holdout", "v1 all"]
    test.selectbox(key="checkpoint").set_value("tiny").run()
    assert not test.exception
    assert test.selectbox(key="split").options == ["v1 all"]
    assert any(text.startswith("1 pair · beta 0.1 · reference base") for text in texts(test))


def test_diff_shows_where_answers_changed_and_by_which_words(maker: Any, page: Page) -> None:
    maker.checkpoint("one")
    maker.answer("tiny", {"How many?": "I see two stars.", "Which?": "Blue.", "Only tiny?": "x"})
    maker.answer("c-one", {"How many?": "I see three stars.", "Which?": " Blue. "})
    test = page("diff")
    assert not test.exception
    assert [test.selectbox(key=side).value for side in ("left", "right")] == ["tiny", "one"]
    assert list(test.dataframe[0].value["prompt"]) == ["How many?"]
    assert "I see [-two-]{+three+} stars." in texts(test)
    assert "Not compared: 1 prompt that only tiny answered." in texts(test)
    test.selectbox(key="show").set_value("all").run()
    assert sorted(test.dataframe[0].value["prompt"]) == ["How many?", "Which?"]


def test_the_address_of_diff_holds_every_filter(maker: Any, page: Page) -> None:
    for source in ("tiny", "other"):
        maker.answer(source, {"How many?": "Two.", "Which?": source})
        maker.answer(source, {"Is it?": source}, category="negation")
    query = {"left": "other", "right": "tiny", "category": "counting", "show": "all"}
    test = page("diff", **query, drawn="all")
    shown = {key: test.selectbox(key=key).value for key in query}
    assert shown == query
    assert sorted(test.dataframe[0].value["prompt"]) == ["How many?", "Which?"]
    test = page("diff", **query, prompt="gone")
    assert not test.exception
    assert any("have not both answered the prompt 'gone'" in text for text in texts(test))


def test_a_difference_that_may_be_chance_is_said_to_be(
    maker: Any, workspace: Workspace, page: Page
) -> None:
    maker.answer("tiny", {"How many?": "Two.", "Why?": "So."}, temperature=1.0)
    maker.answer("other", {"How many?": "Three."})
    test = page("diff")
    assert test.selectbox(key="drawn").options == ["all"]
    assert any("some of their difference is chance" in text for text in texts(test))
    compared = diff.compare(workspace, *diff.sources(workspace))
    assert (len(compared.asked), compared.greedy) == (1, 0)


def test_checkpoints_without_a_prompt_in_common_have_a_next_step(maker: Any, page: Page) -> None:
    maker.answer("tiny", {"How many?": "Two."})
    maker.answer("other", {"Why?": "So."})
    test = page("diff")
    assert "They have no prompt in common" in [m.value.strip("*") for m in test.markdown]


def test_what_models_wrote_is_never_markdown(maker: Any, page: Page) -> None:
    maker.checkpoint("one")
    maker.answer("tiny", {HOSTILE: HOSTILE}, category=HOSTILE[:60])
    maker.answer("c-one", {HOSTILE: f"{HOSTILE} and more"}, category=HOSTILE[:60])
    test = page("diff")
    assert not test.exception
    rendered = [element.value for element in (*test.markdown, *test.caption, *test.subheader)]
    assert not [value for value in rendered if "evil" in value or "smile" in value]
    assert HOSTILE in texts(test)


def test_a_checkpoint_is_pushed_to_the_hub_from_its_page(
    workspace: Workspace, maker: Any, page: Page
) -> None:
    maker.checkpoint("one")
    test = page("checkpoints", checkpoint="one")
    test.button(key="publish").click().run()
    assert "'' cannot be a repository of the Hub." in texts(test)
    test.text_input(key="repo").set_value("lab/one").run()
    assert "pairwright checkpoint push one --repo lab/one" in commands(test)
    test.button(key="publish").click().run()
    assert not test.exception
    with workspace.ledger.read() as db:
        (job,) = jobs.listed(db, "publish")
    wanted = {"what": "checkpoint", "subject": "c-one", "repo": "lab/one", "private": True}
    assert job.spec["settings"] == wanted
    assert f"The push is queued as job {job.id}." in texts(test)
    with workspace.ledger.write() as tx:
        publications.add(
            tx,
            job_id=job.id,
            kind="checkpoint",
            subject="c-one",
            repo="lab/one",
            revision="0123456789abcdef",
            tag="one",
            url="https://hub.test/lab/one/commit/0123",
            private=True,
        )
    test.run()
    assert any(text.startswith("Published as lab/one (private)") for text in texts(test))
    assert "https://hub.test/lab/one/commit/0123" in [code.value for code in test.code]


def test_two_checkpoints_are_compared_on_the_same_pairs(maker: Any, page: Page) -> None:
    for name, margins in (("one", (0.1, 0.1, -0.1, -0.3)), ("two", (0.1, -0.1, 0.1, 0.1))):
        maker.checkpoint(name)
        maker.measure(f"c-{name}", *margins)
    found = checkpoint_pairs.compare(maker.workspace, "one", "two")
    assert found.on == "v1 all"
    reward = found.accuracies["reward_accuracy"]
    assert (reward.both, reward.first, reward.second, reward.neither) == (1, 1, 2, 0)
    preferred = found.accuracies["preference_accuracy"]
    assert (preferred.both, preferred.second, preferred.p) == (3, 1, 1.0)
    # the reference had every pair right
    assert (found.flips["two"].wrong, found.flips["two"].lost) == (0, 0)
    assert (found.flips["one"].right, found.flips["one"].lost) == (4, 1)
    test = page("checkpoints", compare=["one", "two"])
    assert not test.exception
    tables = [table.value.to_dict("records") for table in test.dataframe]
    (shown,) = [rows for rows in tables if rows and "difference" in rows[0]]
    assert [line["figure"] for line in shown] == ["Preference accuracy", "Reward accuracy"]
    assert shown[1]["difference"].startswith("+25.0 (")


def test_checkpoints_that_share_no_measurement_say_what_to_run(
    maker: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one", "two"):
        maker.checkpoint(name)
    maker.measure("c-one", 0.1, 0.2)
    command = ["checkpoint", "compare", "one", "two", "--home", str(maker.workspace.home)]
    assert main(command) == 1
    assert "pairwright evaluate --checkpoint one" in capsys.readouterr().err
    maker.measure("c-two", 0.1, -0.2)
    assert main([*command, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["reward_accuracy"]["value"] == -0.5
    assert said["reward_accuracy"]["n"] == 2
    assert main(command) == 0
    assert "only C" in capsys.readouterr().out
