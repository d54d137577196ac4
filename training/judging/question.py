"""What a judge is asked, and how its reply is read.

A pair is asked about twice, the second time with its answers exchanged. Whoever prefers a place
over an answer contradicts itself that way, and such a pair counts as a tie (L. Zheng and others,
Judging LLM-as-a-judge with MT-bench and Chatbot Arena, 2023).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storage.errors import WrongInputError
from storage.rows import Part, Prompt, Turn
from training.pool.pairs import PoolPair

FIRST, SECOND, TIE = "first", "second", "tie"
MOST_INSTRUCTIONS = 20_000

INSTRUCTIONS = (
    "Below are a conversation and two answers to its last message. Decide which answer is better: "
    "first, what it says is true of the pictures; then it does what was asked; then it is clear "
    "and no longer than it has to be. The order of the two answers means nothing."
)
_NAMES = {"system": "System", "user": "User", "assistant": "Assistant"}
# what is asked last: a model here can only be compared on two letters, an address may say tie
_LAST = {
    False: "Which answer is better? Reply with one letter: A or B.",
    True: "Which answer is better? Reply with one letter: A, B, or C if neither is better.",
}
_LETTERS = {"A": FIRST, "B": SECOND, "C": TIE}
_THOUGHTS = re.compile(r"<think>.*?(</think>|$)", re.DOTALL)
_VERDICT = re.compile(
    r"\W*(?:(?:my |the |final |better )*(?:verdict|winner|choice|reply|answer)\W*(?:is )?\W*)?"
    r"([ABC])\W*(?:is better\W*)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Question:
    """One question, as messages."""

    turns: tuple[Turn, ...]


@dataclass(frozen=True)
class Reply:
    """What came back.

    Attributes:
        choice: `first`, `second` or `tie`; empty when there is no verdict.
        share: probability of the first answer, 0 to 1, where the judge gives one.
        tokens_in, tokens_out: as counted by the judge; None where it does not say.
        problem: why there is no verdict.
        is_silence: the judge did not answer at all, so that it may later.
    """

    choice: str = ""
    share: float | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    problem: str = ""
    is_silence: bool = False


def version_of(instructions: str, *, may_tie: bool) -> str:
    """A name for everything that a judge is told beside the pair: it changes with every letter."""
    told = "\n".join((instructions, _LAST[may_tie], *_NAMES.values()))
    return hashlib.sha256(told.encode()).hexdigest()[:8]


def check_instructions(text: str) -> str:
    """The text without white space around it. Raises WrongInputError when empty or too long."""
    stripped = text.strip()
    if not stripped or len(stripped) > MOST_INSTRUCTIONS:
        raise WrongInputError(
            f"The instructions have {len(stripped):,} characters.",
            f"Use 1 to {MOST_INSTRUCTIONS:,}.",
        )
    return stripped


def both_orders(pair: PoolPair, instructions: str, *, may_tie: bool) -> tuple[Question, Question]:
    """The question with answer `a` first, and the one with `b` first."""
    return (
        _question(pair.prompt, (pair.a, pair.b), instructions, may_tie),
        _question(pair.prompt, (pair.b, pair.a), instructions, may_tie),
    )


def choice_in(text: str) -> str:
    """The choice that a written reply makes; empty when it names no answer.

    The reply is a letter, or its last line is one or says `Verdict: A`, `Answer B is better`.
    """
    lines = [line for line in _THOUGHTS.sub("", text).splitlines() if line.strip()]
    found = _VERDICT.fullmatch(lines[-1].strip()) if lines else None
    return _LETTERS[found.group(1).upper()] if found else ""


def judgement(pair: PoolPair, replies: Sequence[Reply]) -> dict[str, Any]:
    """What two replies, `a` first and then `b` first, say of a pair: a line of the job's file.

    `verdict` is `a`, `b` or `tie`, also `tie` when the two contradict each other, and empty when
    one of them is missing; then `problem` says why.
    """
    forward, backward = replies
    said = (_canonical(forward, ("a", "b")), _canonical(backward, ("b", "a")))
    problem = forward.problem or backward.problem
    verdict = ""
    if all(said):
        verdict = said[0] if said[0] == said[1] else "tie"
    return {
        "pair_id": pair.pair_id,
        "verdict": verdict,
        "a_first": said[0],
        "b_first": said[1],
        "share_of_a": _share(forward, backward),
        "tokens_in": _total(forward.tokens_in, backward.tokens_in),
        "tokens_out": _total(forward.tokens_out, backward.tokens_out),
        "problem": problem,
    }


def is_consistent(record: Mapping[str, Any]) -> bool:
    """Whether the judge said the same in both orders."""
    return bool(record["verdict"]) and record["a_first"] == record["b_first"]


def _question(
    prompt: Prompt, answers: tuple[str, str], instructions: str, may_tie: bool
) -> Question:
    parts = [Part("text", f"{instructions}\n\n[Conversation]")]
    for turn in prompt.turns:
        parts += [Part("text", f"\n{_NAMES.get(turn.role, turn.role)}: "), *turn.parts]
    shown = "".join(
        f"\n\n[Answer {letter}]\n{text}" for letter, text in zip("AB", answers, strict=True)
    )
    parts.append(Part("text", f"{shown}\n\n[End of the answers]\n{_LAST[may_tie]}"))
    return Question((Turn("user", tuple(parts)),))


def _canonical(reply: Reply, order: tuple[str, str]) -> str:
    return {FIRST: order[0], SECOND: order[1], TIE: "tie"}.get(reply.choice, "")


def _share(forward: Reply, backward: Reply) -> float | None:
    """The mean probability of answer `a` over both orders."""
    if forward.share is None or backward.share is None:
        return None
    return (forward.share + 1.0 - backward.share) / 2


def _total(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other
