"""What happens after a run: mining of the next pairs, and the push to the Hub."""

from __future__ import annotations

from training.settings.setting import Setting

MINING = (
    Setting(
        "edge_case_mining.enabled",
        "mining",
        "Whether pairs that the trained model is unsure about are proposed for the next round.",
        "`true` proposes the next pairs to label.",
        "`false` leaves the choice of the next pairs to you.",
        "true",
        choices=("true", "false"),
    ),
    Setting(
        "edge_case_mining.confidence_threshold",
        "mining",
        "A pair counts as unsure when the model's probability of the preferred answer is below "
        "this.",
        "More pairs count as unsure.",
        "Only the closest calls count.",
        "0.55 to 0.75",
        low=0.5,
        high=1,
        usual_low=0.55,
        usual_high=0.75,
    ),
    Setting(
        "edge_case_mining.max_samples",
        "mining",
        "At most this many pairs are proposed for the next round.",
        "More to label, more coverage.",
        "Less to label; the most uncertain come first.",
        "100 to 5000",
        low=1,
        high=1_000_000,
        usual_low=100,
        usual_high=5000,
    ),
)

HUB = (
    Setting(
        "hub.repo",
        "hub",
        "Repository of the Hub that gets the checkpoint, as ORG/NAME. Left empty, nothing is "
        "pushed. The token comes from the worker's HF_TOKEN or from `hf auth login`.",
        "A repository per alignment goal collects its checkpoints as tagged commits.",
        "Empty keeps everything here; `pairwright checkpoint push` can push it later.",
        "ORG/NAME, of letters, digits, dots, dashes and underscores, or empty",
    ),
    Setting(
        "hub.private",
        "hub",
        "Whether the repository is made private. A private push into a repository that is public "
        "is refused.",
        "`true` shows it to your organisation alone.",
        "`false` shows it to everyone.",
        "true",
        choices=("true", "false"),
    ),
    Setting(
        "hub.when",
        "hub",
        "What is pushed: `end` the checkpoint once the run has succeeded, `each_checkpoint` also "
        "every step that it saves, while it goes on, `never` nothing. A push that fails never "
        "fails the run, nor holds it up: where the Hub is slower than the run, steps are left out, "
        "and those that the run keeps (the best and the last two) are pushed at its end.",
        "`each_checkpoint` gives every step a tagged commit with its own figures.",
        "`never` keeps a repository in the settings without using it.",
        "end",
        choices=("never", "end", "each_checkpoint"),
    ),
)
