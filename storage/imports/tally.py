"""What an import records and counts, whatever format the comparisons come in.

Recording is kept apart from counting: a transaction may be undone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from storage import batches, intake, labels
from storage.imports import foreign_votes
from storage.imports.records import BOTH_BAD, FIRST, SECOND, SKIP, TIE, Opinion
from storage.intake import Comparison
from storage.ledger import Connection, Ledger
from storage.rows import Batch, FirstPair, ImportedLabel, ImportReport, Rejected, Verdict

LABELS, VOTES = "labels", "votes"
MOST_SHOWN = 3
_VERDICTS = {TIE: Verdict.TIE, BOTH_BAD: Verdict.BOTH_BAD, SKIP: Verdict.SKIP}


@dataclass(frozen=True)
class Entry:
    """A comparison and what its file says about it."""

    comparison: Comparison
    opinions: tuple[Opinion, ...]

    def verdict(self, opinion: Opinion) -> Verdict:
        """What an opinion on the first and second answer says in canonical orientation."""
        if opinion.choice in _VERDICTS:
            return _VERDICTS[opinion.choice]
        first = Verdict(self.comparison.first)
        second = Verdict.B if first is Verdict.A else Verdict.A
        return first if opinion.choice == FIRST else second

    @property
    def winners(self) -> set[str]:
        """The answers (`a`, `b`) that somebody prefers."""
        return {
            self.verdict(each).value for each in self.opinions if each.choice in (FIRST, SECOND)
        }


@dataclass(frozen=True)
class Outcome:
    """What recording one comparison did, or would do."""

    is_new: bool
    is_conflict: bool
    other_category: bool
    old_overlap: int | None = None
    votes: tuple[str, ...] = ()


@dataclass
class Tally:
    """Counts of one import into one batch.

    Attributes:
        source: name of the file.
        labeled_by: names the imported labels.
        taken_as: `labels` or `votes`.
    """

    batch: str
    overlap: int | None
    source: str
    labeled_by: str
    taken_as: str = LABELS
    records: int = 0
    blank: int = 0
    imported: int = 0
    present: int = 0
    conflicts: int = 0
    other_categories: int = 0
    old_overlap: int | None = None
    rejected: list[Rejected] = field(default_factory=list)
    unknown: Counter[str] = field(default_factory=Counter)
    decisions: Counter[str] = field(default_factory=Counter)
    votes: Counter[str] = field(default_factory=Counter)
    first: list[FirstPair] = field(default_factory=list)
    # pair id -> winners named by this file, and (who, verdict) of its votes
    seen: dict[str, set[str]] = field(default_factory=dict)
    voted: dict[tuple[str, str], Verdict] = field(default_factory=dict)
    categories: dict[str, str] = field(default_factory=dict)

    def take(self, ledger: Ledger, entries: Sequence[Entry], dry_run: bool) -> None:
        """Record and count some comparisons, or only count what recording them would do."""
        if dry_run:
            with ledger.read() as db:
                for entry in entries:
                    self.expect(db, entry)
            return
        outcomes = intake.write_in_slices(ledger, entries, self.write)
        for entry, outcome in zip(entries, outcomes, strict=True):
            self.count(entry, outcome)

    def write(self, tx: Connection, entry: Entry) -> Outcome:
        """Record a comparison with its labels or votes."""
        comparison = entry.comparison
        before = batches.find(tx, self.batch)
        batch = intake.find_or_create_batch(tx, self.batch, self.overlap)
        category = intake.category_of(tx, comparison.prompt.id)
        is_new = intake.add(tx, batch.id, comparison)
        cast: list[str] = []
        winners: set[str] = set()
        pair = comparison.pair
        if self.taken_as == VOTES:
            for opinion in entry.opinions:
                verdict, left = entry.verdict(opinion), comparison.first
                cast.append(foreign_votes.cast(tx, batch.id, pair, opinion, verdict, left))
        else:
            for winner in sorted(entry.winners):
                is_new = labels.add(tx, self._label(batch, comparison, winner)) or is_new
            winners = labels.winners(tx, pair.id, batch.id, self.labeled_by)
        return Outcome(
            is_new=is_new or foreign_votes.ADDED in cast,
            is_conflict=bool(entry.winners) and len(winners) > 1,
            other_category=category not in (None, comparison.prompt.category),
            old_overlap=before.overlap if before and before.overlap != batch.overlap else None,
            votes=tuple(cast),
        )

    def expect(self, db: Connection, entry: Entry) -> None:
        """Count what recording would do, from the ledger and the records before."""
        batch = batches.find(db, self.batch)
        pair, prompt = entry.comparison.pair, entry.comparison.prompt
        is_there = pair.id in self.seen
        there = set(self.seen.get(pair.id, set()))
        old_overlap = None
        if batch is not None:
            if batches.has_pair(db, batch.id, pair.id):
                is_there = True
                there |= labels.winners(db, pair.id, batch.id, self.labeled_by)
            if self.overlap not in (None, batch.overlap):
                old_overlap = batch.overlap
        as_votes = self.taken_as == VOTES
        cast = self._expected_votes(db, batch, entry) if as_votes else ()
        winners = set() if as_votes else entry.winners
        category = self.categories.setdefault(
            prompt.id, intake.category_of(db, prompt.id) or prompt.category
        )
        outcome = Outcome(
            is_new=not is_there or bool(winners - there) or foreign_votes.ADDED in cast,
            is_conflict=bool(winners) and len(there | winners) > 1,
            other_category=category != prompt.category,
            old_overlap=old_overlap,
            votes=tuple(cast),
        )
        self.count(entry, outcome)

    def count(self, entry: Entry, outcome: Outcome) -> None:
        """Count one comparison that was recorded."""
        pair_id = entry.comparison.pair.id
        self.imported += outcome.is_new
        self.present += not outcome.is_new
        self.conflicts += outcome.is_conflict
        self.other_categories += outcome.other_category
        self.old_overlap = self.old_overlap or outcome.old_overlap
        self.votes.update(outcome.votes)
        self.decisions.update(_name(opinion.choice) for opinion in entry.opinions)
        self.decisions["none"] += not entry.opinions
        self.seen.setdefault(pair_id, set()).update(entry.winners)
        for opinion, known in zip(entry.opinions, outcome.votes, strict=False):
            if known == foreign_votes.ADDED:
                self.voted[pair_id, opinion.who] = entry.verdict(opinion)
        if len(self.first) < MOST_SHOWN:
            self.first.append(_shown(entry))

    def report(self, notes: Sequence[str] = ()) -> ImportReport:
        """The counts so far, with more to know in `notes`."""
        return ImportReport(
            batch=self.batch,
            records=self.records,
            imported=self.imported,
            present=self.present,
            pairs=len(self.seen),
            conflicts=self.conflicts,
            rejected=tuple(self.rejected),
            notes=(*self._notes(), *notes),
            taken_as=self.taken_as,
            decisions={name: count for name, count in sorted(self.decisions.items()) if count},
            votes=dict(sorted(self.votes.items())),
            first=tuple(self.first),
        )

    def _expected_votes(self, db: Connection, batch: Batch | None, entry: Entry) -> list[str]:
        pair_id = entry.comparison.pair.id
        found = []
        for opinion in entry.opinions:
            verdict = entry.verdict(opinion)
            said = self.voted.get((pair_id, opinion.who))
            if said is not None:
                same = said is verdict
                found.append(foreign_votes.PRESENT if same else foreign_votes.CONFLICTING)
            elif batch is None:
                found.append(foreign_votes.ADDED)
            else:
                who = opinion.who
                found.append(foreign_votes.compare(db, batch.id, pair_id, who, verdict))
        return found

    def _notes(self) -> Iterator[str]:
        if self.blank:
            yield f"Blank lines skipped: {self.blank}."
        for key, count in sorted(self.unknown.items()):
            yield f"Key {key!r} is unknown and was not kept: {count} records."
        if self.other_categories:
            yield (
                "Prompts that are already there under another category, which they keep:"
                f" {self.other_categories} records."
            )
        if self.old_overlap is not None:
            yield f"Overlap of the batch: {self.overlap} instead of {self.old_overlap}."

    def _label(self, batch: Batch, comparison: Comparison, winner: str) -> ImportedLabel:
        return ImportedLabel(
            pair_id=comparison.pair.id,
            winner=winner,
            labeled_by=self.labeled_by,
            batch_id=batch.id,
            source=self.source,
            line=comparison.line,
            record_id=comparison.record_id,
        )


def _name(choice: str) -> str:
    return "preferred" if choice in (FIRST, SECOND) else choice


def _shown(entry: Entry) -> FirstPair:
    comparison = entry.comparison
    said = [f"{opinion.who or 'the file'}: {opinion.choice}" for opinion in entry.opinions]
    last = comparison.prompt.turns[-1]
    return FirstPair(
        line=comparison.line,
        category=comparison.prompt.category,
        prompt="".join(part.text or f"<{part.type}>" for part in last.parts),
        answers=comparison.answers,
        said=tuple(said),
    )
