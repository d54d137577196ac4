"""The Train page: a form with explanations, warnings while typing, and exactly one run a click."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from streamlit.testing.v1 import AppTest

from console.views import models as model_views
from console.views import train
from rounds import audit, dataset
from rounds.dataset import BuildSettings
from storage import batches, jobs, labels, models, pairs
from storage.errors import PairwrightError
from storage.rows import Batch, ImportedLabel, Job, Pair
from storage.workspace import Workspace
from training.runs.memory import GIB, Machine
from training.runs.plan import Batches, Lengths, Memory, Offer, Plan, Work
from training.settings import SETTINGS
from training.settings.spec import DPOSpec, build_spec

Page = Callable[..., AppTest]


def texts(test: AppTest) -> list[str]:
    return [element.value for element in test.text]


def command(test: AppTest) -> str:
    """The line that starts the same run."""
    (line,) = [c.value for c in test.code if c.value.startswith("pairwright train")]
    return line.split(" --home")[0]


def queued(workspace: Workspace) -> list[Job]:
    with workspace.ledger.read() as db:
        return jobs.listed(db)


@pytest.fixture
def model_folder(tmp_path: Path) -> Path:
    """One layer of a million weights."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    config = {"model_type": "llava", "vision_config": {}}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    layer = {"language_model.layers.0.up_proj.weight": np.zeros((1000, 1000), np.float32)}
    save_file(layer, folder / "model.safetensors")
    return folder


@pytest.fixture
def decided(
    workspace: Workspace, make_batch: Callable[..., Batch], label: Callable[..., None]
) -> Workspace:
    """A dataset version of 40 rows, and no model."""
    with workspace.ledger.write() as tx:
        batch = make_batch(tx, name="first", pair_count=40)
        ids = [view.pair.id for view in pairs.page(tx, pairs.PairFilter(batch="first"), 40)]
        label(tx, batch, "ana", dict.fromkeys(ids, "a"))
    dataset.build(workspace, BuildSettings(batch="first"))
    return workspace


@pytest.fixture
def ready(decided: Workspace, model_folder: Path) -> Workspace:
    """A dataset version of 40 rows and a model called tiny-Instruct."""
    with decided.ledger.write() as tx:
        models.add(tx, "tiny-Instruct", str(model_folder))
    return decided


def test_without_a_dataset_the_next_step_is_to_build_one(workspace: Workspace, page: Page) -> None:
    test = page("train")
    assert not test.exception
    assert [c.value.split(" --home")[0] for c in test.code] == ["pairwright dataset build"]


def test_without_a_model_the_page_says_how_to_name_one(decided: Workspace, page: Page) -> None:
    test = page("train")
    assert not test.exception
    assert [c.value.split(" --home")[0] for c in test.code] == ["pairwright model add NAME DIR"]
    assert not [button for button in test.button if button.key == "start"]


def test_the_audit_set_is_not_offered_to_train_on(
    ready: Workspace, make_pair: Callable[..., Pair], page: Page
) -> None:
    with ready.ledger.write() as tx:
        batch = batches.create(tx, "later")
        pair = make_pair(tx, "What else?")
        batches.add_pair(tx, batch.id, pair.id)
        label = ImportedLabel(pair.id, "a", "oracle", batch.id, "f.jsonl", 1, "r1")
        labels.add(tx, label)
    audit.draw(ready, size=1, batch="later")
    made = dataset.build(ready, BuildSettings(batch="later", labels="imported", audit=True))
    assert made.id == "v2"
    assert list(train.offers(ready).datasets) == ["v1"]
    assert not page("train").exception


def test_a_folder_can_be_typed_in_place_of_a_name(
    decided: Workspace, model_folder: Path, page: Page
) -> None:
    folder = model_folder.rename(model_folder.with_name("other-Instruct"))
    test = page("train", **{"from": str(folder)})
    assert "LLaVA, sees pictures, 1 M parameters, 3.8 MiB as float32." in texts(test)
    test.button(key="start").click().run()
    (job,) = queued(decided)
    assert job.spec["start"]["model"] == str(folder)


def test_every_setting_has_a_field_with_its_explanation(ready: Workspace, page: Page) -> None:
    test = page("train")
    assert not test.exception
    widgets = [*test.number_input, *test.text_input, *test.selectbox]
    helps = {widget.key: widget.help for widget in widgets}
    assert set(SETTINGS) <= set(helps)
    for key, setting in SETTINGS.items():
        assert setting.meaning.split(". ")[0] in helps[key]
        assert setting.more in helps[key]


