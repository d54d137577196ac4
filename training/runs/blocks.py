"""The mask of packed rows in blocks, for a kernel that leaves out what no token sees.

FlexAttention (arXiv 2412.05496) computes neither the upper triangle nor the other answer, and needs
no mask of length x length in every layer. Transformers takes its `BlockMask` where it takes a mask
of four dimensions. The decoder gets an attention of ours that runs FlexAttention on a `BlockMask`
and SDPA on all else: passes with two rows, generation and the vision tower stay what they were.
"""

from __future__ import annotations

from typing import Any

import torch
import torch._dynamo as dynamo
from torch.nn.attention.flex_attention import BlockMask, create_block_mask
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.flex_attention import flex_attention_forward
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from training.runs.branches import PADDING, PROMPT, Layout

NAME = "pairwright_blocks"
# FlexAttention's own size of a block. Rows are padded to a multiple: every length is compiled anew
SIZE = 128


def attend(module: Any, query: Any, key: Any, value: Any, attention_mask: Any, **named: Any) -> Any:
    """What a layer of the decoder calls."""
    in_blocks = isinstance(attention_mask, BlockMask)
    way = flex_attention_forward if in_blocks else sdpa_attention_forward
    return way(module, query, key, value, attention_mask, **named)


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, sdpa_mask)


def suit(inner: Any) -> bool:
    """Whether the device has the kernel, the decoder says that it takes such a mask, and none of
    its attention is dropped out: the kernel refuses that, in training only."""
    config, device = inner.config.get_text_config(), next(inner.parameters()).device.type
    dropped = any(getattr(config, name, 0) for name in ("attention_dropout", "dropout"))
    takes = bool(getattr(inner.get_decoder(), "_supports_flex_attn", False))
    return device == "cuda" and takes and not dropped


def enable(inner: Any) -> None:
    """Let the decoder of a model take masks in blocks; it goes on taking others."""
    config = inner.config.get_text_config()
    # every length is a graph of its own, and beyond the limit the kernel runs uncompiled
    dynamo.config.recompile_limit = max(dynamo.config.recompile_limit, 64)
    if config._attn_implementation != NAME:
        alone = config is inner.config
        inner.set_attn_implementation(NAME if alone else {"text_config": NAME})


def mask(made: Layout, window: int | None = None, groups: torch.Tensor | None = None) -> BlockMask:
    """What `Layout.visible` says, in blocks. The arguments are its own."""
    branches, columns = made.branches, made.columns
    pairs, length = branches.shape

    def sees(pair: Any, head: Any, asks: Any, seen: Any) -> Any:
        branch = branches[pair, seen]
        allowed = (seen <= asks) & ((branch == PROMPT) | (branch == branches[pair, asks]))
        allowed = allowed & (branch != PADDING)
        if groups is not None:
            mine = groups[pair, asks]
            allowed = allowed | ((mine == groups[pair, seen]) & (mine >= 0))
        if window is not None:
            allowed = allowed & (columns[pair, asks] - columns[pair, seen] < window)
        return allowed | (asks == seen)

    return create_block_mask(
        sees, pairs, None, length, length, device=str(branches.device), BLOCK_SIZE=SIZE
    )
