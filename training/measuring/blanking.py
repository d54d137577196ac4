"""The same pairs with their pictures blanked: do the preferences need the pictures at all?

A model that was trained on pictures and answers can learn preferences from the text alone: mDPO
(F. Wang et al. 2024, arXiv 2406.11839) found DPO without pictures to do about as well. A picture
becomes a plain grey one of the same size, so that tokens and positions stay, and both models answer
again. If the accuracy hardly falls, the preferences are about language only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from training.measuring import figures, paired
from training.measuring.figures import TIE_NATS, Array, Figure
from training.modeling.encoding import EncodedPair, Encoder
from training.modeling.logprobs import Sums
from training.modeling.models import Loaded
from training.modeling.sources import Source
from training.modeling.videos import Clip
from training.runs.reference import Reference
from training.runs.reference_scores import Heartbeat, reference_sums

GREY = (127, 127, 127)


class Blanked:
    """A source of pictures and frames whose every pixel is grey."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def open(self, name: str, /) -> Image.Image:
        return Image.new("RGB", self._source.open(name).size, GREY)

    def clip(self, video: str, /) -> Clip:
        return self._source.clip(video)


def sums(
    loaded: Loaded,
    source: Source,
    pairs: Sequence[EncodedPair],
    reference: Reference,
    heartbeat: Heartbeat,
) -> tuple[Sums, Sums]:
    """Sums of the policy and of the reference with blanked pictures, in the order of the pairs."""
    encoder = Encoder(loaded, Blanked(source))
    encoder.check_joining([pair.prompt for pair in pairs])
    policy = Reference(loaded.model, adapter_off=False)
    found = [reference_sums(encoder, pairs, model, heartbeat) for model in (policy, reference)]
    return found[0], found[1]


def compare(
    seeing: tuple[Sums, Sums], blanked: tuple[Sums, Sums], labels: str
) -> dict[str, Figure]:
    """Both accuracies with pictures, without, and with minus without, pair by pair.

    Each argument holds the sums of policy and reference. The interval of a difference is the one
    for paired proportions. All n are those of the pairs with pictures.
    """
    found: dict[str, Figure] = {}
    for name, score in (("preference", _preference), ("reward", _reward)):
        values = score(*seeing), score(*blanked)
        with_pictures, without = (figures.accuracy(one, labels) for one in values)
        apart = paired.compare(*(one > TIE_NATS for one in reversed(values)))
        reason = "" if apart.n else "no pairs"
        found |= {
            f"pictured_{name}_accuracy": with_pictures,
            f"blanked_{name}_accuracy": without,
            f"pictures_{name}_gain": Figure(apart.difference, apart.ci95, apart.n, labels, reason),
        }
    return found


def measure(
    loaded: Loaded,
    source: Source,
    pairs: Sequence[EncodedPair],
    reference: Reference,
    seen: tuple[Sums, Sums],
    labels: str,
    heartbeat: Heartbeat,
) -> dict[str, Figure]:
    """`compare` on those of the pairs that have a picture. `seen` holds the sums of all pairs."""
    at = [number for number, pair in enumerate(pairs) if pair.prompt.shown]
    if not at:
        return compare((_none(), _none()), (_none(), _none()), labels)
    some = [pairs[number] for number in at]
    blanked = sums(loaded, source, some, reference, heartbeat)
    pictured = tuple(Sums(one.chosen[at], one.rejected[at]) for one in seen)
    return compare((pictured[0], pictured[1]), blanked, labels)


def _preference(policy: Sums, reference: Sums) -> Array:
    return policy.chosen - policy.rejected


def _reward(policy: Sums, reference: Sums) -> Array:
    chosen, rejected = policy.chosen - reference.chosen, policy.rejected - reference.rejected
    return np.asarray(chosen - rejected)


def _none() -> Sums:
    return Sums(np.zeros(0), np.zeros(0))
