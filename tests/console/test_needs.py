"""What the Overview asks for in each situation, and with which command."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from console.views import needs
from console.views.needs import Need, Situation
from labeling.standings import Standing
from storage.round_log import RoundEvent, RoundEventKind
from storage.rows import Batch, Checkpoint, DatasetVersion, Job, JobState, Link

HOUR = 3600 * 1_000_000
NOW = 1_800_000_000_000_000


def standing(name: str = "photos", **counts: int) -> Standing:
    batch = Batch(f"id-{name}", name, 1, "", "", False, NOW)
    pairs = counts.setdefault("pairs", 10)
    known = {"votes": 0, "settled": 0, "ties": 0, "disputes": 0, "imported": 0} | counts
    left = known["settled"] + known["ties"] + known["disputes"]
    return Standing(
        batch=batch, wanted=pairs, counted=known["votes"], waiting=pairs - left, **known
    )


def link(expires_in_hours: float, revoked: bool = False, prepared: bool = False) -> Link:
    expires = NOW + int(expires_in_hours * HOUR)
    hashed = "" if prepared else "hash"
    return Link("l", "id-photos", "ana", hashed, NOW, expires, NOW if revoked else None, None)


def job(state: JobState, kind: str = "train", job_id: str = "j1", **more: Any) -> Job:
    known: dict[str, Any] = {
        "spec": {"dataset": "v1"},
        "error": "",
        "lease_owner": None,
        "lease_until": None,
        "progress": {},
        "result": None,
        "started_at": None,
        "finished_at": None,
    }
    return Job(
        id=job_id,
        kind=kind,
        state=state,
        key=job_id,
        fence=0,
        attempt=0,
        max_attempts=3,
        created_at=NOW,
        **(known | more),
    )


def version(batch: str | None = "photos") -> DatasetVersion:
    return DatasetVersion("v1", "d", "consensus", {"batch": batch}, 9, 8, 1, {}, "p", NOW)


def of(
    *,
    home: Path = Path("/somewhere"),
    standings: Sequence[Standing] = (),
    links: Sequence[Link] = (),
    jobs: Sequence[Job] = (),
    workers: int = 1,
    datasets: Sequence[DatasetVersion] = (),
    checkpoints: Sequence[Checkpoint] = (),
    models: Sequence[str] = (),
    told: Sequence[RoundEvent] = (),
) -> list[Need]:
    return needs.of(
        Situation(home, NOW, standings, links, jobs, workers, datasets, checkpoints, models, told)
    )


def test_an_empty_workspace_needs_an_import() -> None:
    (need,) = of()
    assert need.command == "pairwright import FILE --batch NAME --home /somewhere"


def test_a_batch_without_votes_and_without_a_link_needs_a_link() -> None:
    (need,) = of(standings=[standing()])
    assert need.level == needs.WAITING
    assert need.text == "Batch photos: 10 of 10 pairs lack votes, and nobody has an active link."
    assert "link create --batch photos --annotator NAME" in need.command


@pytest.mark.parametrize("gone", [link(-1), link(100, revoked=True)])
def test_an_expired_or_revoked_link_is_no_link(gone: Link) -> None:
    (need,) = of(standings=[standing()], links=[gone])
    assert "nobody has an active link" in need.text


def test_prepared_links_wait_for_a_lead_who_shows_their_addresses() -> None:
    (need,) = of(standings=[standing()], links=[link(100, prepared=True), link(-1)])
    assert need.text.endswith("10 of 10 pairs lack votes, and 1 prepared link waits for a lead.")
    assert "link reveal --batch photos" in need.command


def test_a_link_that_ends_soon_is_worth_a_word() -> None:
    (need,) = of(standings=[standing()], links=[link(5)])
    assert "the last link ends in 5 hours" in need.text


def test_annotators_at_work_need_nothing() -> None:
    (need,) = of(standings=[standing()], links=[link(5), link(100)])
    assert need.text.startswith("Nothing needs you now.")


def test_disputes_and_ties_lead_to_the_pairs_of_the_batch() -> None:
    found = of(standings=[standing(settled=7, disputes=1, ties=2)], datasets=[version()])
    need = next(need for need in found if need.page == "pairs")
    assert need.text.startswith("Batch photos: 1 dispute and 2 ties among 10 pairs")
    assert need.query == {"batch": "photos"}


def test_a_labeled_batch_can_become_a_dataset_version() -> None:
    (need,) = of(standings=[standing(votes=10, settled=10)])
    assert (need.level, need.command) == (
        needs.NEXT,
        "pairwright dataset build --batch photos --home /somewhere",
    )
    assert (need.page, need.query) == ("datasets", {"view": "Build", "batch": "photos"})


def test_imported_labels_can_become_a_dataset_version_without_labeling() -> None:
    found = of(standings=[standing(imported=10)], links=[link(100)])
    assert [need.command for need in found] == [
        "pairwright dataset build --batch photos --labels imported --home /somewhere"
    ]


@pytest.mark.parametrize("batch", ["photos", None])
def test_a_batch_in_a_dataset_version_is_not_asked_for_again(batch: str | None) -> None:
    found = of(
        standings=[standing(votes=10, settled=10)],
        datasets=[version(batch)],
        jobs=[job(JobState.SUCCEEDED)],
    )
    assert found[0].text.startswith("Nothing needs you now.")


def test_a_dataset_version_without_training_names_the_model_to_start_from() -> None:
    done = standing(votes=10, settled=10)
    (need,) = of(standings=[done], datasets=[version()], models=["tiny"])
    assert need.command == "pairwright train --dataset v1 --from tiny --home /somewhere"
    assert (need.page, need.query) == ("train", {"dataset": "v1"})


def test_jobs_without_a_worker_come_first() -> None:
    found = of(standings=[standing()], jobs=[job(JobState.QUEUED)], workers=0)
    assert (found[0].level, found[0].text) == (
        needs.BLOCKED,
        "1 job cannot go on: no worker is running.",
    )


def test_a_failed_job_is_named_with_its_reason_until_a_later_one_of_its_kind() -> None:
    failed = job(JobState.FAILED, error="Out of memory.\nLower batch_size.")
    (need,) = of(standings=[standing(settled=10)], jobs=[failed], datasets=[version()])
    assert need.text == "Training j1 failed: Out of memory. Lower batch_size."
    assert need.query == {"run": "j1"}
    later = [job(JobState.SUCCEEDED, job_id="j2"), failed]
    found = of(standings=[standing(settled=10)], jobs=later, datasets=[version()])
    assert not [need for need in found if need.level == needs.BLOCKED]


def test_with_nothing_to_do_the_job_under_way_is_named() -> None:
    found = of(standings=[standing(settled=10)], datasets=[version()], jobs=[job(JobState.RUNNING)])
    assert [(need.text, need.page) for need in found] == [
        ("Nothing needs you now. 1 job under way.", "runs")
    ]


def test_an_alert_of_the_loop_and_a_missed_target_wait_for_a_lead() -> None:
    alert = RoundEvent(1, 1, RoundEventKind.ALERT, "x", {"advice": "Stop here."}, "c", 0)
    missed = {"category": "counting", "target": 0.8, "unlabeled": 0}
    proposed = RoundEvent(2, 1, RoundEventKind.PROPOSED, "y", missed, "t", 0)
    found = of(told=[alert, proposed])
    assert [need.text for need in found[:2]] == [
        "Stop here.",
        "Category counting misses its target of 80%, and no batch was made for it: "
        "0 unlabeled pairs of it.",
    ]
    assert {need.level for need in found[:2]} == {needs.WAITING}
