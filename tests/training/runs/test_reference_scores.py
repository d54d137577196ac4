"""The reference as data: kept on disk, read again, checked, and told apart by all it depends on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from training.jobs.folder import JobFolder
from training.modeling import inputs, logprobs, models, rows, weights
from training.modeling.encoding import Encoder
from training.modeling.models import Loaded
from training.modeling.pictures import PictureSource
from training.runs import reference_scores
from training.runs.reference import frozen
from training.runs.reference_scores import KeptScores, reference_sums
from training.settings.spec import parse_spec


class Bench:
    """A reference, encoded pairs in batches of two, and how many of them went through it."""

    def __init__(self, world: Any, examples: Any, location: Path) -> None:
        self.loaded: Loaded = models.load(str(location), device=torch.device("cpu"))
        self.encoder = Encoder(self.loaded, PictureSource(world.store.url, None))
        self.pairs = self.encoder.encode(rows.read(world.write(examples.mixed(8, 0)))).pairs
        self.plan = [[0, 1], [2, 3], [4, 5], [6, 7]]
        self.rows = 0
        self.loaded.model.register_forward_hook(self._count, with_kwargs=True)

    def _count(self, module: Any, given: Any, named: Any, said: Any) -> None:
        self.rows += len(named["input_ids"])

    def sums(self, kept: KeptScores | None = None, **more: Any) -> logprobs.Sums:
        self.rows = 0
        reference = frozen(self.loaded.model)
        return reference_sums(
            self.encoder, self.pairs, reference, plan=self.plan, kept=kept, **more
        )


@pytest.fixture
def bench(world: Any, examples: Any, tiny_vlm: Path) -> Bench:
    return Bench(world, examples, tiny_vlm)


def test_what_was_kept_is_read_to_the_last_bit_and_only_checked(
    bench: Bench, tmp_path: Path
) -> None:
    expected = bench.sums()
    first = KeptScores(tmp_path / "kept")
    assert np.array_equal(bench.sums(first).chosen, expected.chosen)
    assert (first.read, first.computed) == (0, 8)
    again = KeptScores(tmp_path / "kept")
    found = bench.sums(again)
    assert np.array_equal(found.chosen, expected.chosen)
    assert np.array_equal(found.rejected, expected.rejected)
    assert (again.read, again.computed) == (8, 0)
    # the first batch is computed again, to check it: two pairs, a row for each answer
    assert bench.rows == 4


def test_a_pass_that_was_killed_goes_on_where_it_was(bench: Bench, tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    def die(done: int, total: int) -> None:
        if done == 2:
            raise Killed

    kept = KeptScores(tmp_path / "kept", slice_seconds=0)
    # a kill runs no `finally`: what counts is what put() has written
    flush, kept.flush = kept.flush, lambda: None if kept.computed >= 4 else flush()  # type: ignore[method-assign]
    with pytest.raises(Killed):
        bench.sums(kept, heartbeat=die)
    again = KeptScores(tmp_path / "kept")
    assert np.array_equal(bench.sums(again).chosen, bench.sums().chosen)
    assert (again.read, again.computed) == (4, 4)


def test_half_a_file_counts_for_nothing(bench: Bench, tmp_path: Path) -> None:
    bench.sums(KeptScores(tmp_path / "kept"))
    (file,) = (tmp_path / "kept").glob("*.npz")
    file.write_bytes(file.read_bytes()[:-200])
    again = KeptScores(tmp_path / "kept")
    bench.sums(again)
    assert (again.read, again.computed) == (0, 8)


def test_a_folder_that_cannot_be_written_stops_nothing(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file, where a folder should be", encoding="utf-8")
    kept = KeptScores(tmp_path / "kept")
    assert np.array_equal(bench.sums(kept).chosen, bench.sums().chosen)
    assert "could not be kept for later jobs: File exists" in kept.note


def test_scores_that_a_fresh_forward_does_not_confirm_are_thrown_away(
    bench: Bench, tmp_path: Path
) -> None:
    expected = bench.sums(KeptScores(tmp_path / "kept"))
    with torch.no_grad():
        bench.loaded.model.get_output_embeddings().weight.add_(0.05)
        bench.loaded.model.get_output_embeddings().weight[3].mul_(2)
    wrong = KeptScores(tmp_path / "kept")
    found = bench.sums(wrong)
    assert wrong.computed == 8
    assert "differed from a fresh forward" in wrong.note
    assert found.chosen != pytest.approx(expected.chosen, abs=1e-3)


def test_the_hash_of_weights_is_of_their_contents(tiny_vlm: Path, tmp_path: Path) -> None:
    import shutil

    copy = Path(shutil.copytree(tiny_vlm, tmp_path / "copy"))
    cache = tmp_path / "cache"
    known = weights.digest(str(tiny_vlm), (), cache)
    assert weights.digest(str(copy), (), cache) == known
    file = copy / "model.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    assert weights.digest(str(copy), (), cache) != known
    assert weights.digest(str(tiny_vlm), (str(copy),), cache) != known
    assert weights.digest(str(tmp_path / "nowhere"), (), cache) is None


def test_another_format_picture_size_or_way_has_another_place(
    bench: Bench, job: Callable[..., JobFolder]
) -> None:
    folder = job()
    spec = folder.read_spec()

    def place(shared: bool = False, dtype: torch.dtype = torch.float32, **settings: Any) -> Any:
        bench.loaded.model.to(dtype)
        return inputs.kept_scores(
            folder, spec, parse_spec(settings), bench.loaded, shared=shared
        )._folder

    places = [
        place(),
        place(shared=True),
        place(dtype=torch.bfloat16),
        place(max_pixels=400),
    ]
    assert len(set(places)) == 4
    assert place() == places[0]


def test_pairs_are_named_by_their_tokens_and_pictures(bench: Bench) -> None:
    from dataclasses import replace

    one = bench.pairs[0]
    assert reference_scores.key_of(one) == reference_scores.key_of(replace(one, row=None))  # type: ignore[arg-type]
    other = replace(one, prompt=replace(one.prompt, images=("another",)))
    assert reference_scores.key_of(one) != reference_scores.key_of(other)
    assert reference_scores.key_of(one) != reference_scores.key_of(
        replace(one, chosen=one.rejected)
    )
