"""Mining from asking to the batch: sample where there are only prompts, score, choose.

Each step is a job that carries what was asked. When one is done, `advance` takes the next step; it
may be called any number of times, by the worker after each job and by who waits for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rounds import batching, targets
from rounds.batching import Wanted
from rounds.dataset import BuildSettings, preview
from rounds.failures import aims
from rounds.failures.aims import Aim, Near
from rounds.mining import balancing, choosing, strategies
from rounds.mining.candidates import Candidate, Labeled
from rounds.mining.choosing import Choice, Chosen, MiningSettings
from storage import batches, dataset_versions, evaluations, pairs
from storage.errors import DamagedError, WrongInputError
from storage.rows import Batch, Evaluation, Job, JobState, PairView, Verdict
from storage.workspace import Workspace
from training.jobs import submission
from training.pool import submission as pools

ACTOR = "mining"
SAMPLE, SCORE = "sample", "score"


@dataclass(frozen=True)
class MiningRequest:
    """What was asked: which batch to make, how large, by which strategy. See MiningSettings.

    Attributes:
        batch: name of the batch that will be made.
        checkpoint: what is to say how sure it is.
        reference: what its implicit reward is measured against: the start of its round.
        pool: name of a batch to choose from; None for all unlabeled pairs.
        overlap: votes wanted on each pair.
        most: so many pairs are scored at most.
        note: why this strategy and no other, for leads; empty where it was asked for.
    """

    batch: str
    checkpoint: str
    reference: str
    size: int = 200
    strategy: str = strategies.MARGIN
    confidence_threshold: float = 0.6
    random_share: float = 0.2
    floor: int = 0
    seed: int = 0
    pool: str | None = None
    overlap: int = 1
    most: int | None = None
    note: str = ""

    @property
    def settings(self) -> MiningSettings:
        """What choosing needs, without weights."""
        names = ("size", "strategy", "confidence_threshold", "random_share", "floor", "seed")
        return MiningSettings(**{name: getattr(self, name) for name in names})


def submit(
    workspace: Workspace,
    request: MiningRequest,
    *,
    prompts: Path | None = None,
    sampling: Mapping[str, Any] | None = None,
    key: str | None = None,
) -> Job:
    """Queue the first step: two answers to every prompt of a file, or the scoring of a pool.

    Args:
        sampling: settings of the answers, as `sample` takes them.

    Raises:
        NotFoundError, WrongInputError, ConflictError: what was asked cannot be done.
    """
    request.settings.check()
    if request.strategy not in strategies.MEANINGS:
        raise WrongInputError(
            f"There is no strategy {request.strategy!r}.", f"Use {', '.join(strategies.MEANINGS)}."
        )
    if request.strategy == strategies.FAILURES:
        _require_aims(aims.of_workspace(workspace))
    batches.check_name(request.batch)
    with workspace.ledger.read() as db:
        if batches.find(db, request.batch) is not None:
            raise WrongInputError(
                f"A batch {request.batch!r} is there already.", "Choose another name."
            )
    if prompts is None:
        return _score(workspace, request, key)
    pool = f"{request.batch}-pool"
    asked = replace(request, pool=pool)
    return submission.submit_sampling(
        workspace,
        start_from=request.checkpoint,
        prompts=prompts,
        batch=pool,
        settings={"answers": 2, "seed": request.seed, **(sampling or {})},
        key=key,
        then={"mining": asdict(asked)},
    )


def advance(workspace: Workspace, job: Job) -> Job | Batch | None:
    """The next step after a job that was part of mining; None where there is none to take.

    Raises:
        WrongInputError: nothing can be chosen.
        DamagedError: the scores cannot be read.
    """
    request = of_job(job)
    if request is None or job.state is not JobState.SUCCEEDED:
        return None
    with workspace.ledger.read() as db:
        if batches.find(db, request.batch) is not None:
            return None
    if job.kind == SAMPLE:
        return _score(workspace, request, key=f"{job.id} score")
    chosen, near = _choose(workspace, job, request)
    return _make(workspace, job, request, chosen, near)


def of_job(job: Job) -> MiningRequest | None:
    """What a job was asked as part of mining; None for any other job."""
    found = dict(job.spec.get("then") or {}).get("mining")
    return None if found is None else MiningRequest(**found)


def choose(workspace: Workspace, job: Job, request: MiningRequest) -> Chosen:
    """What the scores of a job choose, without making anything."""
    return _choose(workspace, job, request)[0]


def _choose(
    workspace: Workspace, job: Job, request: MiningRequest
) -> tuple[Chosen, Mapping[str, Near]]:
    """The choice and, where it looks for failures, which cluster every candidate is nearest to."""
    candidates = read_candidates(workspace, job)
    if request.strategy == strategies.FAILURES:
        wanted = _require_aims(aims.of_workspace(workspace))
        near = aims.near(wanted, candidates)
        parts = aims.weights(wanted, (one.category for one in candidates))
        scores = {pair_id: one.score for pair_id, one in near.items()}
        settings = replace(request.settings, weights=parts)
        return choosing.choose(candidates, settings, near=scores), near
    settings = replace(request.settings, weights=_weights(workspace, request.checkpoint))
    needs_labels = request.strategy == strategies.DISAGREEMENT
    labeled = _labeled(workspace) if needs_labels else ()
    return choosing.choose(candidates, settings, labeled), {}


def _require_aims(found: list[Aim]) -> list[Aim]:
    if not found:
        raise WrongInputError(
            f"Pairs cannot be chosen by failures: {aims.NONE_YET}.",
            "Use another strategy, or ask for it: pairwright batch create NAME --rubric grounding",
        )
    return found


def read_candidates(workspace: Workspace, job: Job) -> list[Candidate]:
    """The pairs that a job scored, with what they ask and answer.

    Raises:
        DamagedError: the scores are missing or damaged.
    """
    path = workspace.jobs_folder / job.id / "scores.jsonl"
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        scored = {line["pair_id"]: line for line in lines}
        with workspace.ledger.read() as db:
            views = pairs.views(db, list(scored))
        return [_candidate(view, scored[view.pair.id]) for view in views]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedError(f"{path} cannot be read ({error}).", "Mine again.") from error


def _candidate(view: PairView, line: Mapping[str, Any]) -> Candidate:
    own = line["a_logp"] - line["b_logp"]
    before = line["reference_a_logp"] - line["reference_b_logp"]
    return Candidate(
        pair_id=view.pair.id,
        prompt_id=view.prompt.id,
        category=view.prompt.category,
        media=view.prompt.media,
        words=view.prompt.question,
        answers=(view.text_a, view.text_b),
        delta=own - before,
        beta=line["beta"],
        logps=(line["a_logp"], line["b_logp"]),
        tokens=(line["a_tokens"], line["b_tokens"]),
    )


def _score(workspace: Workspace, request: MiningRequest, key: str | None) -> Job:
    return pools.submit(
        workspace,
        checkpoint=request.checkpoint,
        reference=request.reference,
        batch=request.pool,
        seed=request.seed,
        most=request.most,
        key=key,
        then={"mining": asdict(request)},
    )


def _make(
    workspace: Workspace,
    job: Job,
    request: MiningRequest,
    chosen: Chosen,
    near: Mapping[str, Near],
) -> Batch:
    wanted = [
        Wanted(
            pair_id=one.candidate.pair_id,
            strategy=one.strategy,
            score=one.score,
            propensity=one.propensity,
            detail={
                "job": job.id,
                "checkpoint": request.checkpoint,
                "reference": request.reference,
                "probability_a": round(one.candidate.probability, 6),
                **_aimed(one, near),
            },
        )
        for one in chosen.choices
    ]
    quotas = [{**vars(one), "shortage": one.shortage} for one in chosen.quotas]
    detail = {
        "job": job.id,
        "request": asdict(request),
        "quotas": quotas,
        "left_out": dict(chosen.left_out),
        "missing": chosen.missing,
    }
    return batching.make(
        workspace, request.batch, wanted, overlap=request.overlap, actor=ACTOR, detail=detail
    )


def _aimed(one: Choice, near: Mapping[str, Near]) -> dict[str, str]:
    """The cluster of failures that a pair was chosen for."""
    if one.strategy != strategies.FAILURES:
        return {}
    aim = near[one.candidate.pair_id].aim
    return {"kind": aim.kind, "cluster": aim.name}


def _weights(workspace: Workspace, checkpoint: str) -> dict[str, float]:
    """Category -> distance to its target on the audit set; empty without targets."""
    found = targets.of_evaluation(workspace, _measured(workspace, checkpoint))
    if all(one.target is None for one in found):
        return {}
    return {
        one.category: balancing.weight_to_target(
            one.target, one.accuracy.ci95[0] if one.accuracy and one.accuracy.ci95 else None
        )
        for one in found
    }


def _measured(workspace: Workspace, checkpoint: str) -> Evaluation | None:
    """The newest evaluation of a checkpoint on the newest version of the audit set."""
    with workspace.ledger.read() as db:
        audits = [one for one in dataset_versions.listed(db) if one.policy.get("audit")]
        if not audits:
            return None
        listed = evaluations.listed(db, checkpoint=checkpoint)
    return next((one for one in listed if one.dataset_version == audits[-1].id), None)


def _labeled(workspace: Workspace) -> list[Labeled]:
    """Every pair that votes decided."""
    rows = list(preview(workspace, BuildSettings(holdout=0.0)).rows)
    with workspace.ledger.read() as db:
        views = {view.pair.id: view for view in pairs.views(db, [row.pair_id for row in rows])}
    return [
        Labeled(
            answers=(views[row.pair_id].text_a, views[row.pair_id].text_b),
            words=row.prompt.question,
            winner=str(Verdict.A if row.chosen == views[row.pair_id].text_a else Verdict.B),
        )
        for row in rows
    ]
