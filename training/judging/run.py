"""A `judge` job: every pair asked about in both orders, a line of `judgements.jsonl` each.

`pairs.jsonl` goes in. A job that is resumed asks about the pairs that have no line yet.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from storage.errors import DamagedError, WrongInputError
from training.jobs import appending
from training.jobs.folder import JobFolder, RunSpec
from training.jobs.journal import Journal, StopRequestedError
from training.judging.question import (
    Question,
    Reply,
    both_orders,
    is_consistent,
    judgement,
)
from training.measuring.figures import Figure, wilson
from training.modeling import sources
from training.pool import pairs as lines
from training.pool.pairs import PoolPair
from training.settings.spec import JudgingSpec, parse_judging

# questions without any answer, one after the other, after which an address is taken to be gone
MOST_SILENCE = 20
# reasons are counted by their first words: what an address says may differ from pair to pair
_REASON = 80


class Judge(Protocol):
    """Whatever can be asked which of two answers is better."""

    may_tie: bool

    def ask(self, questions: Sequence[Question]) -> list[Reply]: ...

    def close(self) -> None: ...


def judge(folder: JobFolder) -> None:
    """Do a `judge` job. Raises PairwrightError when the judge cannot be asked at all."""
    journal = Journal(folder)
    try:
        _judge(folder, journal)
    except StopRequestedError:
        folder.stop()


def _judge(folder: JobFolder, journal: Journal) -> None:
    spec = folder.read_spec()
    settings = parse_judging(spec.settings)
    records = appending.mended(folder.judgements_file)
    done = {record["pair_id"] for record in records}
    pairs = lines.read(folder.pairs_file)
    waiting = [pair for pair in pairs if pair.pair_id not in done]
    size = max(1, settings.batch_size // 2)
    silence = 0
    if waiting:
        asked = _judge_of(folder, spec, settings, journal)
        try:
            for start in range(0, len(waiting), size):
                journal.check_stop()
                journal.progress("judging", len(records), len(pairs), len(done))
                fresh, silent = _ask(asked, waiting[start : start + size], spec)
                appending.append(folder.judgements_file, fresh)
                records += fresh
                silence = silence + silent if silent == 2 * len(fresh) else 0
                if silence >= MOST_SILENCE:
                    journal.note(f"No answer to the last {silence} questions: asking ended there.")
                    break
        finally:
            asked.close()
    journal.progress("judging", len(records), len(pairs))
    figures = measure(records, len(pairs))
    if silence >= MOST_SILENCE and not figures["judged"]:
        raise WrongInputError(
            f"The judge answered none of {2 * len(records)} questions ({records[-1]['problem']}).",
            "Check that it runs, and ask again: pairs that have a label are not asked about twice.",
        )
    folder.finish(None, None, figures)


def measure(records: Sequence[Mapping[str, Any]], pairs: int) -> dict[str, Any]:
    """What came of a job: counts, the consistency over both orders, tokens, reasons.

    `unjudged` counts pairs by reason; those that were never asked about are among them.
    """
    judged = [record for record in records if record["verdict"]]
    reasons = Counter(record["problem"][:_REASON] for record in records if not record["verdict"])
    if pairs > len(records):
        reasons["not asked about"] = pairs - len(records)
    consistent = sum(is_consistent(record) for record in judged)
    n = len(judged)
    consistency = Figure(
        consistent / n if n else None,
        wilson(consistent, n) if n else None,
        n,
        "model",
        "" if n else "no pair was judged",
    )
    return {
        "pairs": pairs,
        "judged": n,
        "ties": sum(record["verdict"] == "tie" for record in judged),
        "consistency": consistency.as_json(),
        "tokens_in": sum(record["tokens_in"] or 0 for record in records),
        "tokens_out": sum(record["tokens_out"] or 0 for record in records),
        "tokens_unknown": sum(record["tokens_in"] is None for record in judged),
        "unjudged": dict(reasons),
    }


def _ask(
    asked: Judge, pairs: Sequence[PoolPair], spec: RunSpec
) -> tuple[list[dict[str, Any]], int]:
    """The lines of these pairs, and how many of their questions got no answer at all."""
    told = _how(spec)["instructions"]
    questions = [one for pair in pairs for one in both_orders(pair, told, may_tie=asked.may_tie)]
    replies = asked.ask(questions)
    records = [judgement(pair, replies[2 * at : 2 * at + 2]) for at, pair in enumerate(pairs)]
    return records, sum(reply.is_silence for reply in replies)


def _judge_of(folder: JobFolder, spec: RunSpec, settings: JudgingSpec, journal: Journal) -> Judge:
    how = _how(spec)
    source = sources.stored(spec.media_url, folder.cache_of(spec), settings)
    if not how["address"]:
        # brings torch in
        from training.judging.local import LocalJudge

        return LocalJudge(spec, settings, source)
    from training.judging import address

    key = os.environ.get(how["key_variable"], "")
    address.check_key_travels_safely(how["address"], key)
    return address.AddressJudge(
        how["address"], how["model"], key, settings, source, journal.check_stop
    )


def _how(spec: RunSpec) -> Mapping[str, Any]:
    if spec.judge is None:
        raise DamagedError("The job names no judge.", "Submit it again: pairwright judge.")
    return spec.judge
