"""The Runs page: live curves, figures, log, and a Stop that asks twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streamlit.testing.v1 import AppTest

from storage import jobs, publications
from storage.rows import JobState
from storage.workspace import Workspace

Page = Callable[..., AppTest]


def texts(test: AppTest) -> list[str]:
    return [element.value for element in test.text]


def charts(test: AppTest) -> list[Any]:
    return list(test.get("plotly_chart"))


def state_of(workspace: Workspace, job_id: str) -> JobState:
    with workspace.ledger.read() as db:
        return jobs.get(db, job_id).state


def test_a_run_without_a_value_says_so_in_every_panel(run_jobs: Any, page: Page) -> None:
    run_jobs.start()
    test = page("runs")
    assert not test.exception
    assert texts(test).count("No value has been reported yet.") == 9
    assert not charts(test)


def test_a_single_point_and_a_missing_number_are_drawn(run_jobs: Any, page: Page) -> None:
    job = run_jobs.start()
    run_jobs.report(job, 1, loss=0.69)
    run_jobs.report(job, 2, loss=None)
    run_jobs.report(
        job, 2, "holdout", reward_accuracy={"value": None, "n": 0, "reason": "no pairs"}
    )
    test = page("runs")
    assert not test.exception
    assert len(charts(test)) == 1
    assert "1 point of training is not a number." in texts(test)
    figures = test.dataframe[1].value
    assert list(figures["value"]) == ["n/a (no pairs)"]


def test_the_run_of_the_address_is_shown_not_the_newest(run_jobs: Any, page: Page) -> None:
    old = run_jobs.start(task_name="the old one")
    run_jobs.end(old)
    new = run_jobs.start(task_name="the new one")
    assert any("the new one" in text for text in texts(page("runs")))
    test = page("runs", run=old.id)
    assert "Training the old one" in texts(test)
    assert list(test.dataframe[0].value["id"]) == [new.id, old.id]
    assert test.query_params["run"] == old.id


def test_a_refresh_keeps_the_selected_run_while_new_ones_arrive(run_jobs: Any, page: Page) -> None:
    old = run_jobs.start(task_name="the old one")
    run_jobs.start(task_name="another")
    test = page("runs", run=old.id)
    for number in range(3):
        run_jobs.queue(task_name=f"arrival {number}")
        run_jobs.report(old, number + 1, loss=0.5)
        test.run()
        assert "Training the old one" in texts(test)
        assert test.query_params["run"] == old.id


def test_an_unknown_run_in_the_address_is_explained(run_jobs: Any, page: Page) -> None:
    run_jobs.queue()
    test = page("runs", run="nothing")
    assert not test.exception
    assert any("nothing" in text for text in texts(test))


def test_stop_asks_twice(run_jobs: Any, page: Page, workspace: Workspace) -> None:
    job = run_jobs.start()
    test = page("runs")
    test.button(key="stop").click().run()
    assert state_of(workspace, job.id) is JobState.RUNNING
    test.button(key="confirm").click().run()
    assert not test.exception
    assert state_of(workspace, job.id) is JobState.CANCELLING
    assert not [button for button in test.button if button.key == "stop"]


def test_stop_can_be_taken_back(run_jobs: Any, page: Page, workspace: Workspace) -> None:
    job = run_jobs.start()
    test = page("runs")
    test.button(key="stop").click().run()
    test.button(key="keep").click().run()
    assert test.button(key="stop")
    assert state_of(workspace, job.id) is JobState.RUNNING


def test_a_failed_run_shows_its_reason_and_how_to_start_again(run_jobs: Any, page: Page) -> None:
    job = run_jobs.start()
    run_jobs.end(job, JobState.FAILED, error="The device ran out of memory. Lower batch_size.")
    test = page("runs")
    assert "The device ran out of memory. Lower batch_size." in texts(test)
    assert any("pairwright train --dataset v1 --from tiny" in code.value for code in test.code)
    assert not [button for button in test.button if button.key == "stop"]


def test_log_settings_notes_and_attempts_are_shown(
    run_jobs: Any, page: Page, workspace: Workspace
) -> None:
    job = run_jobs.start(beta=0.3)
    run_jobs.say(job, "note", {"text": "2 pairs are too long and were left out."})
    folder = workspace.jobs_folder / job.id
    folder.mkdir(parents=True)
    (folder / "log.txt").write_text("line one\nline two\n", encoding="utf-8")
    test = page("runs")
    assert "2 pairs are too long and were left out." in texts(test)
    assert any(code.value == "line one\nline two" for code in test.code)
    settings = test.dataframe[1].value
    assert dict(zip(settings["setting"], settings["value"], strict=True))["beta"] == "0.3"
    attempts = test.dataframe[2].value
    assert list(attempts["outcome"]) == ["under way"]


def test_the_losses_of_the_run_are_put_into_words_beside_the_guide(
    run_jobs: Any, page: Page
) -> None:
    job = run_jobs.start()
    for step in range(1, 25):
        run_jobs.report(job, step, loss=0.7 - 0.01 * step)
    for step, loss in ((0, 0.69), (8, 0.6), (16, 0.65), (24, 0.7)):
        run_jobs.report(job, step, "holdout", validation_loss={"value": loss, "n": 9})
    words = texts(page("runs"))
    assert any(word.startswith("So far: training loss falls while validation") for word in words)
    assert "Over-fitting: stop, or train fewer epochs." in words
    run_jobs.end(job)
    assert any("the model is over-fitting" in word for word in texts(page("runs")))


def test_what_was_published_is_shown_with_revision_and_link(
    run_jobs: Any, page: Page, workspace: Workspace
) -> None:
    job = run_jobs.start()
    with workspace.ledger.write() as tx:
        publications.add(
            tx,
            job_id=job.id,
            kind="checkpoint",
            subject="c1",
            repo="org/aligned",
            revision="0123456789abcdef",
            tag="v1-c1",
            url="https://hub.test/org/aligned/commit/0123456789abcdef",
            private=True,
        )
    test = page("runs", run=job.id)
    assert any(
        word.startswith("Published as org/aligned (private), revision 0123456789ab, tag v1-c1")
        for word in texts(test)
    )
    links = [code.value for code in test.code]
    assert "https://hub.test/org/aligned/commit/0123456789abcdef" in links
