"""What each of several processes holds of a model, and how the whole is put together again.

With FSDP2 the decoder's layers are units of their own and everything else is one more: so every
process gathers the same weights in the same order, whether its pairs have pictures or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from accelerate.state import PartialState
from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin
from torch import distributed
from torch.distributed.checkpoint import state_dict as states
from torch.distributed.fsdp import FSDPModule

from storage.errors import PairwrightError
from training.runs.shared_prompts import unwrapped
from training.settings.parallel import FSDP2, ZERO
from training.settings.spec import DPOSpec

_WHOLE = states.StateDictOptions(full_state_dict=True, cpu_offload=True)
_TO_ALL = states.StateDictOptions(full_state_dict=True, broadcast_from_rank0=True)


def arguments(settings: DPOSpec, model: Any) -> dict[str, Any]:
    """What transformers is told of the way that several processes train."""
    if settings.processes == 1:
        return {}
    if settings.parallel == FSDP2:
        layers = {type(one).__name__ for one in unwrapped(model).get_decoder().layers}
        return {"fsdp": True, "fsdp_config": {"transformer_layer_cls_to_wrap": sorted(layers)}}
    if settings.parallel == ZERO:
        zero = {"stage": 2, "overlap_comm": True}
        derived = ("train_micro_batch_size_per_gpu", "gradient_accumulation_steps")
        auto = dict.fromkeys((*derived, "gradient_clipping"), "auto")
        formats = {"bf16": {"enabled": "auto"}}
        return {"deepspeed": {"zero_optimization": zero, **auto, **formats}}
    # without pictures this family leaves its cross-attention out
    skips = unwrapped(model).config.model_type == "mllama"
    return {"ddp_find_unused_parameters": skips}


def insist(trainer: Any) -> None:
    """Share weights out on the CPU as on other devices.

    accelerate reads the wish for FSDP on devices other than the CPU only, and without a word keeps
    the whole model in every process there. Its code for FSDP2 works on both.
    """
    state = trainer.accelerator.state
    if state.distributed_type == DistributedType.MULTI_CPU:
        plugin = FullyShardedDataParallelPlugin(**trainer.args.fsdp_plugin_args)
        state.fsdp_plugin, state.distributed_type = plugin, DistributedType.FSDP
        PartialState._shared_state["distributed_type"] = DistributedType.FSDP
        trainer.is_fsdp_enabled = True
    if not is_sharded(trainer):
        raise PairwrightError(
            f"parallel is fsdp2, and accelerate made {state.distributed_type} of it.",
            "Use parallel ddp.",
        )


@contextmanager
def head_gathered(model: Any) -> Iterator[None]:
    """Within this block accelerate takes embeddings and LM head for a part of what is left.

    It would make units of them. TRL's fused head reads the weights of the LM head without calling
    it, so it would gather them itself, and their gradient would be that of one process alone.
    """
    model.get_input_embeddings = model.get_output_embeddings = lambda: None
    try:
        yield
    finally:
        del model.get_input_embeddings, model.get_output_embeddings


def is_sharded(trainer: Any) -> bool:
    """Whether weights and optimizer lie in shares."""
    return bool(trainer.accelerator.distributed_type == DistributedType.FSDP)


def rest(model: Any) -> None:
    """Let go of weights that a forward without a backward has gathered."""
    for module in model.modules():
        if isinstance(module, FSDPModule):
            module.reshard()


def weights(trainer: Any) -> dict[str, torch.Tensor] | None:
    """What trains, or of a model without adapter all of it, whole and on the CPU.

    Every process must come here; None where the model is whole anyway. Only the first process has
    all of it.
    """
    if not is_sharded(trainer):
        return None
    rest(trainer.model)
    if not hasattr(trainer.model, "peft_config"):
        found: dict[str, Any] = states.get_model_state_dict(trainer.model, options=_WHOLE)
        return found
    return {
        name: one.full_tensor().detach().cpu()
        for name, one in trainer.model.named_parameters()
        if one.requires_grad
    }


def optimizer(trainer: Any) -> dict[str, Any]:
    """The state of the optimizer, whole in the first process. Every process must come here."""
    if not is_sharded(trainer):
        return dict(trainer.optimizer.state_dict())
    return states.get_optimizer_state_dict(trainer.model, _inner(trainer), options=_WHOLE)


def restore_optimizer(trainer: Any, state: dict[str, Any]) -> None:
    """Share a whole state of the optimizer out again; only that of the first process is read."""
    if distributed.get_rank() > 0:
        state = {}
    states.set_optimizer_state_dict(
        trainer.model, _inner(trainer), optim_state_dict=state, options=_TO_ALL
    )


def _inner(trainer: Any) -> Any:
    return getattr(trainer.optimizer, "optimizer", trainer.optimizer)
