"""The texts of the settings of judging: a model asked which of two answers is better."""

from __future__ import annotations

from training.settings import SETTINGS, Setting

_OWN = (
    Setting(
        "batch_size",
        "judging",
        "Questions asked at the same time: rows of a batch for a model here, open requests for an "
        "address. A pair is two questions, one for each order of its answers.",
        "Faster, as long as the device or the address keeps up; needs more memory.",
        "Slower; easier on the device or the address.",
        "2 to 32",
        low=1,
        high=1024,
        usual_low=2,
        usual_high=32,
    ),
    Setting(
        "max_reply_tokens",
        "judging",
        "Most tokens of the reply of an address. A model here replies with one.",
        "A model that thinks aloud first comes to its verdict; costs more.",
        "Cheaper; a reply that is cut before its verdict gives no label.",
        "16 to 2048",
        low=1,
        high=65_536,
        usual_low=16,
        usual_high=2048,
    ),
    Setting(
        "requests_per_minute",
        "judging",
        "Most requests that an address gets in a minute, tries again among them; none for no "
        "limit of ours.",
        "Faster, until the address itself refuses.",
        "Slower, and within the limit of your account.",
        "30 to 1000",
        low=0.1,
        high=100_000,
        usual_low=30,
        usual_high=1000,
        words=("none",),
    ),
    Setting(
        "timeout_seconds",
        "judging",
        "Seconds that an address has for one whole reply.",
        "A slow model gets its time.",
        "A hanging address is noticed sooner.",
        "30 to 300",
        low=0.1,
        high=3600,
        usual_low=30,
        usual_high=300,
    ),
    Setting(
        "tries",
        "judging",
        "How often one question is asked of an address that does not answer, says 429 or an error "
        "of its own, or answers with something else than a reply.",
        "Bridges a longer trouble.",
        "Gives up sooner; the pair gets no label and is asked about by the next job.",
        "3 to 8",
        low=1,
        high=100,
        usual_low=3,
        usual_high=8,
    ),
    Setting(
        "retry_seconds",
        "judging",
        "Seconds before the second try; doubled before each further one, up to a minute. What the "
        "address says in Retry-After comes first.",
        "Easier on an address in trouble.",
        "Goes on sooner.",
        "0.5 to 5",
        low=0,
        high=60,
        usual_low=0.5,
        usual_high=5,
    ),
)

JUDGING_SETTINGS: dict[str, Setting] = {
    setting.key: setting
    for setting in (
        *_OWN,
        *(SETTINGS[key] for key in ("max_pixels", "video_frames", "video_fps", "dtype")),
    )
}
