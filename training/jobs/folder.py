"""The job folder: the only contract between a worker and a runner.

`spec.json` goes in. `events.jsonl` (append-only), `log.txt`, `checkpoints/`, `result.json` and, for
sampling, `samples.jsonl` come out. A runner reads and writes this folder and nothing else of ours:
it never sees the ledger or its credentials.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from storage.errors import DamagedError

# below the workspace, or in the folder: what is computed again when it is deleted
CACHE = "cache"
SCHEMA = 1
KINDS = ("train", "plan", "evaluate", "sample", "judge", "score", "publish")
EVENT_KINDS = ("metric", "progress", "note", "checkpoint")
# the starting process's id, so that a parent that died before we could ask is noticed
PARENT_VARIABLE = "JOB_RUNNER_PARENT"
# exit status of a runner that cannot write why it ended (EX_IOERR of sysexits.h)
CANNOT_WRITE = 74
# and of one whose run lost one of its processes
LOST_PROCESS = 71


@dataclass(frozen=True)
class DatasetRef:
    """Which dataset version a job reads.

    Attributes:
        version: id of the dataset version, such as `v3`.
        path: absolute path of its Parquet file.
        labels: who decided the rows; named in every figure.
        digest: SHA-256 over its canonical rows, so that a runner can check what it reads.
    """

    version: str
    path: str
    labels: str
    digest: str


@dataclass(frozen=True)
class Answerer:
    """One of several that answer the same prompts.

    Attributes:
        name: id of the checkpoint, or the name of a bare model.
        model, adapters: as in RunSpec.
    """

    name: str
    model: str
    adapters: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunSpec:
    """What a runner is asked to do: the content of `spec.json`.

    Attributes:
        job, attempt: the job's id and which try this is, from 1.
        kind: `train`, `plan` (what a `train` would need), `evaluate`, `sample`, `judge` or
            `publish`.
        settings: as JSON, a resolved DPOSpec for `train`, `plan` and `evaluate`, a SamplingSpec for
            `sample`, a JudgingSpec for `judge`, what goes where for `publish`.
        model: folder or Hub id of the weights that the policy starts from.
        adapters: absolute adapter folders to put on `model`, parent first.
        reference_model: folder or Hub id of the reference's weights.
        reference_adapters: adapter folders of the reference, parent first; `()` is the bare
            `reference_model`. None when the job has no reference (`sample`).
        dataset: the dataset version; None for `sample`.
        split: `train`, `holdout` or `all`: the rows that `evaluate` measures.
        media_url: fsspec URL of the media store.
        prompts: absolute path of the prompts to sample for; None otherwise.
        pictures_root: absolute folder that picture paths in `prompts` are relative to.
        publication: what `publish` puts where, and what its card says; None otherwise.
        blank_pictures: whether `evaluate` also measures with the pictures blanked.
        answers: prompts that `evaluate` lets policy and reference answer.
        cache: absolute folder for what jobs may share and anybody may delete; the job's own folder
            when it is empty.
        judge: who judges the pairs of `pairs.jsonl`, and what it is told; None otherwise.
        answerers: what answers the prompts of `sample`, where that is more than `model` alone.
        base: folder or Hub id of the model underneath all checkpoints; empty when unknown.
    """

    job: str
    attempt: int
    kind: str
    settings: Mapping[str, Any]
    model: str
    adapters: tuple[str, ...] = ()
    reference_model: str = ""
    reference_adapters: tuple[str, ...] | None = None
    dataset: DatasetRef | None = None
    split: str = "holdout"
    media_url: str = ""
    prompts: str | None = None
    pictures_root: str | None = None
    publication: Mapping[str, Any] | None = None
    blank_pictures: bool = False
    answers: int = 0
    cache: str = ""
    judge: Mapping[str, Any] | None = None
    answerers: tuple[Answerer, ...] = ()
    base: str = ""


@dataclass(frozen=True)
class RunResult:
    """How a run ended: the content of `result.json`.

    Attributes:
        state: `succeeded`, `failed` (the user must change something) or `stopped` (asked to stop;
            may be resumed).
        checkpoint: finished checkpoint relative to the job folder, such as `checkpoints/step-40`.
        kind: `adapter` or `full` when there is a checkpoint.
        metrics: name -> {value, ci95, n, labels}, or plain numbers.
        publication: revision, url, tag and private of what is on the Hub now.
        what, next_step: the error's two sentences when failed.
    """

    state: str
    checkpoint: str | None = None
    kind: str | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    publication: Mapping[str, Any] = field(default_factory=dict)
    what: str = ""
    next_step: str = ""


class JobFolder:
    """One job's folder, seen from either side."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stop_requested = False
        self._sequence: int | None = None
        self._attempt = 0

    @property
    def spec_file(self) -> Path:
        return self.path / "spec.json"

    @property
    def events_file(self) -> Path:
        return self.path / "events.jsonl"

    @property
    def log_file(self) -> Path:
        return self.path / "log.txt"

    @property
    def result_file(self) -> Path:
        return self.path / "result.json"

    @property
    def samples_file(self) -> Path:
        return self.path / "samples.jsonl"

    @property
    def pairs_file(self) -> Path:
        return self.path / "pairs.jsonl"

    @property
    def judgements_file(self) -> Path:
        return self.path / "judgements.jsonl"

    @property
    def scores_file(self) -> Path:
        return self.path / "scores.jsonl"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    def cache_of(self, spec: RunSpec) -> Path:
        """What jobs share and anybody may delete; the job's own where they share nothing."""
        return Path(spec.cache) if spec.cache else self.path / CACHE

    def write_spec(self, spec: RunSpec) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        self.checkpoints.mkdir(exist_ok=True)
        _replace(self.spec_file, {"schema": SCHEMA, **_spec_json(spec)})

    def read_spec(self) -> RunSpec:
        """Raises DamagedError when `spec.json` is missing, not JSON or of another schema."""
        data = _load(self.spec_file)
        if data.get("schema") != SCHEMA or data.get("kind") not in KINDS:
            raise DamagedError(
                f"{self.spec_file} has schema {data.get('schema')!r} and kind "
                f"{data.get('kind')!r}; this runner knows schema {SCHEMA} and {', '.join(KINDS)}.",
                "Use the runner of the same Pairwright version as the worker.",
            )
        try:
            spec = _spec_of(data)
        except (KeyError, TypeError) as error:
            raise DamagedError(
                f"{self.spec_file} is incomplete ({error}).", "Submit the job again."
            ) from error
        self._attempt = spec.attempt
        return spec

    def emit(self, kind: str, payload: Mapping[str, Any]) -> None:
        """Append one event. It is with the operating system when this returns.

        NaN and infinities become null, so that every line is strict JSON.
        """
        if kind not in EVENT_KINDS:
            raise ValueError(f"event kind {kind!r} is none of {', '.join(EVENT_KINDS)}")
        if self._sequence is None:
            self._sequence = _mend(self.events_file)
        self._sequence += 1
        line = {
            "sequence": self._sequence,
            "attempt": self._attempt,
            "kind": kind,
            "payload": _finite(dict(payload)),
            "at": time.time_ns() // 1000,
        }
        with self.events_file.open("a", encoding="utf-8") as events:
            events.write(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n")

    def progress(self, phase: str, step: int, steps: int, eta_seconds: float | None = None) -> None:
        """Report where the run is. `phase` is one of loading, reference, training, evaluating,
        saving, sampling, judging, preparing, uploading; `step` counts up to `steps` within it."""
        eta = None if eta_seconds is None else round(eta_seconds, 1)
        self.emit("progress", {"phase": phase, "step": step, "steps": steps, "eta_seconds": eta})

    def metric(self, step: int, epoch: float, split: str, values: Mapping[str, Any]) -> None:
        """Report figures of optimizer step `step` on `split`: `train`, `holdout`, or another of
        those in `watch`."""
        payload = {"step": step, "epoch": round(epoch, 6), "split": split, "values": dict(values)}
        self.emit("metric", payload)

    def note(self, text: str) -> None:
        """Say a sentence that the operator should read beside the run."""
        self.emit("note", {"text": text})

    def finish(self, checkpoint: str | None, kind: str | None, metrics: Mapping[str, Any]) -> None:
        """Record success. `checkpoint` is relative to this folder and has a manifest already."""
        self._end(RunResult("succeeded", checkpoint, kind, _finite(dict(metrics))))

    def published(self, publication: Mapping[str, Any]) -> None:
        """Record that something is on the Hub: its revision, url, tag and private."""
        self._end(RunResult("succeeded", publication=dict(publication)))

    def fail(self, what: str, next_step: str) -> None:
        """Record a failure that trying again would repeat: the job is not tried again."""
        self._end(RunResult("failed", what=what, next_step=next_step))

    def stop(self) -> None:
        """Record that the run ended because it was asked to; it can be resumed."""
        self._end(RunResult("stopped"))

    def result(self) -> RunResult | None:
        """How the run ended, or None while it has not said so."""
        if not self.result_file.exists():
            return None
        data = _load(self.result_file)
        known = {name: data[name] for name in RunResult.__dataclass_fields__ if name in data}
        return RunResult(**known)

    def forget_result(self) -> None:
        self.result_file.unlink(missing_ok=True)

    def log_tail(self, lines: int = 12, most_bytes: int = 16_384) -> str:
        """The last lines of `log.txt`, for an error message."""
        if not self.log_file.exists():
            return ""
        with self.log_file.open("rb") as log:
            log.seek(max(0, self.log_file.stat().st_size - most_bytes))
            text = log.read().decode("utf-8", errors="replace")
        return "\n".join(text.strip().splitlines()[-lines:])

    def _end(self, result: RunResult) -> None:
        _replace(self.result_file, asdict(result))


def _spec_json(spec: RunSpec) -> dict[str, Any]:
    return asdict(spec)


def _spec_of(data: Mapping[str, Any]) -> RunSpec:
    values = {name: data[name] for name in RunSpec.__dataclass_fields__ if name in data}
    values["adapters"] = tuple(values.get("adapters") or ())
    reference = values.get("reference_adapters")
    values["reference_adapters"] = None if reference is None else tuple(reference)
    dataset = values.get("dataset")
    values["dataset"] = None if dataset is None else DatasetRef(**dataset)
    values["answerers"] = tuple(
        Answerer(one["name"], one["model"], tuple(one["adapters"]))
        for one in values.get("answerers") or ()
    )
    return RunSpec(**values)


def _load(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DamagedError(f"{path} is missing.", "Submit the job again.") from error
    except (ValueError, UnicodeDecodeError) as error:
        raise DamagedError(f"{path} is not JSON ({error}).", "Submit the job again.") from error
    if not isinstance(data, dict):
        raise DamagedError(f"{path} holds no JSON object.", "Submit the job again.")
    return data


def _replace(path: Path, data: Mapping[str, Any]) -> None:
    """Write whole or not at all: a reader never sees half a file, also after a power loss."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(data, file, ensure_ascii=False, indent=1, allow_nan=False)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _mend(path: Path) -> int:
    """Cut a last line that a kill left half written; return the last sequence, 0 when none."""
    if not path.exists():
        return 0
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        os.truncate(path, len(whole))
    lines = whole.splitlines()
    return int(json.loads(lines[-1])["sequence"]) if lines else 0


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not (abs(value) < float("inf")):
        return None
    return value
