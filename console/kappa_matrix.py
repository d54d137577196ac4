"""The picture of Cohen's kappa between annotators."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from console.views.agreement import Matrix
from labeling.agreement.report import FEW

# the accent of the theme, from hardly there to full; grey where people agree less than by chance
_SCALE = (
    (0.0, "rgba(133,136,140,0.45)"),
    (0.2, "rgba(133,136,140,0.12)"),
    (1.0, "rgba(20,145,132,0.75)"),
)
# cells that rest on too few pairs have no tint that could be compared with others
_NO_TINT = ((0.0, "rgba(133,136,140,0.08)"), (1.0, "rgba(133,136,140,0.08)"))
# the theme's text colours, light and dark, and the grey of what rests on little
_INK = ("#24262a", "#e4e5e7")
_GREY = ("#71757a", "#8f9399")
_LOWEST, _HIGHEST = -0.25, 1.0
_ROW, _LEAST = 34, 150


def figure(matrix: Matrix, *, dark: bool = False) -> go.Figure:
    """A square of annotators by annotators, the value written into every cell.

    Args:
        dark: whether the page is dark: a value stands on a tint of the page's own colour.
    """
    made = go.Figure([_cells(matrix, few=False), _cells(matrix, few=True)])
    made.add_trace(_words(matrix, _INK[dark], few=False))
    made.add_trace(_words(matrix, _GREY[dark], few=True))
    axis: dict[str, Any] = {
        "type": "category",
        "showgrid": False,
        "zeroline": False,
        "tickfont": {"size": 11},
        "automargin": True,
        "title": {"text": ""},
    }
    made.update_layout(
        height=_LEAST + _ROW * len(matrix.names),
        margin={"l": 4, "r": 4, "t": 4, "b": 4},
        xaxis=axis,
        yaxis={**axis, "autorange": "reversed"},
    )
    return made


def _cells(matrix: Matrix, few: bool) -> go.Heatmap:
    """The tinted squares of pairs with enough items, or the plain ones of those with few."""
    shown = [
        [value if (n < FEW) == few else None for value, n in zip(*row, strict=True)]
        for row in zip(matrix.values, matrix.counts, strict=True)
    ]
    return go.Heatmap(
        x=list(matrix.names),
        y=list(matrix.names),
        z=shown,
        customdata=[list(row) for row in matrix.counts],
        hovertemplate="%{y} and %{x}: kappa %{z:.2f}, n %{customdata}<extra></extra>",
        hoverongaps=False,
        colorscale=[list(step) for step in (_NO_TINT if few else _SCALE)],
        zmin=_LOWEST,
        zmax=_HIGHEST,
        showscale=False,
        xgap=2,
        ygap=2,
    )


def _words(matrix: Matrix, color: str, few: bool) -> go.Scatter:
    """The values as a text of their own: Plotly picks a cell's colour as if the page were white."""
    cells = [
        (other, one, f"{value:.2f}")
        for one, row, counts in zip(matrix.names, matrix.values, matrix.counts, strict=True)
        for other, value, n in zip(matrix.names, row, counts, strict=True)
        if value is not None and (n < FEW) == few
    ]
    columns, rows, words = zip(*cells, strict=True) if cells else ((), (), ())
    return go.Scatter(
        x=list(columns),
        y=list(rows),
        text=list(words),
        mode="text",
        textfont={"size": 11, "color": color},
        hoverinfo="skip",
        showlegend=False,
    )


def alternative(matrix: Matrix) -> str:
    """The picture in one sentence, for those who do not see it."""
    values = [value for row in matrix.values for value in row if value is not None]
    if not values:
        return f"Cohen's kappa between {len(matrix.names)} annotators: none is defined"
    span = f"from {min(values):.2f} to {max(values):.2f}"
    return f"Cohen's kappa between {len(matrix.names)} annotators, {span}"
