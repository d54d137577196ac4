"""An import onto a full disk: told in clear words, and complete when it is run again."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

Pairwright = Callable[..., Any]


def test_an_import_without_room_says_so_and_goes_on_when_there_is_some(
    pairwright: Pairwright, tmp_path: Path
) -> None:
    pairwright("init")
    noise = Image.effect_noise((256, 256), 80).convert("RGB")
    noise.save(tmp_path / "noise.png")
    records = tmp_path / "records.jsonl"
    record = {
        "messages": [
            {"role": "user", "content": "<image>What is this?"},
            {"role": "assistant", "content": "Noise."},
        ],
        "images": ["noise.png"],
        "rejected_response": "A cat.",
    }
    records.write_text(json.dumps(record) + "\n", encoding="utf-8")
    command = ("import", records, "--batch", "first", "--media-root", tmp_path, "--json")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (32 * 1024, before[1]))
    try:
        refused = pairwright(*command)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert refused.code == 1
    assert set(refused.result["error"]) == {"what", "next"}
    assert "Traceback" not in refused.err
    assert refused.result["error"]["what"].startswith(("There is no room", "The ledger"))
    done = pairwright(*command)
    assert (done.code, done.result["imported"]) == (0, 1)
