"""Rows that are too long for the model that is to be trained, or that it cannot take at all."""

from __future__ import annotations

from collections import defaultdict

from rounds.readiness.finding import BLOCKING, WARNING, Finding, found_in
from training.modeling.token_lengths import TokenLengths

# from this share of what a model takes on, generating an answer of its own may not fit any more
_NEARLY = 0.9


def check(lengths: TokenLengths) -> list[Finding]:
    """Everything about a version's length in the tokens of a model, picture tokens included."""
    return [*_too_long(lengths), *_refused(lengths)]


def _too_long(lengths: TokenLengths) -> list[Finding]:
    limit = lengths.limit
    if limit is None:
        what = f"{lengths.model} does not say how many tokens it takes{_longest(lengths)}"
        return [Finding(WARNING, "length_unknown", what, "Set max_context_length.")]
    over = [pair for pair, count in lengths.tokens.items() if count > limit]
    near = [pair for pair, count in lengths.tokens.items() if _NEARLY * limit < count <= limit]
    return [
        *found_in(
            *(BLOCKING, "too_long", f"longer than the {limit:,} tokens that {lengths.model} takes"),
            f"Set max_context_length to {limit} or less: what is longer is then left out, or its "
            f"answers are cut{_longest(lengths)}.",
            over,
        ),
        *found_in(
            *(WARNING, "nearly_too_long", f"nearly all of the {limit:,} tokens of {lengths.model}"),
            "They train; a longer answer of the model to the same prompt may be cut.",
            near,
        ),
    ]


def _refused(lengths: TokenLengths) -> list[Finding]:
    by_reason: dict[str, list[str]] = defaultdict(list)
    for pair, why in lengths.refused.items():
        by_reason[why].append(pair)
    return [
        finding
        for why, pairs in sorted(by_reason.items())
        for finding in found_in(
            *(WARNING, "not_for_this_model", f"not for {lengths.model}: each {why.rstrip('.')}"),
            "Training leaves these out and counts them.",
            pairs,
        )
    ]


def _longest(lengths: TokenLengths) -> str:
    most = max(lengths.tokens.values(), default=0)
    return f"; the longest row has {most:,}" if most else ""
