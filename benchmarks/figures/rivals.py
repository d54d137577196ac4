"""The usual ways to the same figures: a table in pandas, kappa by statsmodels, the package
`krippendorff`, and a page from the whole table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas
from figures.clocks import timed

from storage import analytics
from storage.rows import AssignmentKind, Verdict
from storage.workspace import Workspace

# a matrix of raters by items in bytes; beyond it only counts of labels by item fit
MOST_MATRIX = 1_000_000_000
PAGE = 50
WHOLE_PAGE = "pandas, a page of the whole table"


def measure(home: Workspace) -> dict[str, dict[str, Any]]:
    """Name -> times of one run each, on a table that lies in memory already."""
    table = _table(home)
    found = {
        "pandas and statsmodels, every kappa": timed(lambda _: kappas(table), 1),
        "krippendorff, counts of labels": timed(lambda _: alpha(counts=_counts(table)), 1),
        WHOLE_PAGE: timed(lambda run: page(home, run), 1),
    }
    size = table["rater"].nunique() * table["item"].nunique() * 8
    if size <= MOST_MATRIX:
        found["krippendorff, matrix"] = timed(lambda _: alpha(matrix=_matrix(table)), 1)
    return found


def ratios(
    found: Mapping[str, dict[str, Any]], agreement: Mapping[str, Any], shown: Mapping[str, Any]
) -> dict[str, dict[str, float]]:
    """Rival -> our time by theirs, of the wall clock and of the process.

    Args:
        agreement: our times for all coefficients together, with ties and without.
        shown: ours for a page of three filters while votes arrive.
    """
    times = ("median_ms", "cpu_median_ms")
    return {
        name: {
            each: round((shown if name == WHOLE_PAGE else agreement)[each] / theirs[each], 4)
            for each in times
        }
        for name, theirs in found.items()
    }


def _table(home: Workspace) -> pandas.DataFrame:
    with analytics.open(home).reading() as view:
        cast = view.effective()
    frame = cast.select("pair", "annotator", "verdict", "kind").to_pandas()
    normal = frame[frame["kind"] == AssignmentKind.NORMAL.value]
    said = normal[normal["verdict"] != Verdict.SKIP.value].rename(
        columns={"pair": "item", "annotator": "rater", "verdict": "label"}
    )
    return said.drop_duplicates(["item", "rater"], keep="last")[["item", "rater", "label"]].assign(
        rater=lambda each: each["rater"].astype(str).astype("category"),
        label=lambda each: each["label"].astype(str).astype("category"),
    )


def kappas(table: pandas.DataFrame) -> dict[tuple[str, str], float]:
    """Cohen's kappa of every two raters with an item in common."""
    from statsmodels.stats.inter_rater import cohens_kappa

    coded = table.assign(rater=table["rater"].cat.codes, label=table["label"].cat.codes)
    width = len(table["label"].cat.categories)
    both = coded.merge(coded, on="item", suffixes=("", "_other"))
    both = both[both["rater"] < both["rater_other"]]
    found = {}
    for pair, part in both.groupby(["rater", "rater_other"]):
        counts = pandas.crosstab(part["label"], part["label_other"])
        square = counts.reindex(index=range(width), columns=range(width), fill_value=0)
        found[pair] = cohens_kappa(square.to_numpy(), return_results=False)
    return found


def alpha(**data: Any) -> float:
    """Krippendorff's, nominal."""
    import krippendorff

    given = {"reliability_data": data["matrix"]} if "matrix" in data else {}
    given |= {"value_counts": data["counts"]} if "counts" in data else {}
    return float(krippendorff.alpha(**given, level_of_measurement="nominal"))


def _counts(table: pandas.DataFrame) -> Any:
    return pandas.crosstab(table["item"], table["label"]).to_numpy()


def _matrix(table: pandas.DataFrame) -> Any:
    items, place = np.unique(table["item"], return_inverse=True)
    found = np.full((len(table["rater"].cat.categories), len(items)), np.nan)
    found[table["rater"].cat.codes, place] = table["label"].cat.codes
    return found


def page(home: Workspace, run: int) -> Any:
    """The pairs of a batch and category with a vote for one answer, from the whole ledger."""
    file = home.ledger.path
    pairs = pandas.read_sql_query(
        "SELECT pairs.id AS pair_id, category, prompts.text, pairs.created_at FROM pairs"
        " JOIN prompts ON prompts.id = prompt_id",
        f"sqlite:///{file}",
    )
    cast = pandas.read_sql_query(
        "SELECT pair_id, batch_id, name, verdict, votes.kind, assignment_id, votes.sequence"
        " FROM votes JOIN assignments ON assignments.id = assignment_id"
        " JOIN annotators ON annotators.id = annotator_id",
        f"sqlite:///{file}",
    )
    last = cast.sort_values("sequence").drop_duplicates("assignment_id", keep="last")
    chosen = last[(last["kind"] == "vote") & (last["verdict"] == "a")]
    batch = sorted(cast["batch_id"].unique())[run % cast["batch_id"].nunique()]
    wanted = chosen[chosen["batch_id"] == batch]["pair_id"].unique()
    found = pairs[(pairs["category"] == "counting") & pairs["pair_id"].isin(wanted)]
    return found.sort_values("created_at").head(PAGE)
