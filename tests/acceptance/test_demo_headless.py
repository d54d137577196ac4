"""The whole loop as one command, small: every number of the report comes from the run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from console.main import main
from storage import batches, checkpoints, jobs, pairs, votes, workspace
from storage.pairs import PairFilter
from storage.rows import JobState

SMALL = ("--prompts", "90", "--audit", "120", "--exact", "27")
FIGURES = {"preference_accuracy", "reward_accuracy", "reward_gap", "kl_per_token"}
CATEGORIES = 9


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_headless_demo_goes_once_round_the_loop(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    assert main(["demo", "--headless", "--json", "--home", str(home), *SMALL]) == 0
    [result] = json.loads(capsys.readouterr().out)["rounds"]

    assert result["round"] == 1
    assert 0 < result["pairs"] <= 90
    assert result["votes"] == result["pairs"]
    assert all(sum(expert["votes"].values()) > 0 for expert in result["experts"])
    assert result["rows"] + sum(result["excluded"].values()) == result["pairs"]
    for moment in ("before", "after"):
        assert set(result[moment]) >= FIGURES
        for figure in result[moment].values():
            assert set(figure) >= {"value", "ci95", "n", "labels"}
            assert figure["labels"] == "oracle"
    # before the first step the policy is the reference: every margin is zero, a tie counts half
    assert result["before"]["reward_accuracy"]["value"] == 0.5
    assert result["before"]["kl_per_token"]["value"] == 0
    assert result["after"]["kl_per_token"]["value"] >= 0
    before = result["before"]["preference_accuracy"]
    assert before["value"] == result["after"]["reference_preference_accuracy"]["value"]
    assert before["n"] == result["after"]["preference_accuracy"]["n"]
    overall = result["exact"].pop("overall")
    assert overall["n"] == 27
    assert len(result["exact"]) == CATEGORIES
    assert {"sampling", "labeling", "training", "total"} <= set(result["seconds"])
    _check_what_is_left(home, result["checkpoint"], result["votes"])


def _check_what_is_left(home: Path, checkpoint: str, cast: int) -> None:
    """The workspace holds what the report says, and the audit set was never trained on."""
    opened = workspace.open_existing(home)
    try:
        with opened.ledger.read() as db:
            kept = checkpoints.get(db, checkpoint)
            assert kept.name == "round-1"
            assert kept.metrics["steps"] > 0
            # after so few noisy rows the start itself may measure best, and is published then; the
            # rate of the first step may still be 0
            moved = kept.metrics["kl_per_token"]["value"] > 0
            assert kept.metrics["step"] > 1 if moved else kept.metrics["step"] in (0, 1)
            assert {job.state for job in jobs.listed(db)} == {JobState.SUCCEEDED}
            assert len(votes.effective(db, batch_id=batches.get(db, "round-1").id)) == cast
            asked = {
                name: {view.prompt.id for view in pairs.page(db, PairFilter(batch=name), 10_000)}
                for name in ("round-1", "audit")
            }
        assert not asked["round-1"] & asked["audit"]
    finally:
        opened.close()
