"""Curves and figures of a run: missing, single and undefined values are named, not hidden."""

from __future__ import annotations

from typing import Any

import pytest

from console import charts
from console.views import curves, figures
from console.views.curves import MOST_POINTS, Curve, Panel
from storage.rows import JobEvent


def event(step: int, split: str, attempt: int = 1, **values: Any) -> JobEvent:
    payload = {"step": step, "epoch": 0.1, "split": split, "values": values}
    return JobEvent("job", attempt, 100 * attempt + step, "metric", payload, 0)


def accuracy(value: float | None, **more: Any) -> dict[str, Any]:
    ends = None if value is None else [value - 0.1, value + 0.1]
    return {"value": value, "ci95": ends, "n": 240, "labels": "oracle", **more}


def named(panels: list[Panel], title: str) -> Panel:
    return next(panel for panel in panels if panel.title == title)


def test_a_run_without_a_point_has_nine_empty_panels() -> None:
    panels = curves.panels([], {})
    assert [panel.title for panel in panels] == [
        "Loss",
        "Preference accuracy",
        "Reward accuracy",
        "Reward gap",
        "Rewards",
        "Drift of the chosen answers",
        "KL per token",
        "Gradient norm",
        "Learning rate",
    ]
    assert all(panel.is_empty for panel in panels)


def test_the_stage_before_dpo_shows_its_loss_and_tokens_and_no_rewards() -> None:
    events = [
        event(1, "train", loss=2.0, token_accuracy=0.25),
        event(1, "holdout", validation_loss=accuracy(1.9), token_accuracy=accuracy(0.3)),
    ]
    panels = curves.panels(events, {"stage": "sft"})
    titles = [panel.title for panel in panels]
    assert titles == ["Loss", "Token accuracy", "Gradient norm", "Learning rate"]
    tokens = named(panels, "Token accuracy")
    assert [(c.name, c.values) for c in tokens.curves] == [
        ("training batches", (0.25,)),
        ("held out", (0.3,)),
    ]
    assert "n 240" in tokens.note


def test_training_and_validation_loss_share_a_panel() -> None:
    events = [
        event(1, "train", loss=0.69),
        event(2, "train", loss=0.6),
        event(2, "holdout", validation_loss=accuracy(0.65)),
    ]
    loss = named(curves.panels(events, {}), "Loss")
    assert [(c.name, c.steps, c.values) for c in loss.curves] == [
        ("training", (1.0, 2.0), (0.69, 0.6)),
        ("validation", (2.0,), (0.65,)),
    ]


def test_figures_of_training_batches_never_mix_with_those_of_held_out_pairs() -> None:
    events = [
        event(5, "holdout", reward_accuracy=accuracy(0.7), reward_gap=accuracy(0.2)),
        event(5, "train", loss=0.6, reward_accuracy=1.0, margin=0.9),
        event(6, "train", loss=0.6, reward_accuracy=0.4, margin=0.8),
    ]
    panels = curves.panels(events, {})
    assert [
        named(panels, title).curves[0].values for title in ("Reward accuracy", "Reward gap")
    ] == [
        (0.7,),
        (0.2,),
    ]


def test_a_run_without_held_out_pairs_shows_its_training_batches_and_says_so() -> None:
    panels = curves.panels([event(5, "train", loss=0.6, reward_accuracy=1.0, margin=0.9)], {})
    shown = [named(panels, title).curves[0] for title in ("Reward accuracy", "Reward gap")]
    assert [(curve.name, curve.values) for curve in shown] == [
        ("policy, training batches", (1.0,)),
        ("reward gap, training batches", (0.9,)),
    ]


def test_a_value_that_is_no_number_leaves_a_gap_and_is_counted() -> None:
    events = [event(1, "train", loss=0.69), event(2, "train", loss=None)]
    loss = named(curves.panels(events, {}), "Loss")
    assert loss.curves[0].values == (0.69, None)
    assert loss.note == "1 point of training is not a number."


