"""What is put into the queue, and what is refused before it waits there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from storage import jobs
from storage.errors import ConflictError, NotFoundError, WrongInputError
from storage.rows import DatasetVersion, Job, JobState
from storage.workspace import Workspace
from training.jobs import submission
from training.settings.spec import DPOSpec


def _train(opened: Workspace, dataset: str, start: str, **settings: object) -> Job:
    return submission.submit_training(
        opened, dataset=dataset, start_from=start, spec=DPOSpec.model_validate(settings)
    )


def test_a_training_is_queued_with_everything_resolved(
    opened: Workspace, dataset: DatasetVersion, tmp_path: Path
) -> None:
    job = _train(opened, "v1", "tiny")
    assert (job.kind, job.state) == ("train", JobState.QUEUED)
    bare = {"model": str(tmp_path / "tiny"), "checkpoints": []}
    assert job.spec == {
        "settings": DPOSpec().resolved(),
        "start": {"name": "tiny", **bare},
        "reference": {"name": "base", **bare},
        "dataset": "v1",
        "digest": dataset.digest,
    }


def test_the_same_training_twice_is_two_jobs_unless_a_key_says_otherwise(
    opened: Workspace, dataset: DatasetVersion
) -> None:
    assert _train(opened, "v1", "tiny").id != _train(opened, "v1", "tiny").id

    def keyed(key: str, spec: DPOSpec) -> str:
        return submission.submit_training(
            opened, dataset=dataset.id, start_from="tiny", spec=spec, key=key
        ).id

    assert keyed("k", DPOSpec()) == keyed("k", DPOSpec())
    assert keyed("k", DPOSpec()) != keyed("k2", DPOSpec())
    with pytest.raises(ConflictError, match="does something else"):
        keyed("k", DPOSpec(beta=0.2))


def test_a_start_may_be_a_folder_or_a_hub_id(
    opened: Workspace, dataset: DatasetVersion, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "config.json").write_text("{}", encoding="utf-8")
    assert _train(opened, "v1", str(other)).spec["start"]["model"] == str(other)
    assert _train(opened, "v1", "org/some-vlm").spec["start"]["model"] == "org/some-vlm"
    (other / "config.json").unlink()
    with pytest.raises(WrongInputError, match=r"has no config\.json"):
        _train(opened, "v1", str(other))
    (other / "adapter_config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(WrongInputError, match="holds an adapter, not a model"):
        _train(opened, "v1", str(other))


def test_an_unknown_start_lists_what_there_is_nearest_first(
    opened: Workspace, dataset: DatasetVersion, submit: Callable[..., Job], work: Callable[[], int]
) -> None:
    for name in ("careful-3", "shapes-1", "shapes-2"):
        submit(model_name=name)
    work()
    with pytest.raises(NotFoundError) as caught:
        _train(opened, "v1", "shapes-22")
    assert caught.value.what == "There is no model or checkpoint 'shapes-22'."
    assert "Models: tiny. Checkpoints: shapes-2, shapes-1, careful-3." in caught.value.next_step
    with opened.ledger.read() as db:
        assert len(jobs.listed(db)) == 3


def test_an_unknown_dataset_reference_or_split_is_refused(
    opened: Workspace, dataset: DatasetVersion
) -> None:
    with pytest.raises(NotFoundError, match=r"'v9'.*v1"):
        _train(opened, "v9", "tiny")
    with pytest.raises(NotFoundError, match="reference_model is 'c404'"):
        _train(opened, "v1", "tiny", reference_model="c404")
    with pytest.raises(WrongInputError, match="split is 'dev'"):
        submission.submit_evaluation(opened, checkpoint="tiny", dataset="v1", split="dev")
    with opened.ledger.read() as db:
        assert jobs.listed(db) == []


def test_sampling_needs_a_file_of_prompts_a_batch_and_possible_settings(
    opened: Workspace, tmp_path: Path
) -> None:
    prompts = tmp_path / "prompts.jsonl"

    def queue(batch: str = "b", **settings: object) -> Job:
        return submission.submit_sampling(
            opened, start_from="tiny", prompts=prompts, batch=batch, settings=settings
        )

    with pytest.raises(NotFoundError, match=r"There is no file .*prompts\.jsonl"):
        queue()
    prompts.write_text("{}\n", encoding="utf-8")
    with pytest.raises(WrongInputError, match="temperature is -1"):
        queue(temperature=-1)
    with pytest.raises(WrongInputError, match="batch has no name"):
        queue(batch=" ")
    job = queue(temperature=0.5)
    assert job.kind == "sample"
    assert job.spec["prompts"] == str(prompts)
    assert job.spec["settings"]["temperature"] == 0.5


def test_a_checkpoint_is_evaluated_against_what_it_was_trained_against(
    opened: Workspace, dataset: DatasetVersion, submit: Callable[..., Job], work: Callable[[], int]
) -> None:
    submit(model_name="first")
    work()
    submit(start_from="first", model_name="second")
    with opened.ledger.write() as tx:
        newest = jobs.listed(tx)[0]
        settings = {**newest.spec["settings"], "reference_model": "round_start"}
        changed = {**newest.spec, "settings": settings}
        jobs.request_cancel(tx, newest.id)
        jobs.submit(tx, kind="train", spec=changed, key="with round_start")
    work()

    def evaluated(name: str) -> Job:
        return submission.submit_evaluation(opened, checkpoint=name, dataset="v1")

    first, second = evaluated("first").spec, evaluated("second").spec
    assert first["reference"]["checkpoints"] == []
    assert len(second["start"]["checkpoints"]) == 2
    assert second["reference"]["checkpoints"] == first["start"]["checkpoints"]
    assert second["reference"]["name"] == "round_start"
    assert evaluated("tiny").spec["settings"] == DPOSpec().resolved()
