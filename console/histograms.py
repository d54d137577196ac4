"""Plotly histograms from prepared distributions, in the colours and patterns of `charts`."""

from __future__ import annotations

import plotly.graph_objects as go

from console import charts
from console.views.distributions import Distribution, Series

HEIGHT = 250
# what lies behind another bar stays visible through it
_OPACITY = 0.62
_HATCHED = ("rejected", "reference")


def histogram(drawn: Distribution, *, keep_zoom: str, height: int = HEIGHT) -> go.Figure:
    """Draw one distribution: overlaid bars, a line at every mean, and one at zero.

    Args:
        keep_zoom: while this stays the same, a redraw keeps the reader's zoom.
        height: pixels.
    """
    figure = go.Figure()
    for series in drawn.series:
        _add_bars(figure, drawn, series)
    figure.add_vline(x=0, line={"color": charts.AXIS, "width": 1})
    for series in drawn.series:
        style = charts.STYLES[series.role]
        figure.add_vline(x=series.mean, line={"color": style.color, "dash": "dash", "width": 2})
    _lay_out(figure, drawn, keep_zoom, height)
    return figure


def alternative(drawn: Distribution) -> str:
    """The figure in one sentence, for those who do not see it."""
    means = ", ".join(f"{one.name} with mean {one.mean:.3g}" for one in drawn.series)
    return f"Histogram of {drawn.title.lower()} over {drawn.n} pairs: {means}"


def _add_bars(figure: go.Figure, drawn: Distribution, series: Series) -> None:
    style = charts.STYLES[series.role]
    figure.add_trace(
        go.Bar(
            x=drawn.centres,
            y=list(series.counts),
            width=drawn.width,
            name=series.name,
            opacity=_OPACITY,
            marker={
                "color": style.color,
                "line": {"color": style.color, "width": 0.5},
                "pattern": {"shape": "/" if series.role in _HATCHED else "", "solidity": 0.35},
            },
            hovertemplate="%{y} pairs near %{x:.3g}",
        )
    )


def _lay_out(figure: go.Figure, drawn: Distribution, keep_zoom: str, height: int) -> None:
    axis = {
        "gridcolor": charts.GRID,
        "linecolor": charts.AXIS,
        "zeroline": False,
        "tickfont": {"size": 11},
    }
    figure.update_layout(
        height=height,
        barmode="overlay",
        bargap=0,
        margin={"l": 4, "r": 14, "t": 24, "b": 4},
        uirevision=keep_zoom,
        showlegend=len(drawn.series) > 1,
        legend={
            "orientation": "h",
            **{"x": 0, "y": 1.0, "xanchor": "left", "yanchor": "bottom"},
            **{"itemwidth": 30, "font": {"size": 11}, "title": {"text": ""}},
        },
        xaxis={
            **axis,
            "showgrid": False,
            "showline": True,
            "range": [-drawn.limit, drawn.limit],
            "title": {"text": drawn.unit, "standoff": 2, "font": {"size": 11}},
        },
        yaxis={**axis, "title": {"text": "pairs", "standoff": 4, "font": {"size": 11}}},
    )
