"""Texts with placeholders and turns with parts say the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from storage import prompts, swift_records

PIECES = st.lists(
    st.sampled_from(["<image>", "<video>", "<img>", "Look", " ", "\n", "<", "image>"])
)


@given(PIECES)
def test_a_text_is_the_same_after_its_media_were_put_in(pieces: list[str]) -> None:
    text = "".join(pieces)
    images = [f"i{n}" for n in range(text.count("<image>"))]
    videos = [f"v{n}" for n in range(text.count("<video>"))]
    prompt = prompts.build(swift_records.turns([("user", text)], images, videos))
    turn = prompt.turns[0]
    assert swift_records.content(turn) == text
    assert [part.media for part in turn.parts if part.type == "image"] == images
    assert [part.media for part in turn.parts if part.type == "video"] == videos
    assert not any(swift_records.has_placeholder(part.text) for part in turn.parts)


def test_only_the_users_texts_have_placeholders() -> None:
    messages = [("system", "Say <image>."), ("user", "See <image>.")]
    system, user = swift_records.turns(messages, ["i0"], [])
    assert [part.type for part in system.parts] == ["text"]
    assert [part.type for part in user.parts] == ["text", "image", "text"]
