"""The process that counts tokens: `python -m training.modeling.token_counter REQUEST`.

Only the processor is loaded, no weights. It says `done` now and then on standard output, at last
`limit`, `tokens` and `refused`; or `failed`. One JSON object a line.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from storage.errors import PairwrightError, WrongInputError
from training.jobs.folder import DatasetRef
from training.modeling import models, rows, sources
from training.modeling.encoding import Encoder
from training.modeling.token_lengths import Request
from training.modeling.videos import BrokenVideoError
from training.settings.spec import DPOSpec

_SAY_EVERY = 25
# a tokenizer without a limit says a number that nothing has
_NO_LIMIT = 10**9


def main() -> None:
    """Count what the first argument asks for."""
    request = Request(**json.loads(sys.argv[1]))
    try:
        _say(_counted(request))
    except PairwrightError as problem:
        _say({"failed": [problem.what, problem.next_step]})


def _counted(request: Request) -> dict[str, Any]:
    loaded, limits = models.load_processor(request.model)
    encoder = Encoder(loaded, sources.stored(request.media_url, Path(request.cache), DPOSpec()))
    dataset = DatasetRef(request.version, request.path, request.labels, request.digest)
    tokens: dict[str, int] = {}
    refused: dict[str, str] = {}
    for number, row in enumerate(rows.read(dataset)):
        if number % _SAY_EVERY == 0:
            _say({"done": number})
        try:
            tokens[row.pair_id] = encoder.length(row)
        except BrokenVideoError as problem:
            refused[row.pair_id] = f"{problem.what}: {problem.video[:12]} ({problem.why})"
        except WrongInputError as problem:
            refused[row.pair_id] = problem.what
    told = [limit for limit in limits if limit < _NO_LIMIT]
    return {"limit": min(told, default=None), "tokens": tokens, "refused": refused}


def _say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
