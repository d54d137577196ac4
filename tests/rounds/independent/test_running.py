"""Benchmarks read from files of their own shapes, answered, recorded once, and compared."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rounds import followups
from rounds.independent import comparison, items, running, sources, suite
from rounds.independent.suite import Suite
from storage import (
    checkpoints,
    dataset_versions,
    identity,
    independent_results,
    jobs,
    models,
    segments,
)
from storage.errors import DamagedError, NotFoundError, WrongInputError
from storage.independent_results import IndependentResult
from storage.rows import DatasetRow, Job, JobState, Part, Prompt, Turn
from storage.segments import SegmentKind
from storage.workspace import Workspace
from training.jobs import keeping

Write = Callable[..., Path]
Run = Callable[..., IndependentResult]


@pytest.fixture
def pope(write: Write) -> Suite:
    for part in ("random", "adversarial"):
        rows = [
            {"question_id": at, "image": f"{at}.jpg", "text": "Is there a dog?", "label": truth}
            for at, truth in enumerate(("yes", "no", "yes"))
        ]
        folder = write(f"coco_pope_{part}.json", "".join(json.dumps(row) + "\n" for row in rows))
    return sources.pope(folder)


SAID = {
    "random/0": "Yes.",
    "random/1": "No.",
    "random/2": "No, there is none.",
    "adversarial/0": "Yes",
    "adversarial/1": "Yes",
    "adversarial/2": "Yes",
}


def test_pope_is_asked_greedily_and_recorded_once_with_every_item(
    workspace: Workspace, pope: Suite, pictures: Path, run: Run
) -> None:
    result = run(pope, "tiny", SAID)
    metrics = result.metrics
    assert (result.checkpoint, result.benchmark, result.kind) == ("tiny", "pope", "own")
    assert (metrics["accuracy"]["value"], metrics["accuracy"]["n"]) == (pytest.approx(4 / 6), 6)
    assert metrics["accuracy"]["ci95"] == pytest.approx([0.30, 0.903], abs=0.001)
    assert metrics["accuracy/adversarial"]["value"] == pytest.approx(2 / 3)
    assert set(metrics["files"]) == {"coco_pope_random.json", "coco_pope_adversarial.json"}
    with workspace.ledger.read() as db:
        (job,) = jobs.listed(db)
    settings = job.spec["settings"]
    assert (job.kind, settings["answers"], settings["temperature"]) == ("sample", 1, 0.0)
    asked = [json.loads(x) for x in Path(job.spec["prompts"]).read_text().splitlines()]
    assert asked[0]["messages"][0]["content"] == "<image>Is there a dog?"
    assert job.spec["pictures_root"] == str(pictures)
    assert running.record(workspace, job) == result
    found = {one.item: one for one in items.of_result(workspace, result)}
    assert found["random/2"].right is False
    assert (found["random/2"].said, found["random/2"].note) == ("No, there is none.", "no")


def test_the_loop_records_a_benchmark_after_its_job_and_only_then(
    workspace: Workspace, pope: Suite, pictures: Path, finish: Callable[..., Job], tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text("{}")
    with workspace.ledger.write() as tx:
        models.add(tx, "tiny", str(tmp_path))
    job = running.submit(workspace, pope, checkpoint="tiny", pictures=pictures)
    assert followups.run(workspace) == []
    with pytest.raises(WrongInputError, match="queued and has no answers"):
        running.record(workspace, job)
    done = finish(job, dict(list(SAID.items())[:4]))
    (sentence,) = followups.run(workspace)
    assert sentence == f"pope is measured: result 1 of job {job.id}."
    assert followups.run(workspace) == []
    with workspace.ledger.read() as db:
        (result,) = independent_results.listed(db)
    assert (result.metrics["items"], result.metrics["left_out"]) == (4, {"no answer": 2})
    # nothing of it is among the answers that `checkpoint diff` compares
    assert not keeping.keep(workspace, done)
    with workspace.ledger.read() as db:
        assert segments.listed(db, SegmentKind.GENERATIONS) == []


@pytest.fixture
def line(workspace: Workspace, tiny_model: str) -> list[str]:
    """Checkpoints one, two and three, each trained from the one before; their ids."""
    turns = (Turn("user", (Part("text", "How many?"),)),)
    prompt = Prompt(identity.prompt_id(turns), "counting", turns)
    row = DatasetRow("p1", prompt, "three", "four", "oracle", 0, 1.0, "r1")
    version = dataset_versions.write(
        *(workspace, [row]), labels="oracle", policy={}, excluded={}, holdout=0.0, seed=0
    )
    made: list[str] = []
    for name in ("one", "two", "three"):
        with workspace.ledger.write() as tx:
            job = jobs.submit(tx, kind="train", spec={}, key=name)
            jobs.request_cancel(tx, job.id)
            found = models.get(tx, tiny_model)
            assert found is not None
            added = checkpoints.add(
                tx,
                name=name,
                job_id=job.id,
                parent=made[-1] if made else None,
                model=found.location,
                kind="adapter",
                path=name,
                dataset_version=version.id,
                config={},
                metrics={},
            )
        made.append(added.id)
    return made


def test_the_start_of_a_checkpoint_is_asked_the_same_once_and_no_further_back(
    workspace: Workspace, pope: Suite, pictures: Path, finish: Callable[..., Job], line: list[str]
) -> None:
    settings = {"max_new_tokens": 9}
    job = running.submit(workspace, pope, checkpoint=line[2], pictures=pictures, settings=settings)
    finish(job, SAID)
    told = followups.run(workspace)
    assert [sentence.split(" job ")[0] for sentence in told] == [
        "pope is measured: result 1 of",
        "two answers the same as",
    ]
    assert followups.run(workspace) == []
    with workspace.ledger.read() as db:
        (guard,) = [one for one in jobs.listed(db) if one.state is JobState.QUEUED]
    for name in ("prompts", "settings", "pictures_root"):
        assert guard.spec[name] == job.spec[name]
    assert guard.spec["start"]["checkpoints"] == line[:2]
    finish(guard, {**SAID, "random/2": "Yes"})
    assert len(followups.run(workspace)) == 1
    with workspace.ledger.read() as db:
        assert not [one for one in jobs.listed(db) if one.state is JobState.QUEUED]
        guarded = comparison.guard(workspace, checkpoints.get(db, line[2]))
    assert [(one.paired.n, len(one.broken)) for one in guarded.compared] == [(6, 1)]


def test_what_cannot_be_run_is_counted_and_the_lot_is_the_same_again(
    pope: Suite, write: Write, pictures: Path
) -> None:
    row = {"question_id": 9, "text": "Is it?", "label": "no"}
    folder = write("my_pope_extra.jsonl", [row | {"image": "torn.jpg"}])
    write("other_pope_gone.jsonl", [row | {"image": "gone.jpg"}])
    found = suite.with_pictures(sources.pope(folder), pictures)
    assert len(found.items) == 6
    assert found.left_out == {suite.NO_PICTURE: 1, suite.BROKEN_PICTURE: 1}
    lots = [suite.with_pictures(pope, pictures, 3, seed).items for seed in (1, 1, 2)]
    assert lots[0] == lots[1] != lots[2]
    assert suite.with_pictures(pope, pictures, 3).left_out == {suite.NOT_DRAWN: 3}
    with pytest.raises(WrongInputError, match="6 picture not found"):
        suite.with_pictures(pope, folder)


AMBER = {
    "query_all.json": [
        {"id": 1, "image": "0.jpg", "query": "Describe this image."},
        {"id": 2, "image": "1.jpg", "query": "Is the sky sunny?"},
        {"id": 3, "image": "2.jpg", "query": "Are there two dogs?"},
        {"id": 4, "image": "3.jpg", "query": "Is it?"},
    ],
    "annotations.json": [
        {"id": 1, "type": "generative", "truth": ["lake", "Tree"], "hallu": ["bear"]},
        {"id": 2, "type": "discriminative-attribute-state", "truth": "yes"},
        {"id": 3, "type": "discriminative-attribute-number", "truth": "no"},
    ],
    "relation.json": {"lake": ["water", "river"], "tree": [], "bear": ["animal"]},
    "safe_words.txt": "animal\n",
}


def test_amber_counts_yes_and_no_by_kind_and_objects_in_captions(write: Write, run: Run) -> None:
    for name, content in AMBER.items():
        folder = write(name, content)
    said = {"1": "Rivers, an animal and two bears.", "2": "Yes", "3": "Yes, two."}
    result = run(sources.amber(folder), "tiny", said)
    found = {name: one["value"] for name, one in result.metrics.items() if "value" in str(one)}
    assert found["accuracy"] == 0.5
    assert (found["accuracy/attribute-state"], found["accuracy/attribute-number"]) == (1, 0)
    # animal is safe, river stands for the lake, the bear is invented, the tree was not seen
    assert (found["chair_objects"], found["chair_captions"]) == (pytest.approx(1 / 3, abs=1e-5), 1)
    assert found["cover"] == 0.5
    assert result.metrics["positive"] == "no"
    assert result.metrics["left_out"] == {"no annotation": 1}


def test_chair_takes_what_instances_and_captions_name(
    write: Write, run: Run, workspace: Workspace
) -> None:
    told: dict[str, Any] = {
        "images": [{"id": n, "file_name": f"{n}.jpg"} for n in range(3)],
        "categories": [{"id": 7, "name": "dog"}, {"id": 8, "name": "dining table"}],
        "annotations": [{"image_id": 0, "category_id": 7}, {"image_id": 1, "category_id": 8}],
    }
    write("instances_val.json", told)
    write("synonyms.txt", "dog, puppy\ndining table, table\nperson, man\n")
    folder = write("captions_val.json", {"annotations": [{"image_id": 0, "caption": "A man."}]})
    found = sources.chair(folder)
    assert {one.item: one.truth for one in found.items} == {
        "0.jpg": ("dog", "person"),
        "1.jpg": ("dining table",),
    }
    result = run(found, "tiny", {"0.jpg": "A puppy on a table.", "1.jpg": "A table."})
    assert result.metrics["chair_captions"]["value"] == 0.5
    assert result.metrics["left_out"] == {"no object is annotated": 1}
    notes = {one.item: (one.right, one.note) for one in items.of_result(workspace, result)}
    assert notes == {"0.jpg": (False, "dining table"), "1.jpg": (True, "")}
    write("prompts.jsonl", [{"image": "1.jpg", "text": "What is it?"}])
    assert [one.question for one in sources.chair(folder).items] == ["What is it?"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("pope.json", "[1]", "no list of objects"),
        ("pope.json", '{"question_id": 1}\n', "item 1: 'image' is 'None'"),
        (
            "pope.jsonl",
            [{"question_id": 1, "image": "a", "text": "b", "label": "maybe"}],
            "item 1: 'label' is 'maybe'",
        ),
        (
            "pope.jsonl",
            [{"question_id": 1, "image": "a", "text": "b", "label": "no"}] * 2,
            "1 items are there twice",
        ),
        ("pope.json", "{", "Not valid JSON"),
    ],
)
def test_files_of_another_shape_are_refused_with_the_item(
    write: Write, name: str, content: Any, words: str
) -> None:
    with pytest.raises(WrongInputError, match=words):
        sources.pope(write(name, content))


def test_missing_files_are_named(tmp_path: Path, write: Write) -> None:
    with pytest.raises(NotFoundError, match="No file like coco_pope_random"):
        sources.pope(tmp_path)
    with pytest.raises(NotFoundError, match=r"query_all.json or query\*.json .* none found"):
        sources.amber(tmp_path)
    folder = write("instances_val.json", {"images": []})
    write("synonyms.txt", "dog\n")
    with pytest.raises(WrongInputError, match="not as COCO has them: 'categories'"):
        sources.chair(folder)


def test_a_set_of_ones_own_shows_what_was_fixed_and_broken(
    write: Write, run: Run, workspace: Workspace
) -> None:
    rows = [{"id": f"q{n}", "text": f"What is {n}?", "reference": [str(n)]} for n in range(8)]
    folder = write("arithmetic.jsonl", [*rows, {"text": "Is it?", "label": "yes"}])
    found = sources.questions(folder / "arithmetic.jsonl")
    right = {f"q{n}": str(n) for n in range(8)} | {"line-9": "Yes."}
    result = run(found, "before", right | {"q0": "one"})
    assert (result.benchmark, result.metrics["exact"]["value"]) == ("arithmetic", 7 / 8)
    run(found, "after", {"q0": "0"} | {f"q{n}": "no idea" for n in range(1, 8)} | {"line-9": "Yes"})
    (one,) = comparison.compare(workspace, "before", "after")
    assert ([x.item for x in one.fixed], len(one.broken), one.unshared) == (["q0"], 7, 0)
    assert (one.paired.n, one.paired.p) == (9, pytest.approx(2 * 9 / 2**8))
    assert not one.is_drop
    run(found, "worse", dict.fromkeys(right, "no idea") | {"line-9": "Yes"})
    (one,) = comparison.compare(workspace, "before", "worse")
    assert one.is_drop
    assert one.paired.p == pytest.approx(2 / 2**7)


def test_a_damaged_file_of_items_is_noticed(pope: Suite, run: Run, workspace: Workspace) -> None:
    result = run(pope, "tiny", SAID)
    (workspace.home / result.items).write_text("{}\n")
    with pytest.raises(DamagedError, match="does not match its SHA-256"):
        items.of_result(workspace, result)