def test_accuracies_stand_beside_their_baselines_with_n_and_labels() -> None:
    events = [
        event(
            5,
            "holdout",
            preference_accuracy=accuracy(0.8),
            reward_accuracy=accuracy(0.7, reference="base"),
            reference_preference_accuracy=accuracy(0.55),
            longer_wins_accuracy=accuracy(0.5),
        )
    ]
    panels = curves.panels(events, {})
    preference = named(panels, "Preference accuracy")
    assert [c.name for c in preference.curves] == [
        "policy",
        "reference itself",
        "the longer one wins",
    ]
    assert preference.curves[0].low == pytest.approx((0.7,))
    assert preference.note == "95% band, n 240, labels: oracle."
    reward = named(panels, "Reward accuracy")
    assert [c.name for c in reward.curves] == ["policy", "the longer one wins"]
    assert "reference: base" in reward.note


def test_the_threshold_of_the_settings_is_the_limit_of_the_kl() -> None:
    kl = named(curves.panels([], {"kl_threshold": 0.5}), "KL per token")
    assert kl.limit == ("kl_threshold", 0.5)
    assert named(curves.panels([], {}), "KL per token").limit is None


def test_the_kl_on_the_pairs_and_on_the_policys_own_answers_share_a_chart() -> None:
    events = [
        event(
            4,
            "holdout",
            kl_per_token=accuracy(0.2, on="data"),
            kl_per_token_on_policy={**accuracy(0.3, on="policy"), "n": 32},
        )
    ]
    kl = named(curves.panels(events, {}), "KL per token")
    assert [(c.name, c.values) for c in kl.curves] == [
        ("on the pairs", (0.2,)),
        ("on its own answers", (0.3,)),
    ]
    assert "n 240, labels: oracle, on data." in kl.note
    assert "n 32, labels: oracle, on policy." in kl.note


def test_rewards_are_drawn_with_the_band_of_their_distribution() -> None:
    spread = {"n": 240, "quantiles": [0.05, 0.5, 0.95], "chosen": [-1.0, 0.4, 2.0]}
    events = [
        event(4, "holdout", reward_chosen=accuracy(0.5), reward_rejected=accuracy(-0.5)),
        event(4, "distribution", **spread, rejected=[-3.0, -0.4, 1.0]),
        event(8, "holdout", reward_chosen=accuracy(0.6), reward_rejected=accuracy(-0.6)),
    ]
    rewards = named(curves.panels(events, {}), "Rewards")
    assert [(c.role, c.values, c.low, c.high) for c in rewards.curves] == [
        ("chosen", (0.5, 0.6), (-1.0, None), (2.0, None)),
        ("rejected", (-0.5, -0.6), (-3.0, None), (1.0, None)),
    ]
    assert "5% to 95% of the pairs" in rewards.note
    assert "N 240, labels: oracle." in rewards.note
    # a run that says no distribution draws lines alone
    alone = named(curves.panels(events[:1], {}), "Rewards")
    assert [c.low for c in alone.curves] == [(), ()]


def test_what_the_machine_does_is_drawn_where_it_was_reported() -> None:
    rates = {"pairs_per_second": 2.0, "tokens_per_second": 900.0, "memory_gib": 3.5}
    panels = curves.panels([event(1, "machine", **rates)], {})
    assert [panel.title for panel in panels][-3:] == [
        "Pairs per second",
        "Tokens per second",
        "Peak memory",
    ]
    drawn = charts.chart(panels[-2], keep_zoom="run")
    assert drawn.layout.yaxis.tickformat == ".3~g"
    many = curves.panels([event(1, "machine", **{**rates, "tokens_per_second": 2400.0})], {})
    assert charts.chart(many[-2], keep_zoom="run").layout.yaxis.tickformat == ".3~s"
    panels = curves.panels([event(1, "machine", **rates, mfu=0.41)], {})
    assert (panels[-1].title, panels[-1].unit) == ("Use of the GPU (MFU)", "share")
    assert panels[-1].curves[0].values == (0.41,)


def test_what_a_later_attempt_says_about_a_step_counts() -> None:
    events = [event(1, "train", attempt=2, loss=0.5), event(1, "train", loss=0.69)]
    assert named(curves.panels(events, {}), "Loss").curves[0].values == (0.5,)


def test_long_curves_are_thinned_and_say_so() -> None:
    events = [event(step, "train", loss=1.0) for step in range(1, 2 * MOST_POINTS + 2)]
    loss = named(curves.panels(events, {}), "Loss")
    assert loss.curves[0].points <= MOST_POINTS
    assert "mean of 3 steps" in loss.note
    assert loss.curves[0].steps[-1] == 2 * MOST_POINTS + 1


