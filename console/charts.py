"""Plotly figures from prepared curves. The one place that knows colours and patterns.

The colours are mid-tones with at least 3:1 contrast on the light and the dark background, so that
a role has the same colour in both. Every role also has its own dash, so that nothing depends on
colour alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from console.views.curves import Curve, Panel


@dataclass(frozen=True)
class Style:
    """How a role is drawn, everywhere. Without a fill its interval is not drawn."""

    color: str
    dash: str
    fill: str = ""


CHOSEN = Style("#3a80c4", "solid", "rgba(58,128,196,0.14)")
REJECTED = Style("#c96f2e", "dash", "rgba(201,111,46,0.14)")

STYLES = {
    "policy": Style("#149184", "solid", "rgba(20,145,132,0.16)"),
    "validation": Style("#8a7cc2", "dash", "rgba(138,124,194,0.16)"),
    "reference": Style("#85888c", "dash"),
    "baseline": Style("#85888c", "dot"),
    "limit": Style("#c4504a", "longdash"),
    "chosen": CHOSEN,
    "rejected": REJECTED,
}

HEIGHT = 230
CONFIG: dict[str, Any] = {"displayModeBar": False, "displaylogo": False, "scrollZoom": False}

GRID = "rgba(128,132,138,0.20)"
AXIS = "rgba(128,132,138,0.55)"


def chart(panel: Panel, *, keep_zoom: str, height: int = HEIGHT, across: str = "step") -> go.Figure:
    """Draw one panel.

    Args:
        keep_zoom: while this stays the same, a redraw keeps the reader's zoom (Plotly's
            `uirevision`): the id of the run.
        height: pixels.
        across: what the horizontal axis counts.
    """
    figure = go.Figure()
    for curve in panel.curves:
        if STYLES[curve.role].fill:
            _add_band(figure, curve)
    for curve in panel.curves:
        _add_line(figure, curve, panel.unit)
    if panel.limit is not None:
        _add_limit(figure, panel)
    _lay_out(figure, panel, keep_zoom, height)
    figure.update_layout(xaxis_title_text=across)
    return figure


def alternative(panel: Panel, across: str = "steps") -> str:
    """The chart in one sentence, for those who do not see it."""
    lines = ", ".join(curve.name for curve in panel.curves)
    unit = "percent" if panel.unit == "share" else panel.unit
    return f"{panel.title} over {across}{f', in {unit}' if unit else ''}: {lines}"


def _add_line(figure: go.Figure, curve: Curve, unit: str) -> None:
    style = STYLES[curve.role]
    few = curve.points <= 40
    figure.add_trace(
        go.Scatter(
            x=list(curve.steps),
            y=list(curve.values),
            name=curve.name,
            mode="lines+markers" if few else "lines",
            line={"color": style.color, "dash": style.dash, "width": 1.75},
            # one point alone is invisible as a line
            marker={"size": 7 if curve.points == 1 else 4, "color": style.color},
            connectgaps=False,
            hovertemplate="%{y:.1%}" if unit == "share" else "%{y:.4g}",
        )
    )


def _add_band(figure: go.Figure, curve: Curve) -> None:
    style = STYLES[curve.role]
    rows = [
        (step, low, high)
        for step, low, high in zip(curve.steps, curve.low, curve.high, strict=False)
        if low is not None and high is not None
    ]
    if len(rows) < 2:
        _add_whiskers(figure, rows, style)
        return
    steps = [row[0] for row in rows]
    figure.add_trace(
        go.Scatter(
            x=[*steps, *reversed(steps)],
            y=[*(row[1] for row in rows), *(row[2] for row in reversed(rows))],
            fill="toself",
            fillcolor=style.fill,
            line={"width": 0},
            mode="lines",
            hoverinfo="skip",
            showlegend=False,
        )
    )


def _add_whiskers(figure: go.Figure, rows: list[tuple[float, float, float]], style: Style) -> None:
    for step, low, high in rows:
        figure.add_trace(
            go.Scatter(
                x=[step, step],
                y=[low, high],
                mode="lines",
                line={"color": style.color, "width": 1},
                hoverinfo="skip",
                showlegend=False,
            )
        )


def _add_limit(figure: go.Figure, panel: Panel) -> None:
    if panel.limit is None:
        return
    name, value = panel.limit
    style = STYLES["limit"]
    figure.add_hline(
        y=value,
        line={"color": style.color, "dash": style.dash, "width": 1.25},
        annotation={
            "text": f"{name} {value:g}",
            "font": {"color": style.color, "size": 11},
            "yanchor": "bottom",
        },
        annotation_position="top left",
    )


def _lay_out(figure: go.Figure, panel: Panel, keep_zoom: str, height: int) -> None:
    axis = {
        "gridcolor": GRID,
        "linecolor": AXIS,
        "zeroline": False,
        "tickfont": {"size": 11},
    }
    figure.update_layout(
        height=height,
        margin={"l": 4, "r": 4, "t": 24, "b": 4},
        hovermode="x unified",
        uirevision=keep_zoom,
        showlegend=len(panel.curves) > 1,
        legend={
            "orientation": "h",
            "x": 0,
            "y": 1.0,
            "xanchor": "left",
            "yanchor": "bottom",
            # short samples, so that three names stay on one line
            "itemwidth": 30,
            "font": {"size": 11},
            "title": {"text": ""},
        },
        xaxis={
            **axis,
            "showgrid": False,
            "showline": True,
            "rangemode": "tozero",
            "title": {"text": "step", "standoff": 2, "font": {"size": 11}},
        },
        yaxis={**axis, "tickformat": _ticks(panel), "title": {"text": ""}},
    )


def _ticks(panel: Panel) -> str:
    """Percent for shares, the exponent form where everything is tiny, thousands as k, else plain
    numbers."""
    if panel.unit == "share":
        return ".0%"
    values = [abs(value) for curve in panel.curves for value in curve.values if value is not None]
    # the axis reaches up to the limit, however tiny the values are
    values += [panel.limit[1]] if panel.limit else []
    if values and max(values) >= 1e3:
        # 2.5k
        return ".3~s"
    return ".1~e" if values and max(values) < 1e-3 else ".3~g"
