"""What a run is told: DPOSpec for training, SamplingSpec for sampling; frozen and checked.

The meaning, ranges and texts of the settings are in `settings`; names and files are read in
`keys`. An error names the value and what is possible, a warning what is usual.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from storage.errors import WrongInputError
from storage.footage.sampling import MOST_FRAMES
from training.hub import names
from training.judging.settings import JUDGING_SETTINGS
from training.settings import (
    DEFAULT_LEARNING_RATE,
    EXO_SMOOTHING,
    HUB_GROUP,
    LOSSES,
    MINING_GROUP,
    SETTINGS,
    SFT,
    SFT_LEARNING_RATE,
    USUAL_LEARNING_RATE,
    USUAL_SFT_LEARNING_RATE,
    Setting,
    keys,
)
from training.settings.sampling_settings import SAMPLING_SETTINGS
from training.settings.tracking import NO_TRACKER, TRACKERS

# pairs an update aims at, and updates an epoch should not fall below, for `auto` accumulation
PAIRS_PER_UPDATE = 16
UPDATES_PER_EPOCH = 20
MOST_PAIRS_PER_UPDATE = 256

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
# as other programs write them
_SHORT_FORMATS = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
_GROUPED = (MINING_GROUP, HUB_GROUP)
_GROUP = Setting("group", "mining", "", "", "", "an object")


class _Checked(BaseModel):
    """Refuses what is impossible by the ranges and words of the texts."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _words(cls, value: Any, info: ValidationInfo) -> Any:
        setting = _text_of(cls, info)
        if setting.key == "dtype":
            return _SHORT_FORMATS.get(value, value) if isinstance(value, str) else value
        if isinstance(value, bool) and setting.low is not None:
            raise ValueError("a truth value is no number")
        if isinstance(value, str) and value.strip().lower() in ("none", "null"):
            return None if "none" in setting.words else value
        return value

    @field_validator("*", mode="after")
    @classmethod
    def _possible(cls, value: Any, info: ValidationInfo) -> Any:
        setting = _text_of(cls, info)
        if not isinstance(value, (int, float)) or setting.low is None or setting.high is None:
            return value
        if not setting.low <= value <= setting.high:
            raise ValueError("out of range")
        return value

    def resolved(self) -> dict[str, Any]:
        """Every setting with the value used, as JSON. Reading it back gives the same settings."""
        return self.model_dump(mode="json")


class MiningSpec(_Checked):
    """Where the next round's pairs come from (`edge_case_mining` in the JSON form)."""

    enabled: bool = True
    confidence_threshold: float = 0.6
    max_samples: int = 2000


class HubSpec(_Checked):
    """Where the checkpoint goes when the run has succeeded (`hub` in the JSON form)."""

    repo: str = ""
    private: bool = True
    when: Literal["never", "end", "each_checkpoint"] = "end"

    @field_validator("repo", mode="after")
    @classmethod
    def _repo(cls, value: str) -> str:
        if value and not names.REPO.fullmatch(value):
            raise ValueError("no repository")
        return value


class _Looking(_Checked):
    """What every job is told that shows pictures and videos to a model."""

    max_pixels: int | None = None
    video_frames: int = MOST_FRAMES
    video_fps: float | None = None
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"


class SamplingSpec(_Looking):
    """Every setting of sampling answers. `SAMPLING_SETTINGS` says what each means."""

    engine: Literal["transformers", "vllm"] = "transformers"
    answers: int = 2
    temperature: float = 1.0
    top_p: float = 1.0
    max_new_tokens: int = 256
    batch_size: int = 8
    pairs_per_prompt: int = 1
    min_difference: float = 0.02
    seed: int = 0


class JudgingSpec(_Looking):
    """Every setting of judging pairs by a model. `JUDGING_SETTINGS` says what each means."""

    batch_size: int = 8
    max_reply_tokens: int = 512
    requests_per_minute: float | None = None
    timeout_seconds: float = 120.0
    tries: int = 5
    retry_seconds: float = 1.0


