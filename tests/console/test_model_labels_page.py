"""Pages that show what models did: judges, A/B tests, prompts made of pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from storage import jobs, models, pairs
from storage.rows import Batch
from storage.workspace import Workspace

Show = Callable[..., AppTest]


@pytest.fixture
def judged(
    workspace: Workspace,
    make_batch: Callable[..., Batch],
    label: Callable[..., None],
    judge_says: Callable[..., None],
) -> list[str]:
    """Three pairs, two of them settled by an expert, all of them judged by a model."""
    with workspace.ledger.write() as tx:
        batch = make_batch(tx, name="first", pair_count=3)
        ids = [view.pair.id for view in pairs.page(tx, pairs.PairFilter(batch="first"), 9)]
        label(tx, batch, "ana", {ids[0]: "a", ids[1]: "b"})
    judge_says({pair: ("a", "a") for pair in ids}, judge="big-model")
    return ids


def test_the_agreement_page_sets_judges_apart_from_annotators(
    page: Show, judged: list[str]
) -> None:
    test = page("agreement", batch="first")
    assert not test.exception
    assert "Models as judges" in [one.value for one in test.subheader]
    (table,) = [one.value for one in test.dataframe if "judge" in one.value]
    assert table["judge"].tolist() == ["big-model"]
    assert table["judged"].tolist() == ["3"]
    others = [one.value for one in test.dataframe if "judge" not in one.value]
    assert not [one for one in others if "big-model" in one.to_string()]


def test_the_build_form_offers_a_judge_and_says_how_many_rows_rest_on_it(
    page: Show, judged: list[str]
) -> None:
    plain = page("datasets", batch="first")
    assert not plain.exception
    assert "big-model@v1" in plain.selectbox(key="with_judge").options
    chosen = page("datasets", batch="first", with_judge="big-model@v1")
    assert not chosen.exception
    said = " ".join(one.value for one in chosen.text)
    assert "1 row labeled by the judge big-model@v1, a model" in said
    assert "--with-judge big-model@v1" in " ".join(one.value for one in chosen.code)


def test_pictures_are_looked_at_and_their_prompts_queued(
    page: Show, workspace: Workspace, tmp_path: Path
) -> None:
    model, folder = tmp_path / "tiny", tmp_path / "shown"
    model.mkdir()
    folder.mkdir()
    (model / "config.json").write_text("{}", encoding="utf-8")
    Image.new("RGB", (8, 8), (255, 0, 0)).save(folder / "red.png")
    (folder / "torn.png").write_bytes(b"\x89PNG")
    with workspace.ledger.write() as tx:
        models.add(tx, "tiny", str(model))
    test = page()
    test.switch_page("screens/imports.py")
    test.run()
    assert not test.exception
    test.text_input(key="prepare-folder").set_value(str(folder))
    test.text_input(key="prepare-batch").set_value("fresh")
    test.text_area(key="prepare-questions").set_value("counting: How many?\nWhat is it?")
    test.button(key="prepare-check").click().run()
    assert "Choose the model that answers." in [one.value for one in test.text]
    test.selectbox(key="prepare-model").set_value("tiny")
    test.button(key="prepare-check").click().run()
    assert not test.exception
    said = " ".join(one.value for one in test.text)
    assert "1 picture and 2 questions: 2 prompts" in said
    assert "1 file cannot be used" in said
    test.button(key="prepare-queue").click().run()
    assert not test.exception
    with workspace.ledger.read() as db:
        (job,) = jobs.listed(db, kind="sample")
    assert (job.spec["batch"], job.spec["prepared"]["prompts"]) == ("fresh", 2)


def test_the_checkpoints_page_says_how_to_make_a_test(page: Show, maker: Any) -> None:
    maker.checkpoint("v1-a")
    test = page("checkpoints")
    assert not test.exception
    assert "A/B tests" in [one.value for one in test.subheader]
    assert any("--from X --from Y" in one.value for one in test.code)
