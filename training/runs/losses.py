"""The losses of TRL's DPO trainer, pair by pair, from sums of log-probabilities.

TRL computes what is trained; these are the same formulas for the validation loss, so that both
losses can stand on one chart. They need nothing but what our two passes give: no model runs here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from training.modeling.logprobs import Array, Sums
from training.settings.spec import DPOSpec


@dataclass(frozen=True)
class Loss:
    """What a run minimises. Names are TRL's; `weights` are those of the names in order."""

    names: tuple[str, ...] = ("sigmoid",)
    weights: tuple[float, ...] = (1.0,)
    beta: float = 0.1
    smoothing: float = 0.0
    discopop_tau: float = 0.05
    reference_free: bool = False

    @classmethod
    def of(cls, settings: DPOSpec) -> Loss:
        return cls(
            settings.loss_type,
            settings.loss_weights or (1.0,) * len(settings.loss_type),
            settings.beta,
            settings.smoothing,
            settings.discopop_tau,
            settings.reference_free,
        )

    def per_pair(self, policy: Sums, reference: Sums, tokens: tuple[Array, Array]) -> Array:
        """The loss of every pair; its mean is the loss of the set.

        `tokens` counts those of the chosen and of the rejected answers.
        """
        if self.reference_free:
            reference = Sums(np.zeros_like(policy.chosen), np.zeros_like(policy.rejected))
        given = _Given(self, policy, reference, *tokens)
        total = np.zeros(len(policy.chosen))
        for name, weight in zip(self.names, self.weights, strict=True):
            total = total + weight * _FORMULAS[name](given)
        return total


@dataclass(frozen=True)
class _Given:
    loss: Loss
    policy: Sums
    reference: Sums
    chosen_tokens: Array
    rejected_tokens: Array

    @property
    def chosen(self) -> Array:
        """beta times the log-ratio of the chosen answer: its implicit reward."""
        return np.asarray(self.loss.beta * (self.policy.chosen - self.reference.chosen))

    @property
    def rejected(self) -> Array:
        return np.asarray(self.loss.beta * (self.policy.rejected - self.reference.rejected))

    @property
    def margin(self) -> Array:
        return np.asarray(self.chosen - self.rejected)

    @property
    def margin_per_token(self) -> Array:
        """The margin of the mean rewards of a token."""
        chosen = self.chosen / np.maximum(self.chosen_tokens, 1)
        return np.asarray(chosen - self.rejected / np.maximum(self.rejected_tokens, 1))


def _log_sigmoid(values: Array) -> Array:
    return np.asarray(-np.logaddexp(0, -values))


def _sigmoid(values: Array) -> Array:
    return np.asarray(np.exp(_log_sigmoid(values)))


def _sigmoid_loss(given: _Given) -> Array:
    """arXiv 2305.18290, equation 7."""
    return -_log_sigmoid(given.margin)


def _sigmoid_norm(given: _Given) -> Array:
    return -_log_sigmoid(given.margin_per_token)


def _hinge(given: _Given) -> Array:
    """arXiv 2309.06657."""
    return np.maximum(0, 1 - given.margin)


def _ipo(given: _Given) -> Array:
    """arXiv 2310.12036, equation 17, with the log-ratios of a token."""
    beta = given.loss.beta
    return np.asarray((given.margin_per_token / beta - 1 / (2 * beta)) ** 2)


def _exo_pair(given: _Given) -> Array:
    """arXiv 2402.00856, equation 16."""
    smoothing, won, lost = (
        given.loss.smoothing,
        _log_sigmoid(given.margin),
        _log_sigmoid(-given.margin),
    )
    of_won = np.exp(won) * (won - np.log1p(-smoothing))
    return np.asarray(of_won + np.exp(lost) * (lost - np.log(smoothing)))


def _nca_pair(given: _Given) -> Array:
    """arXiv 2402.05369."""
    other = _log_sigmoid(-given.chosen) + _log_sigmoid(-given.rejected)
    return np.asarray(-_log_sigmoid(given.chosen) - 0.5 * other)


def _robust(given: _Given) -> Array:
    """arXiv 2403.00409."""
    smoothing = given.loss.smoothing
    clean = (1 - smoothing) * _log_sigmoid(given.margin)
    flipped = smoothing * _log_sigmoid(-given.margin)
    return np.asarray((flipped - clean) / (1 - 2 * smoothing))


def _bco_pair(given: _Given) -> Array:
    """arXiv 2404.04656, without its running baseline."""
    return np.asarray(-_log_sigmoid(given.chosen) - _log_sigmoid(-given.rejected))


def _sppo_hard(given: _Given) -> Array:
    """arXiv 2405.00675, with probabilities 1 and 0."""
    beta = given.loss.beta
    chosen, rejected = given.chosen / beta, given.rejected / beta
    return np.asarray((chosen - 0.5 / beta) ** 2 + (rejected + 0.5 / beta) ** 2)


def _aot(given: _Given) -> Array:
    """arXiv 2406.05882, paired: sorted over the set."""
    ours = np.sort(given.policy.chosen - given.policy.rejected)
    theirs = np.sort(given.reference.chosen - given.reference.rejected)
    return _smoothed(given.loss.beta * (ours - theirs), given.loss.smoothing)


def _aot_unpaired(given: _Given) -> Array:
    """arXiv 2406.05882, unpaired: sorted over the set."""
    return _smoothed(np.sort(given.chosen) - np.sort(given.rejected), given.loss.smoothing)


def _smoothed(margin: Array, smoothing: float) -> Array:
    won, lost = _log_sigmoid(margin), _log_sigmoid(-margin)
    return np.asarray(-(1 - smoothing) * won - smoothing * lost)


def _apo_zero(given: _Given) -> Array:
    """arXiv 2408.06266, equation 7."""
    return np.asarray(1 - _sigmoid(given.chosen) + _sigmoid(given.rejected))


def _apo_down(given: _Given) -> Array:
    """arXiv 2408.06266, equation 8."""
    return np.asarray(_sigmoid(given.chosen) + 1 - _sigmoid(given.margin))


def _discopop(given: _Given) -> Array:
    """arXiv 2406.08414, equation 5."""
    share = _sigmoid(given.margin / given.loss.discopop_tau)
    return np.asarray(-_log_sigmoid(given.margin) * (1 - share) + np.exp(-given.margin) * share)


def _sft(given: _Given) -> Array:
    """The negative log-likelihood of a chosen token, over all tokens of the set."""
    return np.asarray(-given.policy.chosen / np.mean(given.chosen_tokens))


_FORMULAS: dict[str, Callable[[_Given], Array]] = {
    "sigmoid": _sigmoid_loss,
    "sigmoid_norm": _sigmoid_norm,
    "hinge": _hinge,
    "ipo": _ipo,
    "exo_pair": _exo_pair,
    "nca_pair": _nca_pair,
    "robust": _robust,
    "bco_pair": _bco_pair,
    "sppo_hard": _sppo_hard,
    "aot": _aot,
    "aot_unpaired": _aot_unpaired,
    "apo_zero": _apo_zero,
    "apo_down": _apo_down,
    "discopop": _discopop,
    "sft": _sft,
}
