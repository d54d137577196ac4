"""Answers that say which model wrote them, such as "I am Qwen": such a pair is not blind any more.

They are marked for the lead, not hidden: the lead decides whether the votes on them count. A name
alone is no sign, since a picture may show a llama; so we look for a model that speaks of itself.
"""

from __future__ import annotations

import re

# families that people align or sample from, and the companies that their answers name as maker
MODELS = (
    *("Qwen", "Qwen-VL", "Tongyi", "Llama", "LLaVA", "Vicuna", "Alpaca", "Mistral", "Mixtral"),
    *("Pixtral", "Gemma", "Gemini", "PaLM", "Bard", "GPT", "ChatGPT", "Claude", "DeepSeek"),
    *("InternVL", "InternLM", "MiniCPM", "Phi", "Molmo", "SmolVLM", "Idefics", "CogVLM", "GLM"),
    *("ChatGLM", "Yi", "Kimi", "Moonshot", "Grok", "Falcon", "Command R", "Florence", "PaliGemma"),
    *("Baichuan", "ERNIE", "Doubao", "Hunyuan", "Nemotron", "Granite", "OLMo", "Aya", "Step"),
)
MAKERS = (
    *("OpenAI", "Anthropic", "Google", "Google DeepMind", "DeepMind", "Meta", "Meta AI"),
    *("Alibaba", "Alibaba Cloud", "Mistral AI", "DeepSeek", "Microsoft", "xAI", "Zhipu AI"),
    *("Moonshot AI", "Cohere", "NVIDIA", "IBM", "Baidu", "Tencent", "ByteDance", "Shanghai AI Lab"),
)


def _any_of(names: tuple[str, ...]) -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))


_MODEL = rf"(?P<name>(?:{_any_of(MODELS)})(?:[- ]?v?\d[\w.]*)?(?:-[A-Za-z0-9.]+)*)"
_MAKER = rf"(?P<name>{_any_of(MAKERS)})"
_END = r"(?![\w])"
_KIND = r"(?:large |vision[- ]?|language |multimodal |AI |chat)*(?:model|assistant|chatbot|bot)"
_SIGNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b(?:I am|I'm|I’m|my name is|call me)\s+(?:called\s+|named\s+)?{_MODEL}{_END}",
        rf"\bas\s+{_MODEL}\s*,",
        rf"\bI(?: am|'m|’m| was)\b[^.!?\n]{{0,60}}?\b{_KIND}\b[^.!?\n]{{0,40}}?"
        rf"\b(?:called|named)\s+{_MODEL}{_END}",
        rf"\b(?:I(?: am|'m|’m| was)|{_KIND})\b[^.!?\n]{{0,60}}?"
        rf"\b(?:created|made|trained|developed|built|designed)\s+by\s+{_MAKER}{_END}",
        rf"(?:我是|我叫|我的名字是)\s*(?P<name>{_any_of(MODELS)}|通义千问|文心一言|豆包)",
    )
)


def find(text: str) -> str | None:
    """The model or maker by which an answer names its source, as written there, or None."""
    for sign in _SIGNS:
        found = sign.search(text)
        if found is not None:
            # a sentence may end here
            return found["name"].rstrip(".")
    return None
