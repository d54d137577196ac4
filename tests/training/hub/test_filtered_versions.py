"""What the public is told of the filters of a dataset version."""

from __future__ import annotations

from storage import dataset_versions, jobs, prompts
from storage.rows import DatasetRow, Part, Turn
from storage.workspace import Workspace
from training.hub import facts


def test_the_card_tells_the_filters_of_a_version_and_nobodys_name(workspace: Workspace) -> None:
    prompt = prompts.build([Turn("user", (Part("text", text="How many?"),))], "counting")
    row = DatasetRow("p", prompt, "Two.", "Three.", "consensus", 2, 0.9, "")
    filters = {"category": "counting", "annotator": "ana"}
    policy = {"labels": "votes", "filters": filters}
    made = {"labels": "consensus", "policy": policy, "excluded": {"outside the filter category": 3}}
    version = dataset_versions.adopt(workspace, [row], **made)
    with workspace.ledger.write() as tx:
        settings = {"what": "dataset", "subject": version.id}
        job = jobs.submit(tx, kind="publish", spec={"settings": settings}, key="k")
        told = facts.collect(tx, job)["dataset"]
    assert told["policy"] == {
        "labels": "votes",
        "filter category": "counting",
        "filter annotator": "one person",
    }
    assert told["excluded"] == {"outside the filter category": 3}
    assert "ana" not in str(told)
