"""What assignment promises, in plain Python: the oracle of `test_assignment_machine`."""

from __future__ import annotations

from dataclasses import dataclass, field

MINUTE = 60 * 1_000_000
LEASE = 15 * MINUTE
SPARED = 15 * MINUTE
# a lease is written again only when it gains a minute
GAIN = MINUTE
ON_THE_DESK = 2


@dataclass
class Offered:
    """A pair that was given to a person; `verdict` is the vote that stands, None without one.

    `aside`: it came when neither a lease nor a free place was left for it, so it does not count.
    """

    person: str
    pair: str
    until: int
    verdict: str | None = None
    answered_at: int = 0
    aside: bool = False
    events: list[tuple[str, str | None]] = field(default_factory=list)


@dataclass
class Model:
    """A batch of `pairs` by their order. Times are microseconds."""

    pairs: list[str]
    overlap: int
    limit: int
    now: int
    offered: list[Offered] = field(default_factory=list)

    def of(self, person: str) -> list[Offered]:
        return [one for one in self.offered if one.person == person]

    def verdicts(self, pair: str) -> list[str]:
        """The votes that count on a pair."""
        here = [one for one in self.offered if one.pair == pair and not one.aside]
        found = [one.verdict for one in here if one.verdict]
        return [verdict for verdict in found if verdict != "skip"]

    def is_contested(self, pair: str) -> bool:
        found = self.verdicts(pair)
        return bool(found) and all(3 * found.count(side) < 2 * len(found) for side in "ab")

    def wanted(self, pair: str) -> int:
        votes = len(self.verdicts(pair))
        reviewed = votes >= self.overlap and self.is_contested(pair) and votes < self.limit
        return votes + 1 if reviewed else self.overlap

    def has_room(self, pair: str, person: str, spared: int = 0) -> bool:
        """Whether a vote of this person still has a place beside votes and leases of others, those
        counted too that ended less than `spared` ago."""
        held = [one for one in self.offered if one.pair == pair and one.person != person]
        running = sum(one.verdict is None and one.until > self.now - spared for one in held)
        return len(self.verdicts(pair)) + running < self.wanted(pair)

    def on_desk(self, person: str) -> list[Offered]:
        waiting = [one for one in self.of(person) if one.verdict is None]
        return [one for one in waiting if one.until > self.now or self.has_room(one.pair, person)]

    def next_pair(self, person: str) -> str | None:
        """Contested before others, then more votes before fewer, then the batch's order; last what
        others may still judge."""
        had = {one.pair for one in self.of(person)}
        new = [each for each in self.pairs if each not in had]
        free = [each for each in new if self.has_room(each, person, spared=SPARED)]
        free = free or [each for each in new if self.has_room(each, person)]

        def urgency(pair: str) -> tuple[bool, int]:
            return self.is_contested(pair), len(self.verdicts(pair))

        return max(free, key=urgency, default=None)

    def fill(self, person: str) -> None:
        """Two pairs on the desk, their leases renewed."""
        until = self.now + LEASE
        desk = self.on_desk(person)
        for one in desk[:ON_THE_DESK]:
            if one.until < until - GAIN:
                one.until = until
        for _ in range(ON_THE_DESK - len(desk)):
            pair = self.next_pair(person)
            if pair is None:
                return
            self.offered.append(Offered(person, pair, until))

    def vote(self, one: Offered, event: str, verdict: str) -> None:
        is_held = one.until > self.now or self.has_room(one.pair, one.person)
        one.aside = verdict != "skip" and not is_held
        one.verdict, one.answered_at = verdict, self.now
        one.events.append((event, verdict))
        if verdict == "skip":
            one.until = min(one.until, self.now)

    def undo(self, one: Offered, event: str) -> None:
        one.verdict, one.aside = None, False
        one.events.append((event, None))

    def last_answered(self, person: str) -> Offered | None:
        """By the ledger's clock, then by the order of offers."""
        answered = [one for one in self.of(person) if one.verdict is not None]
        return max(reversed(answered), key=lambda one: one.answered_at, default=None)

    def move_clock(self, micros: int) -> None:
        self.now += micros
