"""The Datasets page: versions with their rows, the build form with its preview, comparison."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from console.views import dataset_build, datasets
from rounds import audit, dataset
from rounds.dataset import BuildSettings
from storage import dataset_versions, pairs
from storage.rows import Batch, DatasetVersion
from storage.workspace import Workspace

Page = Callable[..., AppTest]
Label = Callable[..., None]


def texts(test: AppTest) -> list[str]:
    return [element.value for element in test.text]


def commands(test: AppTest) -> list[str]:
    return [element.value.split(" --home")[0] for element in test.code]


def versions(workspace: Workspace) -> list[str]:
    with workspace.ledger.read() as db:
        return [version.id for version in dataset_versions.listed(db)]


@pytest.fixture
def first(workspace: Workspace, make_batch: Callable[..., Batch], label: Label) -> Batch:
    """Twenty pairs: A wins in twelve, six are ties, two have no vote."""
    with workspace.ledger.write() as tx:
        batch = make_batch(tx, name="first", pair_count=20, overlap=3)
        ids = [view.pair.id for view in pairs.page(tx, pairs.PairFilter(batch="first"), 20)]
        label(tx, batch, "ana", dict(zip(ids, ["a"] * 12 + ["tie"] * 6, strict=False)))
    return batch


@pytest.fixture
def built(workspace: Workspace, first: Batch) -> DatasetVersion:
    return dataset.build(workspace, BuildSettings(batch="first", holdout=0.25))


def test_without_pairs_the_next_step_is_an_import(workspace: Workspace, page: Page) -> None:
    test = page("datasets")
    assert not test.exception
    assert commands(test) == ["pairwright import FILE --batch NAME"]


def test_without_a_version_the_build_form_is_shown_first(first: Batch, page: Page) -> None:
    test = page("datasets")
    assert not test.exception
    assert test.button(key="build").label == "Build"
    assert commands(page("datasets", view="Versions")) == ["pairwright dataset build"]


def test_the_preview_says_what_goes_in_and_what_stays_out_by_category(
    first: Batch, page: Page
) -> None:
    test = page("datasets", view="Build", holdout="0.25")
    words = texts(test)
    assert "12 rows of 20 pairs: 9 to train, 3 held out." in words
    assert "Left out: 6 tie, 2 no votes." in words
    (line,) = test.dataframe[0].value.to_dict("records")
    assert (line["category"], line["pairs"], line["rows"], line["left_out"]) == (
        "counting",
        20,
        12,
        8,
    )
    assert line["reasons"] == "6 tie, 2 no votes"
    assert commands(test) == ["pairwright dataset build --holdout 0.25"]


def test_the_preview_is_what_the_build_makes(
    workspace: Workspace, first: Batch, page: Page
) -> None:
    test = page("datasets", view="Build", holdout="0.25", seed="3", batch="first")
    assert versions(workspace) == []
    test.button(key="build").click().run()
    assert not test.exception
    with workspace.ledger.read() as db:
        (version,) = dataset_versions.listed(db)
    assert (version.rows, version.train, version.holdout) == (12, 9, 3)
    assert version.policy["seed"] == 3
    assert "12 rows labeled by ana: 9 to train, 3 held out." in texts(test)
    assert f"Digest {version.digest}" in texts(test)
    assert "pairwright train --dataset v1 --from MODEL" in commands(test)


def test_building_the_same_twice_makes_one_version(
    workspace: Workspace, first: Batch, page: Page
) -> None:
    test = page("datasets", view="Build")
    test.button(key="build").click().run()
    test.button(key="build").click().run()
    assert versions(workspace) == ["v1"]


def test_choices_that_decide_nothing_offer_no_button(first: Batch, page: Page) -> None:
    test = page("datasets", view="Build", min_votes="5")
    assert "Nothing is decided with these choices, so there is nothing to build." in texts(test)
    assert not [button for button in test.button if button.key == "build"]
    assert "Left out: 18 too few votes, 2 no votes." in texts(test)


def test_a_version_shows_split_exclusions_digest_and_rows(
    built: DatasetVersion, page: Page
) -> None:
    test = page("datasets")
    words = texts(test)
    assert "12 rows labeled by ana: 9 to train, 3 held out." in words
    assert "Left out: 6 tie, 2 no votes." in words
    assert f"Digest {built.digest}. The file has been read and matches it." in words
    assert any(word.startswith("Built with batch first, labels votes") for word in words)
    assert "Rows 1 to 12 of 12" in words
    assert list(test.dataframe[1].value["labels"]) == ["12 ana"]


def test_rows_are_filtered_by_the_address(built: DatasetVersion, page: Page) -> None:
    test = page("datasets", side="holdout")
    assert "Rows 1 to 3 of 3" in texts(test)
    assert set(test.dataframe[2].value["split"]) == {"holdout"}


def test_another_page_forgets_the_row_that_was_looked_at(
    workspace: Workspace, make_batch: Callable[..., Batch], label: Label, page: Page
) -> None:
    with workspace.ledger.write() as tx:
        batch = make_batch(tx, name="many", pair_count=30)
        ids = [view.pair.id for view in pairs.page(tx, pairs.PairFilter(batch="many"), 30)]
        label(tx, batch, "ana", dict.fromkeys(ids, "a"))
    version = dataset.build(workspace, BuildSettings())
    rows = dataset_versions.read_rows(workspace, version)
    test = page("datasets", row=rows[0].pair_id)
    test.pagination(key="page").set_value(2).run()
    assert "Rows 13 to 24 of 30" in texts(test)
    assert any(word.startswith(f"Pair {rows[12].pair_id[:12]}") for word in texts(test))


def test_the_row_of_the_address_is_shown_with_chosen_and_rejected(
    workspace: Workspace, built: DatasetVersion, page: Page
) -> None:
    row = dataset_versions.read_rows(workspace, built)[7]
    words = texts(page("datasets", row=row.pair_id))
    assert any(word.startswith(f"Pair {row.pair_id[:12]}") for word in words)
    assert words.index(row.chosen) < words.index(row.rejected)


def test_a_damaged_file_is_named_and_the_page_goes_on(
    workspace: Workspace, built: DatasetVersion, page: Page
) -> None:
    (workspace.home / built.path).write_bytes(b"torn")
    test = page("datasets")
    assert not test.exception
    assert any("cannot be read" in word for word in texts(test))
    assert list(test.dataframe[0].value["id"]) == ["v1"]


@pytest.mark.parametrize("query", [{"version": "v99"}, {"row": "nothing"}])
def test_an_unknown_name_in_the_address_is_explained(
    query: dict[str, str], built: DatasetVersion, page: Page
) -> None:
    test = page("datasets", **query)
    assert not test.exception
    assert any(next(iter(query.values())) in word for word in texts(test))


def test_one_version_alone_cannot_be_compared(built: DatasetVersion, page: Page) -> None:
    words = texts(page("datasets", view="Compare"))
    assert any("Two versions are needed" in word for word in words)


def test_two_versions_are_compared_with_counts_and_examples(
    workspace: Workspace, first: Batch, built: DatasetVersion, label: Label, page: Page
) -> None:
    rows = dataset_versions.read_rows(workspace, built)
    with workspace.ledger.write() as tx:
        # two against one turns a pair round, and a pair without a vote gets one
        late = [view.pair.id for view in pairs.page(tx, pairs.PairFilter(batch="first"), 20)][-1]
        for who in ("ben", "cleo"):
            label(tx, first, who, {rows[0].pair_id: "b", late: "a"})
    again = dataset.build(workspace, BuildSettings(batch="first", holdout=0.25))
    test = page("datasets", view="Compare", **{"from": built.id, "to": again.id})
    assert not test.exception
    assert any(
        word.startswith("From v1 to v2: 1 added, 0 removed, 1 with chosen and rejected exchanged")
        for word in texts(test)
    )
    assert commands(test) == ["pairwright dataset diff v1 v2"]
    test = page("datasets", view="Compare", change="flipped", **{"from": "v1", "to": "v2"})
    assert test.dataframe[1].value.to_dict("records")[0]["feature"] == "category"
    (example,) = test.dataframe[2].value.to_dict("records")
    assert example["change"] == "confidence 0.75 (ana) to 0.75 (consensus)"
    assert "Before, it was the other way round:" in texts(test)
    assert texts(test).count(rows[0].chosen) == 2


def test_the_command_of_a_preview_names_what_differs_from_the_defaults(
    workspace: Workspace, first: Batch
) -> None:
    settings = BuildSettings(batch="my batch", labels="both", min_votes=2, holdout=0.2, seed=7)
    words = datasets.build_words(vars(settings))
    assert words == [
        *("--batch", "my batch", "--labels", "both", "--min-votes", "2"),
        *("--holdout", "0.2", "--seed", "7"),
    ]
    plan = dataset_build.plan(
        workspace, BuildSettings(), dataset.preview(workspace, BuildSettings())
    )
    assert plan.command.startswith("pairwright dataset build")


def test_a_version_is_checked_before_training_and_stays_checked(
    built: DatasetVersion, page: Page
) -> None:
    test = page("datasets", version=built.id)
    test.button(key="check-version").click().run()
    assert not test.exception
    assert any(word.startswith("9 rows to train on, fewer than 100") for word in texts(test))
    findings = texts(test)
    assert texts(test.run()) == findings


def test_the_audit_set_is_drawn_on_the_page_and_released_with_a_reason(
    workspace: Workspace, first: Batch, page: Page
) -> None:
    test = page("datasets", view="Audit set")
    assert not test.exception
    assert texts(test)[0].startswith("No pair is kept from training yet.")
    test.number_input(key="audit-size").set_value(5).run()
    test.button(key="audit-draw").click().run()
    assert texts(test)[0] == "5 pairs kept from training and mining."
    assert "Draw 1: 5 of 20 pairs are kept from training." in texts(test)
    assert dataset.preview(workspace, BuildSettings()).excluded["kept for the audit set"] == 5
    test.text_input(key="release-reason").set_value("too early").run()
    test.button(key="release").click().run()
    assert texts(test)[0].startswith("No pair is kept from training yet.")


def test_the_form_builds_from_the_audit_set_alone(
    workspace: Workspace, first: Batch, page: Page
) -> None:
    audit.draw(workspace, size=20)
    test = page("datasets", view="Build", audit="true")
    assert not test.exception
    assert commands(test)[0] == "pairwright dataset build --holdout 0.0 --audit"
    test.button(key="build").click().run()
    with workspace.ledger.read() as db:
        (version,) = dataset_versions.listed(db)
    assert (version.policy["audit"], version.rows) == (True, 12)


def test_the_make_up_of_all_versions_is_drawn_when_asked_for(
    workspace: Workspace, built: DatasetVersion, label: Label, first: Batch, page: Page
) -> None:
    with workspace.ledger.write() as tx:
        ids = [view.pair.id for view in pairs.page(tx, pairs.PairFilter(batch="first"), 20)]
        label(tx, first, "ben", dict.fromkeys(ids, "a"))
    dataset.build(workspace, BuildSettings(batch="first", holdout=0.25))
    test = page("datasets", view="Compare")
    assert not test.exception
    assert not test.get("plotly_chart")
    by_feature = {row["feature"]: row["most"] for row in test.dataframe[1].value.to_dict("records")}
    assert by_feature["annotator"] == "ana 100% to 46%, ben 0% to 54%"
    test = page("datasets", view="Compare", across="true", **{"rows-by": "annotator"})
    assert not test.exception
    (chart,) = test.get("plotly_chart")
    assert "ben" in chart.proto.spec
    assert any("Under each version" in text for text in texts(test))
