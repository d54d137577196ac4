"""How answers behave, by rules that anybody can check: length, refusals, formats asked for.

A refusal begins as one of the phrases of A. Zou et al., Universal and Transferable Adversarial
Attacks on Aligned Language Models (2023, appendix on keywords), in English. Whether a refusal is
right is another matter: for what cannot be known, it is. A format counts only where the prompt asks
for one in words that are known here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

_REFUSALS = (
    "i'm sorry",
    "i am sorry",
    "sorry",
    "i apologize",
    "my apologies",
    "i cannot",
    "i can't",
    "i can not",
    "i am unable",
    "i'm unable",
    "i am not able",
    "i'm not able",
    "i don't know",
    "i do not know",
    "as an ai",
    "as a language model",
    "i'm just an",
    "it is not possible to tell",
    "it cannot be determined",
    "that cannot be seen",
    "unfortunately, i",
)
_WORD = re.compile(r"[^\s]+")


def words(answer: str) -> int:
    """Number of words, separated by white space."""
    return len(_WORD.findall(answer))


def is_refusal(answer: str) -> bool:
    return answer.strip().lower().replace("\u2019", "'").startswith(_REFUSALS)


def keeps_format(prompt: str, answer: str) -> bool | None:
    """Whether the answer has the format that the prompt asks for; None when it asks for none that
    is known."""
    asked = prompt.lower()
    for pattern, check in _FORMATS:
        if pattern.search(asked):
            return check(answer.strip())
    return None


def _is_json(answer: str) -> bool:
    try:
        json.loads(answer)
    except ValueError:
        return False
    return True


def _is_json_list(answer: str) -> bool:
    try:
        return isinstance(json.loads(answer), list)
    except ValueError:
        return False


def _is_one_word(answer: str) -> bool:
    return words(answer) == 1


def _is_number(answer: str) -> bool:
    return re.fullmatch(r"-?\d+(?:[.,]\d+)?\.?", answer) is not None


def _is_digit(answer: str) -> bool:
    return re.fullmatch(r"\d\.?", answer) is not None


def _is_yes_or_no(answer: str) -> bool:
    return re.match(r"(?:yes|no)\b", answer.lower()) is not None


def _is_comma_list(answer: str) -> bool:
    """Words with nothing but commas between them."""
    return re.fullmatch(r"[\w-]+(?:\s*,\s*[\w-]+)*", answer) is not None


def _is_one_sentence(answer: str) -> bool:
    return len([part for part in re.split(r"[.!?]+(?:\s+|$)", answer) if part.strip()]) == 1


# the first that fits decides: a JSON list is asked for before JSON
_FORMATS: tuple[tuple[re.Pattern[str], Callable[[str], bool]], ...] = (
    (re.compile(r"\b(?:as|in|with) (?:a |one )?json (?:list|array)\b"), _is_json_list),
    (re.compile(r"\b(?:as|in|with|valid) (?:a |one |an )?(?:valid )?json\b"), _is_json),
    (re.compile(r"\b(?:with|in|using) commas only\b"), _is_comma_list),
    (re.compile(r"\b(?:a|one|single) digit\b"), _is_digit),
    (re.compile(r"\b(?:a|one) number only\b|\bonly (?:a|one|the) number\b"), _is_number),
    (re.compile(r"\b(?:in|with|using) (?:a |just |only )?(?:one|single) word\b"), _is_one_word),
    (re.compile(r"\banswer (?:with )?(?:just |only )?yes or no\b"), _is_yes_or_no),
    (re.compile(r"\bin (?:one|a single) sentence\b"), _is_one_sentence),
)
