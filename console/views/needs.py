"""What needs someone now: rules that turn the situation into sentences with one next step each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from console.views import wording
from labeling.standings import Standing
from storage import links
from storage.round_log import RoundEvent, RoundEventKind
from storage.rows import Checkpoint, DatasetVersion, Job, JobState, Link

# A link that ends within this many hours is worth a word.
SOON_HOURS = 24

BLOCKED = "blocked"
WAITING = "waiting"
NEXT = "next"

_MICROS_PER_HOUR = wording.HOUR * wording.MICROS


@dataclass(frozen=True)
class Need:
    """One thing to do.

    Attributes:
        level: `blocked` (something stands still), `waiting` (someone must decide or label), or
            `next` (the loop can take its next step).
        text: plain sentences; may contain names that users chose.
        command: shell line that does it; empty where a page does.
        page, query: the page of the console that shows it, and its address.
    """

    level: str
    text: str
    command: str = ""
    page: str = ""
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Situation:
    """All that the rules look at. Jobs, datasets and checkpoints are newest first.

    `told`: what the loop said by itself in the open round.
    """

    home: Path
    now: int
    standings: Sequence[Standing]
    links: Sequence[Link]
    jobs: Sequence[Job]
    workers: int
    datasets: Sequence[DatasetVersion]
    checkpoints: Sequence[Checkpoint]
    models: Sequence[str]
    told: Sequence[RoundEvent] = ()


def of(situation: Situation) -> list[Need]:
    """The needs, blocked first. Never empty: with nothing to do it says so."""
    found = [
        *_of_jobs(situation),
        *(need for standing in situation.standings for need in _of_batch(situation, standing)),
        *_of_round(situation),
        *_of_pairs(situation),
        *_of_datasets(situation),
    ]
    order = (BLOCKED, WAITING, NEXT)
    return sorted(found, key=lambda need: order.index(need.level)) or [_nothing(situation)]


def _of_jobs(situation: Situation) -> list[Need]:
    found: list[Need] = []
    waiting = [job for job in situation.jobs if not job.state.is_final]
    if waiting and not situation.workers:
        found.append(
            Need(
                BLOCKED,
                f"{wording.count(len(waiting), 'job')} cannot go on: no worker is running.",
                wording.command(situation.home, "up"),
                page="runs",
            )
        )
    return [*found, *(_failed(situation, job) for job in _failures(situation.jobs))]


def _of_round(situation: Situation) -> list[Need]:
    """The newest alert, and categories to collect more of."""
    alerts = [event for event in situation.told if event.kind is RoundEventKind.ALERT]
    found = [Need(WAITING, event.detail["advice"], page="rounds") for event in alerts[-1:]]
    for event in situation.told:
        if event.kind is RoundEventKind.PROPOSED:
            text = (
                f"Category {event.detail['category'] or 'none'} misses its target of "
                f"{event.detail['target']:.0%}, and no batch was made for it: "
                f"{wording.count(event.detail['unlabeled'], 'unlabeled pair')} of it."
            )
            found.append(Need(WAITING, text, page="rounds", query={"view": "Targets"}))
    return found


def _failures(newest_first: Sequence[Job]) -> list[Job]:
    """The newest job of each kind, where it failed: what came after a failure has settled it."""
    newest: dict[str, Job] = {}
    for job in newest_first:
        newest.setdefault(job.kind, job)
    return [job for job in newest.values() if job.state is JobState.FAILED]


def _failed(situation: Situation, job: Job) -> Need:
    reason = wording.excerpt(job.error, 200) or "no reason was recorded"
    return Need(
        BLOCKED,
        f"{wording.job_kind(job.kind).capitalize()} {job.id} failed: {reason}",
        wording.command(situation.home, "job", "logs", job.id),
        page="runs",
        query={"run": job.id},
    )


def _of_batch(situation: Situation, standing: Standing) -> list[Need]:
    name = standing.batch.name
    found: list[Need] = []
    if standing.waiting and standing.pairs:
        found.extend(_of_labelers(situation, standing))
    undecided = standing.disputes + standing.ties
    if undecided:
        parts = ((standing.disputes, "dispute"), (standing.ties, "tie"))
        words = " and ".join(wording.count(number, noun) for number, noun in parts if number)
        found.append(
            Need(
                WAITING,
                f"Batch {name}: {words} among {wording.count(standing.pairs, 'pair')}, "
                "left out of dataset versions until decided.",
                page="pairs",
                query={"batch": name},
            )
        )
    return found + _of_decisions(situation, standing)


def _of_labelers(situation: Situation, standing: Standing) -> list[Need]:
    batch = standing.batch
    active = [
        link
        for link in situation.links
        if link.batch_id == batch.id and links.state(link, situation.now) == "active"
    ]
    lacking = f"{standing.waiting:,} of {wording.count(standing.pairs, 'pair')}"
    verb = "lacks" if standing.waiting == 1 else "lack"
    create = wording.command(
        situation.home, "link", "create", "--batch", batch.name, "--annotator", "NAME"
    )
    prepared = [
        link
        for link in situation.links
        if link.batch_id == batch.id and links.state(link, situation.now) == links.PREPARED
    ]
    if not active and prepared:
        waiting = wording.count(len(prepared), "prepared link")
        verb_of = "waits" if len(prepared) == 1 else "wait"
        text = f"Batch {batch.name}: {lacking} {verb} votes, and {waiting} {verb_of} for a lead."
        show = wording.command(situation.home, "link", "reveal", "--batch", batch.name)
        return [Need(WAITING, text, show, page="batches", query={"batch": batch.name})]
    if not active:
        text = f"Batch {batch.name}: {lacking} {verb} votes, and nobody has an active link."
        return [Need(WAITING, text, create, page="batches", query={"batch": batch.name})]
    last = max(link.expires_at for link in active)
    if last - situation.now > SOON_HOURS * _MICROS_PER_HOUR:
        return []
    ends = wording.until(last, situation.now)
    text = f"Batch {batch.name}: {lacking} {verb} votes, and the last link ends {ends}."
    return [Need(WAITING, text, create, page="batches", query={"batch": batch.name})]


def _of_decisions(situation: Situation, standing: Standing) -> list[Need]:
    name = standing.batch.name
    if any(version.policy.get("batch") in (name, None) for version in situation.datasets):
        return []
    words = ("dataset", "build", "--batch", name)
    build = {"view": "Build", "batch": name}
    if standing.settled and not standing.waiting:
        text = f"Batch {name} is labeled: {standing.settled:,} of {standing.pairs:,} pairs settled."
        command = wording.command(situation.home, *words)
        return [Need(NEXT, text, command, page="datasets", query=build)]
    if standing.imported and not standing.votes:
        text = (
            f"Batch {name} came with {wording.count(standing.imported, 'imported label')}: "
            "a dataset version can be built without labeling."
        )
        command = wording.command(situation.home, *words, "--labels", "imported")
        return [Need(NEXT, text, command, page="datasets", query={**build, "labels": "imported"})]
    return []


def _of_pairs(situation: Situation) -> list[Need]:
    if any(standing.pairs for standing in situation.standings):
        return []
    return [
        Need(
            NEXT,
            "There are no pairs yet. A pair is a prompt with two answers; import a file of them.",
            wording.command(situation.home, "import", "FILE", "--batch", "NAME"),
            page="imports",
        )
    ]


def _of_datasets(situation: Situation) -> list[Need]:
    if not situation.datasets:
        return []
    version = situation.datasets[0]
    used = {checkpoint.dataset_version for checkpoint in situation.checkpoints}
    used |= {str(job.spec.get("dataset")) for job in situation.jobs if job.kind == "train"}
    if version.id in used:
        return []
    start = situation.models[0] if situation.models else "MODEL"
    text = f"Dataset version {version.id} ({wording.count(version.rows, 'row')}) is not trained on."
    words = ("train", "--dataset", version.id, "--from", start)
    command = wording.command(situation.home, *words)
    return [Need(NEXT, text, command, page="train", query={"dataset": version.id})]


def _nothing(situation: Situation) -> Need:
    busy = [job for job in situation.jobs if not job.state.is_final]
    if busy:
        text = f"Nothing needs you now. {wording.count(len(busy), 'job')} under way."
        return Need(NEXT, text, page="runs", query={"run": busy[0].id})
    return Need(NEXT, "Nothing needs you now. Annotators are at work, or all is decided.")
