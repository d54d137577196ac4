"""A very small VLM with random weights, a media store and dataset files to train it on."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from storage import dataset_rows, pictures, prompts, videos
from storage.media import MediaStore
from storage.rows import DatasetRow, Part, Turn
from training.jobs.folder import DatasetRef, JobFolder, RunSpec

TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' }}"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}{{ '<image>' }}{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endif %}{{ '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
SIDE, PATCH = 16, 8


def build_tokenizer(*names: str, **special: str) -> Any:
    """Bytes and some special tokens, those of `names` and `special` among them."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: index for index, letter in enumerate(letters)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    roles = ["<|system|>", "<|user|>", "<|assistant|>"]
    more = [*names, *special.values()]
    tokenizer.add_special_tokens([*roles, "<|end|>", "<|pad|>", "<image>", *more])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|end|>",
        pad_token="<|pad|>",
        clean_up_tokenization_spaces=False,
        extra_special_tokens={"image_token": "<image>", **special},
    )


class Tiny:
    """What tests make very small models of other families from."""

    tokenizer = staticmethod(build_tokenizer)

    @staticmethod
    def template(picture: str) -> str:
        return TEMPLATE.replace("<image>", picture)


@pytest.fixture
def tiny() -> type[Tiny]:
    return Tiny


def build_seeing_model(folder: Path) -> None:
    """A LLaVA of about 60,000 random weights with its processor."""
    import torch
    from transformers import (
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
    )
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    tokenizer = build_tokenizer()
    side = {"height": SIDE, "width": SIDE}
    images = CLIPImageProcessorPil(size=side, crop_size=side, do_center_crop=False)
    processor = LlavaProcessor(
        image_processor=images,
        tokenizer=tokenizer,
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=TEMPLATE,
    )
    tower = CLIPVisionConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        image_size=SIDE,
        patch_size=PATCH,
    )
    config = LlavaConfig(
        vision_config=tower,
        text_config=decoder_config(tokenizer, LlamaConfig),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        image_seq_length=(SIDE // PATCH) ** 2,
        vision_feature_select_strategy="default",
        vision_feature_layer=-1,
        tie_word_embeddings=False,
    )
    torch.manual_seed(0)
    model = LlavaForConditionalGeneration(config)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.save_pretrained(folder)
    processor.save_pretrained(folder)


def build_text_model(folder: Path) -> None:
    """A Llama that takes text only, with the same tokenizer."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = build_tokenizer()
    tokenizer.chat_template = TEMPLATE
    torch.manual_seed(0)
    LlamaForCausalLM(decoder_config(tokenizer, LlamaConfig)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def decoder_config(tokenizer: Any, config: Any) -> Any:
    return config(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=2048,
        initializer_range=0.1,
        tie_word_embeddings=False,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models of this size gain nothing from a second thread, and lose on a busy machine."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def tiny_vlm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "tiny"
    build_seeing_model(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_text_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "text"
    build_text_model(folder)
    return folder


@dataclass(frozen=True)
class Example:
    """One pair as a test writes it; `{}` in the question stands for the next picture."""

    question: str
    chosen: str
    rejected: str
    pictures: tuple[tuple[int, int, int], ...] = ()
    system: str = ""
    split: str = "train"
    video: str = ""


class World:
    """A media store and dataset files below one folder."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.store = MediaStore((home / "media").as_uri())

    def picture(self, colour: tuple[int, int, int], size: int = 20) -> str:
        """Keep a plain picture of this colour; returns its id."""
        path = self.home / "picture.png"
        Image.new("RGB", (size, size), colour).save(path)
        media, data = pictures.normalize(path.read_bytes())
        self.store.put(data, media)
        return media.id

    def video(self, colours: Sequence[tuple[int, int, int]], each: int = 4, side: int = 32) -> str:
        """Keep a video at 4 frames a second, `each` of every colour in turn; returns its id."""
        media, data = videos.normalize(self.video_file(colours, each, side))
        self.store.put(data, media)
        return media.id

    @staticmethod
    def video_file(colours: Sequence[tuple[int, int, int]], each: int = 4, side: int = 32) -> bytes:
        data = io.BytesIO()
        with av.open(data, "w", format="mp4") as container:
            stream = container.add_stream("libx264", rate=4, options={"crf": "10"})
            stream.width, stream.height, stream.pix_fmt = side, side, "yuv420p"
            for colour in colours:
                pixels = np.full((side, side, 3), colour, np.uint8)
                for _ in range(each):
                    container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
            container.mux(stream.encode())
        return data.getvalue()

    def write(self, examples: list[Example], name: str = "v1") -> DatasetRef:
        rows = [self.row(example) for example in examples]
        path = self.home / f"{name}.parquet"
        dataset_rows.write_parquet(rows, path)
        return DatasetRef(name, str(path), "oracle", dataset_rows.digest(rows))

    def row(self, example: Example) -> DatasetRow:
        images = [self.picture(colour) for colour in example.pictures]
        parts: list[Part] = []
        for number, text in enumerate(example.question.split("{}")):
            if number:
                parts.append(Part("image", media=images[number - 1]))
            parts.append(Part("text", text))
        parts += [Part("video", media=example.video)] if example.video else []
        turns = [Turn("system", (Part("text", example.system),))] if example.system else []
        prompt = prompts.build([*turns, Turn("user", tuple(parts))], "colour")
        answers = f"{prompt.id}{example.chosen}{example.rejected}"
        return DatasetRow(
            pair_id=hashlib.sha256(answers.encode()).hexdigest(),
            prompt=prompt,
            chosen=example.chosen,
            rejected=example.rejected,
            labels="oracle",
            votes=1,
            confidence=0.75,
            record_id="",
            split=example.split,
        )


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def mixed_examples(train: int = 16, holdout: int = 6) -> list[Example]:
    """Pairs with no, one and two pictures, with and without a system turn."""
    colours = {"red": RED, "green": GREEN, "blue": BLUE}
    names = list(colours)
    examples = []
    for number in range(train + holdout):
        first, second = names[number % 3], names[(number + 1) % 3]
        split = "train" if number < train else "holdout"
        system = "Be brief." if number % 4 == 0 else ""
        if number % 3 == 0:
            question, shown = f"No. {number}: {{}} which colour?", (colours[first],)
        elif number % 3 == 1:
            question, shown = f"No. {number}: {{}} and {{}} alike?", (colours[first], RED)
        else:
            question, shown = f"No. {number}: name a colour", ()
        examples.append(Example(question, f"It is {first}.", f"{second}", shown, system, split))
    return examples


@pytest.fixture
def job(world: World, tiny_vlm: Path) -> Callable[..., JobFolder]:
    """Make the folder of a train job on the mixed pairs; settings as words change the spec."""

    def make(
        name: str = "j1",
        examples: list[Example] | None = None,
        kind: str = "train",
        attempt: int = 1,
        model: Path = tiny_vlm,
        adapters: tuple[str, ...] = (),
        reference_adapters: tuple[str, ...] = (),
        **settings: Any,
    ) -> JobFolder:
        quick = {
            "learning_rate": 5e-3,
            "epochs": 2,
            "batch_size": 4,
            "gradient_accumulation_steps": 1,
            "lora_rank": 4,
            "kl_threshold": 50,
            "reference_model": "round_start",
            # drawing answers costs more than such a model's training
            "on_policy_prompts": 0,
        }
        folder = JobFolder(world.home / name)
        folder.write_spec(
            RunSpec(
                job=name,
                attempt=attempt,
                kind=kind,
                settings=quick | settings,
                model=str(model),
                adapters=adapters,
                reference_model=str(model),
                reference_adapters=reference_adapters,
                dataset=world.write(examples or mixed_examples(), name),
                media_url=world.store.url,
            )
        )
        return folder

    return make


class Examples:
    """Makes pairs for tests: one at a time, or a mixture."""

    pair = Example
    mixed = staticmethod(mixed_examples)

    @staticmethod
    def trl_row(row: Any, source: Any) -> dict[str, Any]:
        """The row as TRL's own collator takes it, pictures opened."""
        prompt = [
            {
                "role": turn.role,
                "content": [
                    {"type": "image"} if part.media else {"type": "text", "text": part.text}
                    for part in turn.parts
                ],
            }
            for turn in row.turns
        ]
        return {
            "prompt": prompt,
            "chosen": [{"role": "assistant", "content": row.chosen}],
            "rejected": [{"role": "assistant", "content": row.rejected}],
            "images": [source.open(name) for name in row.images],
        }


@pytest.fixture
def examples() -> type[Examples]:
    return Examples
