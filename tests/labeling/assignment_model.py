"""What assignment promises, in plain Python: the oracle of `test_assignment_machine`."""

from __future__ import annotations

from dataclasses import dataclass, field

MINUTE = 60 * 1_000_000
LEASE = 15 * MINUTE
# a lease is written again only when it gains a minute
GAIN = MINUTE
ON_THE_DESK = 2


@dataclass
class Offered:
    """A pair that was given to a person; `verdict` is the vote that stands, None without one.

    `lapsed`: the lease ran out, or was given back by a skip, and no place was free to renew it.
    """

    person: str
    pair: str
    until: int
    verdict: str | None = None
    answered_at: int = 0
    late: bool = False
    lapsed: bool = False
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
        found = [one.verdict for one in self.offered if one.pair == pair and one.verdict]
        return [verdict for verdict in found if verdict != "skip"]

    def is_contested(self, pair: str) -> bool:
        found = self.verdicts(pair)
        return bool(found) and all(3 * found.count(side) < 2 * len(found) for side in "ab")

    def wanted(self, pair: str) -> int:
        votes = len(self.verdicts(pair))
        reviewed = votes >= self.overlap and self.is_contested(pair) and votes < self.limit
        return votes + 1 if reviewed else self.overlap

    def has_room(self, pair: str, person: str) -> bool:
        """Whether a vote of this person still has a place beside votes and leases of others."""
        held = [one for one in self.offered if one.pair == pair and one.person != person]
        running = sum(one.verdict is None and one.until > self.now for one in held)
        return len(self.verdicts(pair)) + running < self.wanted(pair)

    def on_desk(self, person: str) -> list[Offered]:
        waiting = [one for one in self.of(person) if one.verdict is None]
        return [one for one in waiting if one.until > self.now or self.has_room(one.pair, person)]

    def next_pair(self, person: str) -> str | None:
        """Contested before others, then more votes before fewer, then the batch's order."""
        had = {one.pair for one in self.of(person)}
        free = [each for each in self.pairs if each not in had and self.has_room(each, person)]

        def urgency(pair: str) -> tuple[bool, int]:
            return self.is_contested(pair), len(self.verdicts(pair))

        return max(free, key=urgency, default=None)

    def fill(self, person: str) -> None:
        """Two pairs on the desk, their leases renewed."""
        until = self.now + LEASE
        desk = self.on_desk(person)
        for one in desk[:ON_THE_DESK]:
            if one.until < until - GAIN:
                one.lapsed = one.lapsed and one.until > self.now
                one.until = until
        for _ in range(ON_THE_DESK - len(desk)):
            pair = self.next_pair(person)
            if pair is None:
                return
            self.offered.append(Offered(person, pair, until))

    def vote(self, one: Offered, event: str, verdict: str) -> None:
        one.verdict, one.answered_at, one.late = verdict, self.now, one.lapsed
        one.events.append((event, verdict))
        if verdict == "skip":
            one.until, one.lapsed = min(one.until, self.now), True

    def undo(self, one: Offered, event: str) -> None:
        one.verdict = None
        one.events.append((event, None))

    def last_answered(self, person: str) -> Offered | None:
        """By the ledger's clock, then by the order of offers."""
        answered = [one for one in self.of(person) if one.verdict is not None]
        return max(reversed(answered), key=lambda one: one.answered_at, default=None)

    def move_clock(self, micros: int) -> None:
        self.now += micros
        for one in self.offered:
            one.lapsed = one.lapsed or one.until <= self.now

    def timely(self, pair: str) -> int:
        """Votes that count and came while their place was held."""
        found = [one for one in self.offered if one.pair == pair and not one.late]
        return sum(one.verdict not in (None, "skip") for one in found)