def test_the_first_fields_are_those_that_matter_most(ready: Workspace, page: Page) -> None:
    test = page("train")
    first = [w.key for w in test.main if w.type in ("number_input", "text_input")]
    assert first[:5] == ["epochs", "batch_size", "learning_rate", "lora_rank", "beta"]


def test_only_what_differs_stands_in_the_command(ready: Workspace, page: Page) -> None:
    assert command(page("train")) == "pairwright train --dataset v1 --from tiny-Instruct"
    test = page("train", beta="0.3", learning_rate="2e-5", early_stop="false", max_pixels="50176")
    assert command(test) == (
        "pairwright train --dataset v1 --from tiny-Instruct --set learning_rate=2e-5 "
        "--set beta=0.3 --set early_stop=false --set max_pixels=50176"
    )


def test_the_command_means_the_very_settings_of_the_form(ready: Workspace, page: Page) -> None:
    test = page("train", method="full", epochs="3", warmup_ratio="0.1", target_modules="q_proj")
    words = shlex.split(command(test))
    changes = [words[at + 1] for at, word in enumerate(words) if word == "--set"]
    test.button(key="start").click().run()
    (job,) = queued(ready)
    assert job.spec["settings"] == build_spec(None, changes).resolved()
    assert job.spec["settings"]["learning_rate"] == 5e-7


def test_dpo_from_a_model_without_sft_waits_for_a_tick(
    decided: Workspace, page: Page, model_folder: Path
) -> None:
    with decided.ledger.write() as tx:
        models.add(tx, "plain", str(model_folder))
    test = page("train")
    assert any("no SFT in its lineage" in text for text in texts(test))
    assert command(test).endswith("--yes-no-sft")
    assert test.button(key="start").disabled
    test.checkbox(key="without-sft").check().run()
    test.button(key="start").click().run()
    assert len(queued(decided)) == 1
    # the stage before it asks nothing
    test = page("train", stage="sft")
    assert not test.button(key="start").disabled
    assert not test.checkbox


def test_unusual_values_warn_at_once(ready: Workspace, page: Page) -> None:
    test = page("train", beta="3", learning_rate="5e-7")
    words = texts(test)
    assert any(word.startswith("beta is 3.0; usual is 0.05 to 0.5.") for word in words)
    assert any("The model hardly learns at this rate." in word for word in words)
    assert test.button(key="start")


def test_an_impossible_value_is_named_and_cannot_be_started(ready: Workspace, page: Page) -> None:
    test = page("train", learning_rate="fast")
    assert not test.exception
    assert "learning_rate is 'fast'; possible is 1e-10 to 0.1, or auto." in texts(test)
    assert not [button for button in test.button if button.key == "start"]


def test_a_start_that_is_not_there_is_named(ready: Workspace) -> None:
    with pytest.raises(PairwrightError, match="no model or checkpoint 'nothing'"):
        train.plan(ready, "v1", "nothing", [])


def test_the_plan_counts_pairs_and_updates(ready: Workspace, page: Page) -> None:
    words = texts(page("train", epochs="2"))
    assert "36 training pairs, 4 held out." in words
    assert any(
        word.startswith("9 updates an epoch of up to 4 pairs each, 18 in all") for word in words
    )


def test_a_version_without_holdout_warns_that_nothing_is_measured(ready: Workspace) -> None:
    version = dataset.build(ready, BuildSettings(batch="first", holdout=0.0))
    plan = train.plan(ready, version.id, "tiny-Instruct", [])
    assert any("Nothing is held out" in warning for warning in plan.warnings)


def test_the_start_is_described_with_what_its_name_tells_and_its_memory(
    ready: Workspace, page: Page
) -> None:
    words = texts(page("train"))
    assert "LLaVA, sees pictures, 1 M parameters, 3.8 MiB as float32." in words
    assert any(word.startswith("Instruct: follows instructions") for word in words)
    assert any(word.startswith("Training needs about ") for word in words)


def test_a_model_that_is_not_downloaded_claims_nothing(ready: Workspace) -> None:
    plan = train.plan(ready, "v1", "no-such/model-of-ours", [])
    assert "not downloaded" in plan.facts.what
    assert plan.facts.fits == "unknown"


