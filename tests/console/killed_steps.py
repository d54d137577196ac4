"""What the console writes on its own, step by step, by the functions of its pages and commands.

A step is what somebody does who starts over after a crash: everything again, links and activation
only where they are missing. What was acknowledged is printed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from console import main
from console.batch_asking import Asking
from console.views import batches as batches_page
from console.views import imports as imports_page
from storage import activations, batches, links, workspace

BATCH = "photos"
PEOPLE = 12
RECORDS = "records.jsonl"


def records(home: Path) -> None:
    """Import as the page does; prints the bytes of the file that are in."""
    opened = workspace.open_existing(home)
    asked = imports_page.Asked(
        BATCH,
        path=str(home.parent / RECORDS),
        overlap=2,
        asking=Asking(guidelines="Look at the picture first."),
    )
    checked = imports_page.check(opened, asked)
    imports_page.run(opened, asked, checked, lambda end, size: print("in", end, flush=True))
    print("done", flush=True)


def handing_out(home: Path) -> None:
    """Make a link, as the page does, for everybody who has none."""
    opened = workspace.open_existing(home)
    with opened.ledger.read() as db:
        had = len(links.listed(db, batches.get(db, BATCH).id))
    for number in range(had, PEOPLE):
        made = batches_page.make_link(opened, BATCH, f"person {number}", "7d")
        print("link", made.id, flush=True)


def dataset(home: Path) -> None:
    """Build a version by command."""
    words = ["--batch", BATCH, "--labels", "imported", "--holdout", "0.2"]
    assert main.main(["--home", str(home), "dataset", "build", *words]) == 0
    print("done", flush=True)


def activation(home: Path) -> None:
    """Take the checkpoint into use by command."""
    opened = workspace.open_existing(home)
    with opened.ledger.read() as db:
        used = activations.active(db)
    opened.close()
    if used is None:
        words = ["checkpoint", "activate", "first", "--by", "lead", "--reason", "the first"]
        assert main.main(["--home", str(home), *words]) == 0
    print("done", flush=True)


STEPS: dict[str, Callable[[Path], None]] = {
    step.__name__: step for step in (records, handing_out, dataset, activation)
}
