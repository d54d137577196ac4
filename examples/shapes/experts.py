"""Simulated experts: they label through the same HTTP interface as people.

An expert sees only what the browser sees. It hashes the picture's pixels to know the scene,
reads the question and both answers, asks the oracle, and errs as its profile says.
`python -m examples.shapes.experts --world DIR/world.jsonl --link URL --accuracy 0.9 --seed 1`
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image

from examples.shapes.link import Choice, LabelingLink, LinkError
from examples.shapes.oracle import Oracle, Truth, load_oracle, prefer
from examples.shapes.world import pixel_hash


@dataclass(frozen=True)
class Profile:
    """How an expert works.

    `accuracy` (0 to 1) is the chance of the right choice where one answer is better.
    `side_bias` (-1 to 1) is the chance of taking the left (negative: right) answer unread.
    `tie_rate` (0 to 1) is the chance of saying tie where two answers are equally good; else
    the expert picks a side. `laziness` (0 to 1) is the chance of a coin flip instead of
    looking. `pause` is seconds per vote.
    """

    accuracy: float = 0.9
    side_bias: float = 0.0
    tie_rate: float = 1.0
    laziness: float = 0.0
    pause: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("accuracy", "tie_rate", "laziness"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} is {getattr(self, name)}, but must be from 0 to 1.")
        if not -1.0 <= self.side_bias <= 1.0:
            raise ValueError(f"side_bias is {self.side_bias}, but must be from -1 to 1.")
        if self.pause < 0:
            raise ValueError(f"pause is {self.pause}, but must be 0 or more seconds.")


@dataclass(frozen=True)
class Counts:
    """How often an expert chose what on one link."""

    left: int = 0
    right: int = 0
    tie: int = 0
    skip: int = 0

    @property
    def total(self) -> int:
        """All votes together."""
        return self.left + self.right + self.tie + self.skip


def label_batch(link: str, world: Path | Oracle, profile: Profile) -> Counts:
    """Label everything that a link offers; return how often what was chosen."""
    oracle = load_oracle(world) if isinstance(world, Path) else world
    random = Random(f"expert {profile.seed}")
    votes: Counter[str] = Counter()
    with LabelingLink(link) as session:
        state = session.state()
        while not state["finished"] and state.get("current"):
            pair = state["current"]
            began = time.monotonic()
            truth = _truth(session, oracle, pair)
            choice = decide(truth, pair["left"], pair["right"], profile, random)
            if profile.pause:
                time.sleep(profile.pause)
            state = session.vote(pair["assignment"], choice, time.monotonic() - began)
            votes[choice] += 1
    return Counts(**votes)


def decide(truth: Truth | None, left: str, right: str, profile: Profile, random: Random) -> Choice:
    """The expert's choice between two answers; "skip" where the truth is not known."""
    if random.random() < abs(profile.side_bias):
        return "left" if profile.side_bias > 0 else "right"
    if random.random() < profile.laziness:
        return _coin(random)
    if truth is None:
        return "skip"
    better = prefer(truth, left, right)
    if better == "tie":
        return "tie" if random.random() < profile.tie_rate else _coin(random)
    right_choice: Choice = "left" if better == "first" else "right"
    wrong_choice: Choice = "right" if better == "first" else "left"
    return right_choice if random.random() < profile.accuracy else wrong_choice


def main(arguments: list[str] | None = None) -> int:
    """Label every link that the command line names, one expert a link; 1 if a link failed."""
    chosen = _parser().parse_args(arguments)
    profile = Profile(
        chosen.accuracy,
        chosen.side_bias,
        chosen.tie_rate,
        chosen.laziness,
        chosen.pause,
        chosen.seed,
    )
    oracle = load_oracle(chosen.world)

    def work(index: int, link: str) -> Counts | LinkError:
        try:
            return label_batch(link, oracle, replace(profile, seed=profile.seed + index))
        except LinkError as error:
            return error

    with ThreadPoolExecutor(max_workers=len(chosen.link)) as pool:
        results = list(pool.map(work, range(len(chosen.link)), chosen.link))
    for result in results:
        if isinstance(result, LinkError):
            print(result, file=sys.stderr)
        else:
            print(json.dumps(asdict(result)))
    return int(any(isinstance(result, LinkError) for result in results))


def _coin(random: Random) -> Choice:
    return "left" if random.random() < 0.5 else "right"


def _truth(session: LabelingLink, oracle: Oracle, pair: dict[str, Any]) -> Truth | None:
    """The truth about the pair's last question, found by the pixels of its first picture."""
    question, source = "", None
    for message in pair["messages"]:
        for part in message["parts"]:
            if part["type"] == "image" and source is None:
                source = part["src"]
            elif part["type"] == "text" and message["role"] == "user":
                question = part["text"]
    if source is None:
        return None
    with Image.open(io.BytesIO(session.media(source))) as picture:
        return oracle.find(pixel_hash(picture), question)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Let simulated experts label links.")
    parser.add_argument("--world", type=Path, required=True, help="the answer key, world.jsonl")
    parser.add_argument("--link", action="append", required=True, help="a labeling link")
    parser.add_argument("--accuracy", type=float, default=0.9, help="0 to 1, default 0.9")
    parser.add_argument("--side-bias", type=float, default=0.0, help="-1 (right) to 1 (left)")
    parser.add_argument("--tie-rate", type=float, default=1.0, help="0 to 1, default 1")
    parser.add_argument("--laziness", type=float, default=0.0, help="0 to 1, default 0")
    parser.add_argument("--pause", type=float, default=0.0, help="seconds per vote, default 0")
    parser.add_argument("--seed", type=int, default=0, help="the first expert's seed, default 0")
    return parser


if __name__ == "__main__":
    sys.exit(main())
