"""`pairwright pair list`: the same search as on the page, for scripts."""

from __future__ import annotations

from typing import Any


def test_pairs_are_listed_with_a_total_and_whole_ids(imported: Any, pairwright: Any) -> None:
    found = pairwright("pair", "list", "--limit", 1, "--json").result
    everything = pairwright("pair", "list", "--json").result
    assert found["total"] == everything["total"] == len(everything["pairs"]) > 1
    assert found["pairs"] == everything["pairs"][:1]
    (line,) = found["pairs"]
    assert len(line["pair_id"]) == 64
    shown = pairwright("pair", "list", "--text", line["prompt"], "--consensus", "no votes")
    assert line["pair_id"][:12] in shown.out


def test_what_matches_nothing_or_cannot_match_is_said(imported: Any, pairwright: Any) -> None:
    none = pairwright("pair", "list", "--source", "no such file")
    assert (none.out, none.code) == ("", 0)
    assert "No pair matches" in none.err
    wrong = pairwright("pair", "list", "--voted-from", "soon")
    assert wrong.code == 1
    assert "'soon' is no day." in wrong.err
