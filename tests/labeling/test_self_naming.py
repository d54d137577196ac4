"""Answers that say who wrote them are found, and answers that only mention a name are not."""

from __future__ import annotations

import pytest

from labeling import self_naming


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        ("I am Qwen, and I see two cups.", "Qwen"),
        ("Hello! I'm ChatGPT. There are three.", "ChatGPT"),
        ("i’m qwen2.5-vl-7b-instruct", "qwen2.5-vl-7b-instruct"),
        ("My name is Claude 3", "Claude 3"),
        ("As LLaVA-1.6, I cannot see faces.", "LLaVA-1.6"),
        ("I am a large language model trained by Google.", "Google"),
        ("I'm an AI assistant created by Anthropic", "Anthropic"),
        ("I am a vision-language model called InternVL2.", "InternVL2"),
        ("The dog is brown.\nI was developed by Alibaba Cloud.", "Alibaba Cloud"),
        ("我是Qwen，由阿里云开发。", "Qwen"),
        ("我是通义千问。", "通义千问"),
    ],
)
def test_an_answer_that_names_its_model_is_found(answer: str, name: str) -> None:
    assert self_naming.find(answer) == name


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "The llama is left of the falcon.",
        "I am sure that the sign says Google.",
        "This is a Gemini constellation drawing.",
        "I am Philip, says the badge.",
        "The phone was made by Google.",
        "As shown, Claude Monet painted it.",
        "I am stepping back: there are four cups.",
        "This is Claude, our cat.",
        "The chatbot in the picture was drawn by a child.",
    ],
)
def test_an_answer_that_only_mentions_a_name_is_not(answer: str) -> None:
    assert self_naming.find(answer) is None
