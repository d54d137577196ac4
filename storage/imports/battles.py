"""Battles of the Chatbot Arena (LMSYS) and human judgments of MT-bench.

Two whole conversations, which a pair can hold only when they differ in the last answer alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from storage.errors import WrongInputError
from storage.imports import columns, content, forms
from storage.imports.forms import Format, Reading, Sample
from storage.imports.records import BOTH_BAD, FIRST, SECOND, TIE, Opinion, Record

NAME = "lmsys"
_WINNERS = {
    "model_a": FIRST,
    "model_b": SECOND,
    "tie": TIE,
    "tie (bothbad)": BOTH_BAD,
    "both_bad": BOTH_BAD,
}


def recognise(rows: Sample) -> str:
    """Why rows are battles."""
    needed = {"conversation_a", "conversation_b", "winner"}
    if all(needed <= row.keys() for row in rows):
        return "every record has 'conversation_a', 'conversation_b' and 'winner'"
    return ""


def records(row: Mapping[str, Any], reading: Reading) -> Iterator[Record]:
    """The pair of one battle."""
    a, b = (_cut(row.get(name), row.get("turn")) for name in ("conversation_a", "conversation_b"))
    if a[:-1] != b[:-1]:
        raise WrongInputError(
            "The conversations differ before the last answer, so no two answers have one prompt."
        )
    if not all(_role(each[-1]) == "assistant" for each in (a, b)):
        raise WrongInputError("A conversation does not end with an answer.")
    winner = row.get("winner")
    if winner not in _WINNERS:
        raise WrongInputError(
            f"The winner is {str(winner)[:60]!r}, expected one of {', '.join(_WINNERS)}."
        )
    judge = str(row.get("judge") or "unknown")
    yield Record(
        messages=content.conversation(a[:-1], content.listed(row.get("images"))),
        answers=(content.text_of(a[-1]), content.text_of(b[-1])),
        opinions=(
            Opinion(
                f"{NAME}:{judge}", _WINNERS[winner], decided_at=forms.micros(row.get("tstamp"))
            ),
        ),
        record_id=forms.as_id(row.get("question_id")),
        category=columns.category(row.get("category")),
        models=(str(row.get("model_a") or "")[:200], str(row.get("model_b") or "")[:200]),
    )


def _cut(value: Any, turn: Any) -> list[Any]:
    """A conversation up to the answer that was judged."""
    if not isinstance(value, list) or len(value) < 2:
        raise WrongInputError("A conversation has fewer than two messages.")
    if isinstance(turn, int) and turn == 1:
        last = next((n for n, said in enumerate(value) if _role(said) == "assistant"), None)
        return value if last is None else value[: last + 1]
    return value


def _role(message: Any) -> Any:
    return message.get("role") if isinstance(message, Mapping) else None


FORMATS = (
    Format(
        NAME,
        "battles of the Chatbot Arena and judgments of MT-bench",
        recognise,
        records,
        judges=True,
    ),
)
