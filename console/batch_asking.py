"""What an import may change about its batch: rubric, guidelines, both bad, confidence.

The command and the page offer the same; what is left out stays as the batch has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from labeling import rubrics
from storage import batches, guidelines
from storage.ledger import Connection
from storage.rows import Batch
from storage.workspace import Workspace


@dataclass(frozen=True)
class Asking:
    """What annotators of a batch are asked and told. Empty and False keep what the batch has.

    Attributes:
        rubric: the name of a preset, or a file on this machine with a rubric of one's own.
        guidelines: plain text, at most 200,000 characters.
        both_bad: annotators may say that both answers are bad.
        confidence: annotators say how sure they are.
    """

    rubric: str = ""
    guidelines: str = ""
    both_bad: bool = False
    confidence: bool = False

    def changes(self, db: Connection, batch: str) -> list[str]:
        """What becomes other than the batch of this name has it, as sentences.

        Raises:
            WrongInputError: rubric or guidelines cannot be used.
        """
        rubric = self._rubric()
        guidelines.check(self.guidelines)
        found = batches.find(db, batch)
        return [] if found is None else list(self._changes(found, rubric))

    def keep(self, workspace: Workspace, batch: str) -> None:
        """Set it on the batch of this name. A file without a usable record has made none.

        Raises:
            WrongInputError: as in `changes`.
        """
        rubric = self._rubric()
        if self == Asking():
            return
        with workspace.ledger.write() as tx:
            found = batches.find(tx, batch)
            if found is not None:
                batches.update(
                    tx,
                    found.id,
                    rubric=rubric or None,
                    guidelines=self.guidelines or None,
                    both_bad=self.both_bad or None,
                    confidence=self.confidence or None,
                )

    def _rubric(self) -> str:
        """As the batch keeps it."""
        return rubrics.chosen(self.rubric) if self.rubric else ""

    def _changes(self, batch: Batch, rubric: str) -> Iterator[str]:
        if rubric not in ("", batch.rubric):
            before = criteria(batch.rubric) or "nothing"
            yield f"Annotators of the batch rate {criteria(rubric)} instead of {before}."
        if self.guidelines not in ("", batch.guidelines):
            yield (
                "The guidelines of the batch are replaced."
                if batch.guidelines
                else "The batch gets guidelines."
            )
        if self.both_bad and not batch.both_bad:
            yield "Annotators of the batch may say that both answers are bad."
        if self.confidence and not batch.confidence:
            yield "Annotators of the batch are asked how sure they are."


def criteria(rubric: str) -> str:
    """What the rubric of a batch lets annotators rate: `Accuracy, Spatial grounding`; empty for
    none.

    Raises:
        WrongInputError: it is no rubric.
    """
    found = rubrics.of(rubric)
    return ", ".join(criterion.label for criterion in found.criteria) if found else ""