class DPOSpec(_Looking):
    """Every setting of a training run. `settings.SETTINGS` says what each means.

    `learning_rate` is filled in by stage and method when left out, so it is always a number here.
    """

    model_name: str = ""
    task_name: str = ""
    stage: Literal["dpo", "sft"] = "dpo"
    method: Literal["lora", "full"] = "lora"
    beta: float = 0.1
    learning_rate: float = DEFAULT_LEARNING_RATE["lora"]
    epochs: int = 5
    batch_size: int = 4
    max_pairs: int = 2400
    kl_threshold: float = 0.5
    early_stop: bool = True
    overfit_evaluations: int = 2
    plateau_evaluations: int = 8
    target_accuracy: float | None = None
    reference_model: str = "base"
    lora_rank: int = 16
    gradient_accumulation_steps: int | Literal["auto"] = "auto"
    target_modules: Literal["decoder"] | tuple[str, ...] = "decoder"
    warmup_ratio: float = 0.05
    max_context_length: int | None = None
    overlength: Literal["drop", "truncate_text"] = "drop"
    on_policy_prompts: int = 32
    seed: int = 0
    quantize: Literal["none", "4bit"] = "none"
    processes: int = 1
    parallel: Literal["ddp", "fsdp2", "zero"] = "ddp"
    loss_type: tuple[str, ...] = ("sigmoid",)
    loss_weights: tuple[float, ...] | None = None
    label_smoothing: float = 0.0
    discopop_tau: float = 0.05
    reference_free: bool = False
    vision_cache: bool = False
    train_on_thought: bool = True
    price_a100: float = 2.5
    price_h100: float = 5.0
    price_here: float = 0.0
    edge_case_mining: MiningSpec = MiningSpec()
    hub: HubSpec = HubSpec()
    tracking: tuple[str, ...] = (NO_TRACKER,)
    tracking_project: str = "pairwright"
    tracking_files: bool = False

    @model_validator(mode="before")
    @classmethod
    def _learning_rate_by_stage_and_method(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or data.get("learning_rate") not in (None, "", "auto"):
            return data
        rates = SFT_LEARNING_RATE if data.get("stage") == SFT else DEFAULT_LEARNING_RATE
        rate = rates.get(str(data.get("method", "lora")), 1e-5)
        return {**data, "learning_rate": rate}

    @field_validator("loss_type", "loss_weights", mode="before")
    @classmethod
    def _joined(cls, value: Any) -> Any:
        if isinstance(value, str) and value.strip().lower() not in ("none", "null"):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return (value,) if isinstance(value, int | float) else value

    @field_validator("tracking", mode="before")
    @classmethod
    def _trackers(cls, value: Any) -> Any:
        if isinstance(value, str):
            value = [part.strip() for part in value.split(",") if part.strip()]
        return value or (NO_TRACKER,)

    @field_validator("tracking", mode="after")
    @classmethod
    def _known_trackers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        known = {NO_TRACKER} if NO_TRACKER in value else set(TRACKERS)
        if len(set(value)) < len(value) or not set(value) <= known:
            raise ValueError("no tracker")
        return value

    @field_validator("loss_type", mode="after")
    @classmethod
    def _known_losses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or len(set(value)) < len(value) or not set(value) <= set(LOSSES):
            raise ValueError("no loss")
        return value

    @field_validator("loss_weights", mode="after")
    @classmethod
    def _weight_for_each(cls, value: Any, info: ValidationInfo) -> Any:
        if value is not None and len(value) != len(info.data.get("loss_type", value)):
            raise ValueError("another number of weights than losses")
        return value

    @field_validator("target_modules", mode="before")
    @classmethod
    def _modules(cls, value: Any) -> Any:
        if isinstance(value, str) and value != "decoder":
            return tuple(name.strip() for name in value.split(",") if name.strip())
        return value

    @field_validator("target_modules", mode="after")
    @classmethod
    def _some_module(cls, value: Any) -> Any:
        if not value:
            raise ValueError("empty")
        return value

    @field_validator("model_name", "tracking_project", mode="after")
    @classmethod
    def _name(cls, value: str, info: ValidationInfo) -> str:
        empty = info.field_name == "model_name" and not value
        if not empty and not _NAME.fullmatch(value):
            raise ValueError("a name of other characters")
        return value

    @field_validator("task_name", "reference_model", mode="after")
    @classmethod
    def _short(cls, value: str, info: ValidationInfo) -> str:
        if len(value) > 80 or (info.field_name == "reference_model" and not value):
            raise ValueError("empty or too long")
        return value

    @property
    def smoothing(self) -> float:
        """`label_smoothing` as the loss gets it: EXO's cannot be 0."""
        none = self.label_smoothing == 0 and "exo_pair" in self.loss_type
        return EXO_SMOOTHING if none else self.label_smoothing

    def accumulation_steps(self, train_pairs: int) -> int:
        """Batches per update; `auto` is derived from the number of training pairs used.

        16 pairs an update where an epoch then has at least 20 updates; fewer pairs an update in
        smaller datasets, never less than one batch; as many more as several processes can share.
        """
        if self.gradient_accumulation_steps != "auto":
            return self.gradient_accumulation_steps
        pairs = min(PAIRS_PER_UPDATE, train_pairs // UPDATES_PER_EPOCH)
        step = self.processes // math.gcd(self.batch_size, self.processes)
        return step * math.ceil(max(1, pairs // self.batch_size) / step)

    def flat(self) -> dict[str, Any]:
        """The same as `resolved` with one key per setting, as `SETTINGS` names them."""
        values = self.resolved()
        for group in _GROUPED:
            inner = values.pop(group)
            values |= {f"{group}.{name}": value for name, value in inner.items()}
        return values


def parse_spec(written: Mapping[str, Any]) -> DPOSpec:
    """Check training settings by any of their names, nested or flat.

    Raises WrongInputError naming the nearest key for an unknown one, or the value and what is
    possible.
    """
    try:
        return DPOSpec.model_validate(keys.nested(keys.canonical(written)))
    except ValidationError as error:
        raise _explained(error, SETTINGS) from error


def parse_sampling(written: Mapping[str, Any]) -> SamplingSpec:
    """Check sampling settings. Raises WrongInputError as `parse_spec` does."""
    try:
        return SamplingSpec.model_validate(keys.canonical(written, SAMPLING_SETTINGS))
    except ValidationError as error:
        raise _explained(error, SAMPLING_SETTINGS) from error


def parse_judging(written: Mapping[str, Any]) -> JudgingSpec:
    """Check the settings of judging. Raises WrongInputError as `parse_spec` does."""
    try:
        return JudgingSpec.model_validate(keys.canonical(written, JUDGING_SETTINGS))
    except ValidationError as error:
        raise _explained(error, JUDGING_SETTINGS) from error


def build_spec(config: Path | None = None, overrides: Sequence[str] = ()) -> DPOSpec:
    """The settings of a JSON or TOML file, changed by KEY=VALUE words."""
    written = keys.canonical(keys.read_settings(config)) if config else {}
    return parse_spec(written | keys.canonical(keys.parse_overrides(overrides)))


def warnings_of(spec: DPOSpec) -> list[str]:
    """A sentence for every value that is possible but unusual."""
    found = _learning_rate_warnings(spec)
    for key, value in spec.flat().items():
        setting = SETTINGS[key]
        if _unusual(setting, value):
            found.append(f"{key} is {value}; usual is {setting.usual}. {_effect(setting, value)}")
    if spec.method == "full" and spec.target_modules != "decoder":
        found.append("target_modules has no effect when method is full.")
    if spec.processes == 1 and spec.parallel != "ddp":
        found.append(f"parallel {spec.parallel} has no effect with one process.")
    if spec.gradient_accumulation_steps != "auto":
        pairs = spec.gradient_accumulation_steps * spec.batch_size
        if pairs > MOST_PAIRS_PER_UPDATE:
            found.append(
                f"batch_size {spec.batch_size} times gradient_accumulation_steps "
                f"{spec.gradient_accumulation_steps} is {pairs} pairs an update; usual is up to "
                f"{MOST_PAIRS_PER_UPDATE}. An epoch then has few updates."
            )
    return found


def _learning_rate_warnings(spec: DPOSpec) -> list[str]:
    known = USUAL_SFT_LEARNING_RATE if spec.stage == SFT else USUAL_LEARNING_RATE
    low, high = known[spec.method]
    rate = spec.learning_rate
    if low <= rate <= high:
        return []
    usual = f"learning_rate is {rate:g}; usual for {spec.method} is {low:g} to {high:g}."
    if rate < low:
        return [f"{usual} The model hardly learns at this rate."]
    return [f"{usual} Training may become unstable at this rate."]


def _unusual(setting: Setting, value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    if setting.usual_low is None or setting.usual_high is None:
        return False
    return not setting.usual_low <= value <= setting.usual_high


def _effect(setting: Setting, value: float) -> str:
    above = setting.usual_high is not None and value > setting.usual_high
    return setting.more if above else setting.less


def _text_of(cls: type[BaseModel], info: ValidationInfo) -> Setting:
    name = info.field_name or ""
    if issubclass(cls, SamplingSpec):
        return SAMPLING_SETTINGS[name]
    if issubclass(cls, JudgingSpec):
        return JUDGING_SETTINGS[name]
    group = {MiningSpec: MINING_GROUP, HubSpec: HUB_GROUP}.get(cls, "")
    return SETTINGS.get(f"{group}.{name}" if group else name) or _GROUP


def _explained(error: ValidationError, known: Mapping[str, Setting]) -> WrongInputError:
    found: dict[str, Any] = {}
    for problem in error.errors(include_url=False):
        # a union adds the name of its branch to the location: keep what names a setting
        parts = [str(part) for part in problem["loc"]]
        key = ".".join(parts[:2]) if parts[0] in _GROUPED else parts[0]
        found.setdefault(key, problem["input"])
    what = " ".join(
        f"{key} is {value!r}; possible is {_possible(key, known)}." for key, value in found.items()
    )
    return WrongInputError(what, f"`pairwright train --explain {next(iter(found))}` says more.")


def _possible(key: str, known: Mapping[str, Setting]) -> str:
    return known[key].possible if key in known else _GROUP.usual