def test_malformed_events_are_passed_over() -> None:
    broken = JobEvent("job", 1, 1, "metric", {"step": None, "values": {"loss": 1.0}}, 0)
    worse = JobEvent("job", 1, 2, "metric", {"step": 3, "values": "text"}, 0)
    assert all(panel.is_empty for panel in curves.panels([broken, worse], {}))


def test_the_latest_figures_come_from_the_held_out_pairs() -> None:
    events = [
        event(1, "holdout", preference_accuracy=accuracy(0.6)),
        event(2, "holdout", preference_accuracy=accuracy(0.7)),
        event(3, "train", preference_accuracy=accuracy(0.9)),
    ]
    assert curves.latest(events)["preference_accuracy"]["value"] == 0.7


def test_a_figure_is_written_with_unit_interval_n_labels_and_start() -> None:
    metrics = {
        "kl_per_token": {"value": 0.0413, "ci95": [0.03, 0.05], "n": 3000, "on": "data"},
        "preference_accuracy": accuracy(0.8),
        "start_preference_accuracy": accuracy(0.55),
        "margin": accuracy(0.3),
        "step": 40,
    }
    lines = {line.figure: line for line in figures.table(metrics)}
    assert list(lines) == ["Preference accuracy", "KL per token"]
    best = lines["Preference accuracy"]
    assert (best.value, best.interval, best.n, best.labels) == (
        "80.0%",
        "70.0% to 90.0%",
        "240",
        "oracle",
    )
    assert best.before == "55.0%"
    assert lines["KL per token"].value == "0.0413 nats per token, on data"


def test_an_undefined_figure_says_why() -> None:
    metrics = {"reward_accuracy": {"value": None, "ci95": None, "n": 0, "reason": "no pairs"}}
    (line,) = figures.table(metrics)
    assert (line.value, line.interval, line.n) == ("n/a (no pairs)", "", "0")


def curve(*values: float | None, role: str = "policy", band: bool = False) -> Curve:
    steps = tuple(float(step) for step in range(len(values)))
    ends = tuple(None if v is None else v - 0.1 for v in values) if band else ()
    return Curve("c", role, steps, values, ends, ends)


def test_a_chart_shows_a_single_point_and_its_interval() -> None:
    figure = charts.chart(Panel("Loss", "", (curve(0.5, band=True),)), keep_zoom="r")
    whisker, line = figure.data
    assert whisker.line.color == line.line.color
    assert line.mode == "lines+markers"


def test_a_chart_keeps_gaps_and_zoom() -> None:
    figure = charts.chart(Panel("Loss", "", (curve(0.5, None, 0.4),)), keep_zoom="run-7")
    assert list(figure.data[0].y) == [0.5, None, 0.4]
    assert figure.data[0].connectgaps is False
    assert figure.layout.uirevision == "run-7"


def test_a_share_is_drawn_in_percent_and_a_tiny_rate_with_exponents() -> None:
    share = charts.chart(Panel("A", "share", (curve(0.5),)), keep_zoom="r")
    rate = charts.chart(Panel("B", "", (curve(1e-5),)), keep_zoom="r")
    assert share.layout.yaxis.tickformat == ".0%"
    assert rate.layout.yaxis.tickformat == ".1~e"
    limited = charts.chart(Panel("C", "", (curve(1e-5),), limit=("most", 0.5)), keep_zoom="r")
    assert limited.layout.yaxis.tickformat == ".3~g"


def test_the_limit_is_named_in_the_chart() -> None:
    panel = Panel("KL per token", "nats", (curve(0.1, 0.2),), limit=("kl_threshold", 0.5))
    figure = charts.chart(panel, keep_zoom="r")
    assert figure.layout.annotations[0].text == "kl_threshold 0.5"


def test_no_two_roles_look_the_same_without_colour() -> None:
    together = [("policy", "validation"), ("policy", "reference", "baseline", "limit")]
    together += [("policy", "rejected"), ("chosen", "rejected")]
    for roles in together:
        dashes = [charts.STYLES[role].dash for role in roles]
        assert len(set(dashes)) == len(roles)


@pytest.mark.parametrize("role", sorted(charts.STYLES))
@pytest.mark.parametrize("background", ["#ffffff", "#16181b"])
def test_every_role_is_visible_on_light_and_on_dark(role: str, background: str) -> None:
    assert contrast(charts.STYLES[role].color, background) >= 3


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2, 1 to 21."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color: str) -> float:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