def test_a_measured_plan_is_shown_until_a_choice_changes_and_its_batch_can_be_taken(
    ready: Workspace, page: Page
) -> None:
    wanted = train.plan(ready, "v1", "tiny-Instruct", [])
    measured = Plan(
        train=36,
        holdout=4,
        lengths=Lengths(median=900, p95=1100, longest=1300, pictures=1024),
        batches=Batches(batch_size=4, accumulation=4, together=16, largest=8),
        epoch_steps=3,
        steps=15,
        evaluations=16,
        memory=Memory("H100", has=80 * GIB, needs=30 * GIB, per_pair=4 * GIB),
        work=Work(trained=1, forward=1),
        offers=(Offer("A100 80 GB", 2.5, 2.0, 5.0, "assumed", "fits"),),
        vision_cache=3 * GIB,
        notes=("Prompt and pictures of a pair are computed once, for both answers.",),
    )
    test = page("train")
    test.session_state["measured"] = (wanted.command, measured)
    test.run()
    words = " ".join(texts(test))
    assert "900 tokens (median), 1,100 (95%), 1,300 (longest), up to 1,024 of them" in words
    assert "needs 30.0 GiB of 80.0 GiB (H100). One more pair in it takes 4.0 GiB." in words
    assert "vision_cache would take 3.0 GiB on disk." in words
    (table,) = [one.value for one in test.dataframe if "A100 80 GB" in str(one.value)]
    assert "2 h 30 min" in str(table)
    test.button(key="use-batch").click().run()
    assert "--set batch_size=8 --set gradient_accumulation_steps=2" in command(test)
    assert "1,300 (longest)" not in " ".join(texts(test))


def test_one_click_starts_one_run_and_links_to_it(ready: Workspace, page: Page) -> None:
    test = page("train")
    test.button(key="start").click().run()
    assert not test.exception
    (job,) = queued(ready)
    assert f"These choices have been started as job {job.id}." in texts(test)
    assert not [button for button in test.button if button.key == "start"]
    links = [link.proto.query_string for link in test.get("page_link")]
    assert any(job.id in link for link in links)


def test_both_clicks_of_a_double_click_make_one_job(ready: Workspace) -> None:
    plan = train.plan(ready, "v1", "tiny-Instruct", [])
    assert train.submit(ready, plan, "one form") == train.submit(ready, plan, "one form")
    assert len(queued(ready)) == 1


def test_the_same_run_is_started_again_only_when_asked_for(ready: Workspace, page: Page) -> None:
    test = page("train")
    test.button(key="start").click().run()
    test.button(key="again").click().run()
    assert len(queued(ready)) == 1
    test.button(key="start").click().run()
    assert len(queued(ready)) == 2


def test_other_choices_can_be_started_after_a_run(ready: Workspace, page: Page) -> None:
    test = page("train")
    test.button(key="start").click().run()
    test.number_input(key="beta").set_value(0.2).run()
    test.button(key="start").click().run()
    assert {job.spec["settings"]["beta"] for job in queued(ready)} == {0.1, 0.2}


def test_without_a_worker_the_page_says_that_the_run_will_wait(
    ready: Workspace, page: Page
) -> None:
    test = page("train")
    assert "No worker is running: a run waits until there is one." in texts(test)


def test_no_setting_is_lost_between_form_and_spec() -> None:
    shown = {*train.FIRST, *train.NAMES, train.METHOD}
    advanced = {field.key for group in train.advanced().values() for field in group}
    assert shown | advanced == set(DPOSpec().flat())
    assert not shown & advanced


def test_untouched_fields_are_no_changes() -> None:
    assert train.words({key: field.default for key, field in train.fields().items()}) == []


@pytest.mark.parametrize(
    ("memory", "verdict"), [(80 * GIB, "fits"), (2**20, "too large"), (None, "unknown")]
)
def test_the_list_of_models_says_whether_a_training_fits(
    ready: Workspace, memory: int | None, verdict: str
) -> None:
    with ready.ledger.read() as db:
        (model,) = models.listed(db)
    line = model_views.line(model.name, model.location, Machine("gpu", True, memory))
    assert line.lora.endswith(f", {verdict}")
    assert line.parameters == "1 M"
