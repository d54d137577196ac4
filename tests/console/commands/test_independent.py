"""Independent results on the command line: imported, shown beside, and asked for by a gate."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from console.demo import world

Pairwright = Callable[..., Any]


@pytest.fixture
def rounds(maker: Any, pairwright: Pairwright) -> Pairwright:
    """The command line, on a workspace with the checkpoints one and two."""
    maker.checkpoint("one")
    maker.checkpoint("two", parent="c-one")
    return pairwright


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """What lmms-eval writes for two tasks, with the items of one."""
    told = {
        "results": {
            "pope": {
                "alias": "pope",
                "pope_accuracy,none": 0.75,
                "pope_accuracy_stderr,none": "N/A",
                "pope_yes_ratio,none": 0.5,
            },
            "mme": {"mme_score,none": 1400.5, "mme_score_stderr,none": 10.0},
            "group": {" ": " "},
        },
        "n-samples": {"mme": {"original": 2374, "effective": 2374}},
    }
    (tmp_path / "x_results.json").write_text(json.dumps(told))
    lines = [
        {
            "doc_id": at,
            "doc": {"question": f"Is there a {at}?", "category": "random"},
            "target": "yes",
            "filtered_resps": [said],
            "pope_accuracy": {"score": float(said == "yes"), "prediction": said},
        }
        for at, said in enumerate(["yes", "yes", "no", "yes"])
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (tmp_path / "x_samples_pope.jsonl").write_text(text)
    return tmp_path / "x_results.json"


def predictions(path: Path, hits: str) -> Path:
    """A table of VLMEvalKit with a line for each 0 or 1."""
    lines = [f"{at},What is {at}?,A,B,{hit}" for at, hit in enumerate(hits)]
    path.write_text("\n".join(["index,question,answer,prediction,hit", *lines]) + "\n")
    return path


def test_without_a_result_activate_and_push_warn_and_the_gate_refuses(rounds: Pairwright) -> None:
    for words in (("activate", "one"), ("push", "one", "--repo", "org/one")):
        ended = rounds("checkpoint", *words, "--require-independent", "--json")
        assert ended.code == 3
        assert ended.result["independent"] == []
        assert "Nothing independent measured this checkpoint" in ended.err
    listed = rounds("checkpoint", "list", "--json").result["checkpoints"]
    assert not any(one["active"] for one in listed)
    assert rounds("job", "list", "--json").result["jobs"][0]["kind"] == "train"
    ended = rounds("checkpoint", "activate", "one")
    assert (ended.code, "Warning: Nothing independent" in ended.err) == (0, True)
    assert "Warning: Nothing independent" in rounds("checkpoint", "show", "one").out


def test_results_of_lmms_eval_stand_beside_and_open_the_gate(
    rounds: Pairwright, results: Path
) -> None:
    words = ("benchmark", "import", results, "--checkpoint", "one", "--json")
    found = {one["benchmark"]: one for one in rounds(*words).result["results"]}
    assert set(found) == {"pope", "mme"}
    pope, mme = (found[name]["metrics"] for name in ("pope", "mme"))
    assert pope["pope_accuracy"] == {
        **{"value": 0.75, "ci95": None, "n": 4, "labels": "benchmark"},
        "reason": "the file tells no standard error",
    }
    assert pope["items_right"]["ci95"] == pytest.approx([0.3006, 0.9544], abs=1e-3)
    assert mme["mme_score"]["n"] == 2374
    assert mme["mme_score"]["ci95"] == pytest.approx([1380.9, 1420.1])
    # the same file again is the same result
    assert [one["number"] for one in rounds(*words).result["results"]] == [1, 2]
    shown = rounds("checkpoint", "show", "one")
    before, beside = shown.out.split("Independent evaluation")
    assert "pope_accuracy" not in before
    assert "1400.5" in beside
    assert "Warning" not in beside
    assert rounds("checkpoint", "show", "one", "--json").result["independent"][1]["items"]
    ended = rounds("checkpoint", "activate", "one", "--require-independent")
    assert (ended.code, "Warning" in ended.err) == (0, False)


def test_flips_are_compared_and_a_drop_is_a_warning_on_the_checkpoint(
    rounds: Pairwright, tmp_path: Path
) -> None:
    for name, hits in (("one", "1111111100"), ("two", "0000000010")):
        path = predictions(tmp_path / f"{name}_MMBench.csv", hits)
        ended = rounds("benchmark", "import", path, "--checkpoint", name, "--json")
        assert ended.result["results"][0]["benchmark"] == "MMBench"
    (found,) = rounds("benchmark", "compare", "one", "two", "--json").result["benchmarks"]
    assert (found["n"], len(found["fixed"]), len(found["broken"])) == (10, 1, 8)
    assert found["p"] == pytest.approx(20 / 2**9)
    assert found["is_drop"]
    assert "MMBench broken 0: What is 0? -> B" in rounds("benchmark", "compare", "one", "two").out
    ended = rounds("checkpoint", "activate", "two")
    assert ended.code == 0
    assert "MMBench is significantly worse than one, the start of its round" in ended.err
    assert "Warning" not in rounds("checkpoint", "activate", "one").err
    ended = rounds("benchmark", "compare", "one", "one")
    assert ended.code == 0
    listed = rounds("benchmark", "list", "--checkpoint", "two", "--json").result["results"]
    assert [(one["name"], one["items"], one["kind"]) for one in listed] == [("two", 10, "imported")]


def test_tables_of_scores_keep_their_numbers_and_spreadsheets_are_refused(
    rounds: Pairwright, tmp_path: Path
) -> None:
    path = tmp_path / "llava_7b_POPE_score.csv"
    path.write_text("split,Overall,acc\nOverall,85.1,86.0\nrandom,88.2,89\n")
    words = ("benchmark", "import", path, "--checkpoint", "one", "--json")
    (found,) = rounds(*words).result["results"]
    assert found["benchmark"] == "POPE"
    assert found["metrics"]["Overall/random"]["value"] == 88.2
    assert found["metrics"]["acc/Overall"]["reason"] == "the file tells no interval"
    path = tmp_path / "x_AMBER.json"
    path.write_text('{"overall": {"F1": 80.5}, "model": "x"}')
    (found,) = rounds("benchmark", "import", path, "--checkpoint", "one", "--json").result[
        "results"
    ]
    assert found["metrics"]["overall/F1"]["value"] == 80.5
    for name, text, said in (
        ("a.xlsx", "", "a.xlsx is not read: only .json, .csv and .tsv are"),
        ("a.json", "[]", "holds no figures of lmms-eval or VLMEvalKit"),
        ("a.csv", "a,b\nx,y\n", "no numbers under names of figures"),
    ):
        (tmp_path / name).write_text(text)
        ended = rounds("benchmark", "import", tmp_path / name, "--checkpoint", "one")
        assert (ended.code, said in ended.err) == (1, True)


def test_a_run_is_queued_on_what_is_there(rounds: Pairwright, tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg")
    row = {"question_id": 1, "image": "a.jpg", "text": "Is there a dog?", "label": "no"}
    (tmp_path / "coco_pope_random.json").write_text(json.dumps(row))
    where = ("--files", tmp_path, "--pictures", tmp_path)
    words = ("benchmark", "run", "pope", *where, "--checkpoint", world.MODEL)
    job = rounds(*words, "--set", "max_new_tokens=8", "--json").result["job"]
    spec = rounds("job", "show", job, "--json").result["spec"]
    assert (spec["settings"]["max_new_tokens"], spec["then"]["independent"]["benchmark"]) == (
        *(8, "pope"),
    )
    ended = rounds("benchmark", "run", "chair", *where, "--checkpoint", world.MODEL)
    assert (ended.code, "One file like instances*.json is needed" in ended.err) == (1, True)
    ended = rounds("benchmark", "show", "one")
    assert (ended.code, "There is no independent result yet" in ended.err) == (0, True)
