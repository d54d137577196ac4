"""Rows and their encoding: mixed prompts, what is left out and counted, pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from trl.trainer.dpo_trainer import DataCollatorForVisionPreference

from storage.errors import DamagedError
from training.modeling import encoding, models, pictures, rows
from training.modeling.encoding import Encoder
from training.modeling.pictures import PictureSource

CPU = torch.device("cpu")


@pytest.fixture
def encoder(world: Any, tiny_vlm: Path) -> Encoder:
    loaded = models.load(str(tiny_vlm), device=CPU)
    return Encoder(loaded, PictureSource(world.store.url, None))


def test_rows_carry_groups_of_shared_pictures_and_prompts(world: Any, examples: Any) -> None:
    red, blue = (255, 0, 0), (0, 0, 255)
    found = rows.read(
        world.write(
            [
                examples.pair("{} what?", "a", "b", (red,)),
                examples.pair("{} and {}?", "a", "b", (blue, red)),
                examples.pair("no picture", "a", "b"),
                examples.pair("{} where?", "a", "b", (blue,)),
                examples.pair("no picture", "c", "d"),
            ]
        )
    )
    assert [row.group for row in found] == [0, 0, 1, 0, 1]


def test_rows_of_another_digest_are_refused(world: Any, examples: Any) -> None:
    one = world.write([examples.pair("one", "a", "b")], "v1")
    other = world.write([examples.pair("two", "a", "b")], "v2")
    mixed = type(one)(one.version, other.path, one.labels, one.digest)
    with pytest.raises(DamagedError, match="have the digest"):
        rows.read(mixed)


def test_pairs_beyond_max_pairs_are_left_out_and_counted(world: Any, examples: Any) -> None:
    many = [examples.pair(f"question {n}", "a", "b") for n in range(9)]
    found = rows.read(world.write(many))
    chosen = rows.select(found, most=4, seed=1)
    assert chosen.excluded == {rows.OVER_MAX_PAIRS: 5}
    again = rows.select(list(reversed(found)), most=4, seed=1)
    assert {row.pair_id for row in again.rows} == {row.pair_id for row in chosen.rows}
    assert rows.select(found, most=4, seed=2).rows != chosen.rows


def test_a_mixed_batch_is_the_one_that_trl_s_own_collator_makes(
    world: Any, examples: Any, encoder: Encoder
) -> None:
    found = rows.read(world.write(examples.mixed(6, 0)))
    pairs = encoder.encode(found).pairs
    assert sorted({len(pair.prompt.images) for pair in pairs}) == [0, 1, 2]
    ours = encoder.collate(pairs)
    source = PictureSource(world.store.url, None)
    stock = DataCollatorForVisionPreference(encoder._processor)
    theirs = stock([examples.trl_row(row, source) for row in found])
    assert set(ours) == set(theirs)
    for name in ours:
        assert torch.equal(ours[name], theirs[name]), name


def test_answers_end_with_the_end_of_turn(world: Any, examples: Any, encoder: Encoder) -> None:
    found = rows.read(world.write([examples.pair("hello", "yes", "no")]))
    pair = encoder.encode(found).pairs[0]
    tokenizer = encoder._tokenizer
    assert tokenizer.decode(pair.chosen) == "yes<|end|>"
    assert tokenizer.decode(pair.prompt.ids) == "<|user|>hello<|end|><|assistant|>"
    assert pair.length == len(pair.prompt.ids) + 4


def test_overlong_pairs_are_dropped_and_counted(
    world: Any, examples: Any, encoder: Encoder
) -> None:
    short = examples.pair("{} short", "a", "b", ((1, 2, 3),))
    long = examples.pair("{} long", "a" * 40, "b" * 50, ((1, 2, 3),))
    encoded = encoder.encode(rows.read(world.write([short, long])), limit=40)
    assert len(encoded.pairs) == 1
    assert encoded.counts == {encoding.OVERLENGTH: 1}


def test_truncated_pairs_lose_answer_tokens_only(
    world: Any, examples: Any, encoder: Encoder
) -> None:
    found = rows.read(
        world.write(
            [
                examples.pair("{} long", "a" * 40, "b" * 50, ((1, 2, 3),)),
                examples.pair("alike at first" + "?" * 10, "z" * 40, "z" * 50),
                examples.pair("?" * 60, "a", "b"),
            ]
        )
    )
    encoded = encoder.encode(found, limit=40, overlength="truncate_text")
    assert encoded.counts == {encoding.TRUNCATED: 1, encoding.OVERLENGTH: 2}
    pair = encoded.pairs[0]
    assert pair.length == 40
    marks = encoder._tokenizer.convert_tokens_to_ids("<image>")
    assert pair.prompt.ids.count(marks) == 4


def test_a_text_that_spells_the_picture_token_is_left_out_and_counted(
    world: Any, examples: Any, encoder: Encoder
) -> None:
    found = rows.read(
        world.write(
            [
                examples.pair("what is <b>this</b>?", "<script>alert(1)</script>", "no"),
                examples.pair("say it", "an <image> here", "no"),
            ]
        )
    )
    encoded = encoder.encode(found)
    assert [pair.row.chosen for pair in encoded.pairs] == ["<script>alert(1)</script>"]
    assert encoded.counts == {encoding.MARKER: 1}


def test_a_text_only_model_takes_text_and_counts_pictures_out(
    world: Any, examples: Any, tiny_text_model: Path
) -> None:
    loaded = models.load(str(tiny_text_model), device=CPU)
    encoder = Encoder(loaded, PictureSource(world.store.url, None))
    encoded = encoder.encode(rows.read(world.write(examples.mixed(6, 0))))
    assert len(encoded.pairs) == 2
    assert encoded.counts == {encoding.NO_PICTURES: 4}


def test_pictures_are_prepared_once_and_within_a_bound() -> None:
    held = pictures.PreparedPictures(most_bytes=100)
    made = 0

    def prepare() -> dict[str, torch.Tensor]:
        nonlocal made
        made += 1
        return {"pixel_values": torch.zeros(10)}

    for key in ("a", "a", "b", "c", "a"):
        held.get((key,), prepare)
    # 40 bytes each: the third one drops the first
    assert made == 4


def test_large_pictures_are_scaled_down_to_max_pixels(world: Any) -> None:
    name = world.picture((9, 9, 9), size=200)
    small = PictureSource(world.store.url, 1000).open(name)
    assert small.width * small.height <= 1000
    assert abs(small.width - small.height) <= 1
    assert PictureSource(world.store.url, None).open(name).size == (200, 200)
    wide = pictures.shrink(Image.new("RGB", (400, 100)), 10_000)
    assert wide.size == (200, 50)


def test_pictures_of_different_sizes_join_with_zeros() -> None:
    joined = pictures.join([{"p": torch.ones(1, 2, 3)}, {"p": torch.ones(2, 4, 1)}, {}])
    assert joined["p"].shape == (3, 4, 3)
    assert joined["p"].sum() == 6 + 8


def test_a_family_whose_pictures_do_not_join_is_prepared_by_the_batch(
    world: Any, examples: Any, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = rows.read(world.write(examples.mixed(6, 0)))
    pairs = encoder.encode(found).pairs
    joined = encoder.collate(pairs)
    monkeypatch.setattr(pictures, "same", lambda one, other: False)
    encoder.check_joining([pair.prompt for pair in pairs])
    together = encoder.collate(pairs)
    assert set(together) == set(joined)
    assert torch.equal(together["pixel_values"], joined["pixel_values"])
