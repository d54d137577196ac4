"""In an A/B test nothing tells an annotator which of the two models gave an answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from storage import batches, samples
from storage.rows import Source

FIRST, SECOND = "CANARY-CHECKPOINT-1", "CANARY-CHECKPOINT-2"
PAIRS = 24


def test_neither_a_byte_nor_a_side_says_who_gave_an_answer(
    served: Any, open_link: Any, tmp_path: Path
) -> None:
    lines = []
    for number in range(PAIRS):
        content = [{"type": "text", "text": f"A/B question {number}?"}]
        prompt = {"category": "CANARY", "messages": [{"role": "user", "content": content}]}
        answers = [f"first says {number}", f"other says {number}"]
        told = {"sampling": {"seed": "CANARY"}, "by": [FIRST, SECOND], "id": "CANARY"}
        lines.append(json.dumps({"prompt": prompt, "answers": answers, **told}) + "\n")
    path = tmp_path / "samples.jsonl"
    path.write_text("".join(lines), encoding="utf-8")
    source = Source("checkpoint", FIRST)
    report = samples.add_samples(served.workspace, path, batch="blind", source=source)
    assert report.added == PAIRS
    with served.workspace.ledger.read() as db:
        person = open_link(batches.get(db, "blind"))
    said: list[bytes] = []
    person.http.event_hooks = {"response": [lambda answer: said.append(answer.read())]}
    left = []
    for _ in range(PAIRS):
        current = person.state()["current"]
        left.append(current["left"])
        person.post("vote", current["assignment"], choice="left")
    assert not [body for body in said if b"canary" in body.lower()]
    assert len({json.dumps(answer) for answer in left}) == PAIRS
    # both models stand on the left now and then; that one never does has a chance of 1 in 8 million
    assert {json.dumps(answer).count("first says") for answer in left} == {0, 1}
