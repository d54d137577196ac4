"""Trackers that get the figures of a run, beside our own pages."""

from __future__ import annotations

from training.settings.setting import Setting

TRACKERS = ("tensorboard", "wandb", "mlflow", "trackio")
NO_TRACKER = "none"

TRACKING = (
    Setting(
        "tracking",
        "tracking",
        "Trackers that get the figures of the run while it goes on, joined by commas: "
        "`tensorboard`, `wandb`, `mlflow`, `trackio`. Their packages come with "
        "`pip install pairwright[tracking]`. "
        "Addresses and keys are read from the environment of the worker alone (WANDB_API_KEY, "
        "MLFLOW_TRACKING_URI, TRACKIO_SPACE_ID, ...); without them everything stays in the folder "
        "`tracking` of the workspace. A tracker that fails never fails or delays the run: its page "
        "says so.",
        "Several trackers get the same figures. With mlflow the checkpoint becomes a version of a "
        "registered model, and the alias in_use follows activate and rollback.",
        "`none` sends nothing; our own pages show every figure all the same.",
        "none",
        words=(*TRACKERS, NO_TRACKER),
    ),
    Setting(
        "tracking_project",
        "tracking",
        "Name of the project, experiment and registered model that the runs are listed under.",
        "A name per alignment goal keeps its runs and versions together.",
        "One name for all puts every run into one list.",
        "letters, digits, dots, dashes and underscores, up to 80",
    ),
    Setting(
        "tracking_files",
        "tracking",
        "Whether trackers also get files: W&B the rows of the dataset version (prompts and "
        "answers, no pictures), MLflow the weights of the checkpoint.",
        "`true` keeps data and weights where the figures are.",
        "`false` sends names, counts and digests only, which still say what was trained on what.",
        "false",
        choices=("true", "false"),
    ),
)
