"""The picture of what dataset versions are made of: a class a row, a version a column."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from rounds.drift import Coverage

# the accent of the theme, from hardly there to full
_SCALE = ((0.0, "rgba(20,145,132,0.03)"), (1.0, "rgba(20,145,132,0.75)"))
# the theme's text colours, light and dark
_INK = ("#24262a", "#e4e5e7")
_ROW, _LEAST, _COLUMN = 26, 90, 64


def figure(drawn: Coverage, *, dark: bool = False) -> go.Figure:
    """A table of tints with each share written into its cell; under a version stands how far it
    lies from the one before.

    Args:
        dark: whether the page is dark: a share stands on a tint of the page's own colour.
    """
    places = list(range(len(drawn.versions)))
    made = go.Figure(
        go.Heatmap(
            x=places,
            y=list(drawn.classes),
            z=[list(row) for row in drawn.shares],
            customdata=[list(drawn.versions) for _ in drawn.classes],
            hovertemplate="%{customdata}: %{z:.1%} %{y}<extra></extra>",
            colorscale=[list(step) for step in _SCALE],
            zmin=0,
            zmax=max(max(row) for row in drawn.shares),
            showscale=False,
            xgap=2,
            ygap=2,
        )
    )
    made.add_trace(
        go.Scatter(
            x=[place for _ in drawn.classes for place in places],
            y=[name for name in drawn.classes for _ in places],
            text=[f"{share:.0%}" if share else "" for row in drawn.shares for share in row],
            mode="text",
            textfont={"size": 11, "color": _INK[dark]},
            hoverinfo="skip",
            showlegend=False,
        )
    )
    axis: dict[str, Any] = {
        "showgrid": False,
        "zeroline": False,
        "tickfont": {"size": 11},
        "automargin": True,
        "title": {"text": ""},
    }
    made.update_layout(
        height=_LEAST + _ROW * len(drawn.classes),
        margin={"l": 4, "r": 4, "t": 4, "b": 4},
        xaxis={**axis, "tickvals": places, "ticktext": _heads(drawn)},
        yaxis={**axis, "type": "category", "autorange": "reversed"},
    )
    return made


def width(drawn: Coverage) -> int:
    """Pixels for all versions side by side, beside the longest name of a class."""
    return 7 * max(len(name) for name in drawn.classes) + _COLUMN * (len(drawn.versions) + 1)


def alternative(drawn: Coverage) -> str:
    """The picture in one sentence, for those who do not see it."""
    largest = f"{drawn.classes[0]} from {drawn.shares[0][0]:.0%} to {drawn.shares[0][-1]:.0%}"
    return (
        f"Rows by {drawn.feature} in {len(drawn.versions)} versions, {drawn.versions[0]} to "
        f"{drawn.versions[-1]}; the largest class, {largest}"
    )


def _heads(drawn: Coverage) -> list[str]:
    return [
        name if far is None else f"{name}<br>{far:.3f}"
        for name, far in zip(drawn.versions, drawn.divergences, strict=True)
    ]
