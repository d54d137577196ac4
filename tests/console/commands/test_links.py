"""Links of many at once on the command line: prepared ones shown once, and those of a batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from labeling import prepared_links
from storage import batches, workspace


def prepare(home: Path) -> None:
    """Links to `second` for whoever had `first`."""
    opened = workspace.open_existing(home)
    with opened.ledger.write() as tx:
        panel = prepared_links.panel_of(tx, [batches.get(tx, "first")])
        prepared_links.prepare(tx, batches.get(tx, "second"), panel)
    opened.close()


def test_prepared_links_are_listed_without_addresses_and_revealed_once(
    imported: Any, tmp_path: Path
) -> None:
    for who in ("Ada", "Ben"):
        imported("link", "create", "--batch", "first", "--annotator", who)
    imported("batch", "create", "second")
    prepare(tmp_path / "home")
    listed = imported("link", "list", "--batch", "second", "--json").result["links"]
    assert [one["state"] for one in listed] == ["prepared", "prepared"]
    shown = imported("link", "reveal", "--batch", "second", "--expires", "12h", "--json").result
    assert [one["annotator"] for one in shown["links"]] == ["Ada", "Ben"]
    assert len({one["url"].split("#")[1] for one in shown["links"]}) == 2
    again = imported("link", "reveal", "--batch", "second")
    assert (again.code, "waits for its address" in again.err) == (1, True)


def test_everybody_of_another_batch_gets_a_link_by_one_command(imported: Any) -> None:
    imported("link", "create", "--batch", "first", "--annotator", "Ada")
    imported("batch", "create", "second")
    words = ("link", "create", "--batch", "second")
    made = imported(*words, "--annotators-of", "first")
    assert made.code == 0
    assert made.out.startswith("Ada: http")
    assert imported(*words).code == 2
    assert imported(*words, "--annotators-of", "first", "--annotator", "Ada").code == 2
    assert imported(*words, "--annotators-of", "first", "--quota", "3").code == 2
