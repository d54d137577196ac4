"""Plan a training: do everything but train, and measure one step on the longest pairs."""

from __future__ import annotations

from typing import Any

from training.jobs import shortage
from training.jobs.folder import JobFolder
from training.jobs.journal import Journal, StopRequestedError
from training.measuring.measurement import KL_PAIRS
from training.modeling import batching, devices, model_facts, vision_features
from training.modeling.encoding import EncodedPair
from training.runs import memory, plan, probing, trainer
from training.runs.assembly import Assembly, Run, assemble
from training.runs.plan import Batches, Lengths, Memory, Offer, Plan, Shape, Work
from training.runs.probing import Step
from training.runs.shared_prompts import unwrapped
from training.settings.spec import parse_spec

HERE = "this machine"


def make(folder: JobFolder) -> None:
    """Do a `plan` job: its result's metrics are a Plan.

    Raises PairwrightError when the model, the dataset or a setting cannot be used, or when the
    device does not hold a single pair.
    """
    spec = folder.read_spec()
    settings = parse_spec(spec.settings)
    alone = settings.model_copy(update={"processes": 1})
    run = Run(folder, Journal(folder), spec, alone, devices.prepare(), resumed=None)
    if settings.processes > 1:
        run.journal.note(
            f"Time and memory are those of one process; the run shares each update among "
            f"{settings.processes} ({settings.parallel})."
        )
    try:
        assembly = assemble(run)
        run.journal.progress("training", 0, 1)
        made = _planned(run, assembly, *_tried(run, assembly))
        folder.finish(None, None, made.as_json())
    except StopRequestedError:
        folder.stop()


def _tried(run: Run, assembly: Assembly) -> tuple[Step, int | None]:
    """A step on the longest pair, and what one more pair takes (bytes); None when unknown."""
    try:
        one = probing.longest(assembly, 1)
    except (RuntimeError, MemoryError) as error:
        if not shortage.is_out_of_memory(error):
            raise
        single = run.settings.model_copy(update={"batch_size": 1})
        batching.smaller(single, assembly.pairs, shortage.first_line(error))
        raise
    if len(assembly.pairs) < 2 or one.peak is None:
        return one, None
    try:
        two = probing.longest(assembly, 2)
    except (RuntimeError, MemoryError) as error:
        if not shortage.is_out_of_memory(error):
            raise
        # one is all that there is room for
        return one, memory.this_machine().memory
    return one, max(0, (two.peak or 0) - one.peak)


def _planned(run: Run, assembly: Assembly, step: Step, per_pair: int | None) -> Plan:
    settings, pairs = run.settings, assembly.pairs
    steps = trainer.steps_of(settings, len(pairs))
    evaluations = 0 if not assembly.heldout else steps.total // steps.evaluate + 1
    work = _work(assembly, settings.epochs, evaluations, settings.reference_free)
    needs = _memory(run, assembly, step, per_pair)
    return Plan(
        train=len(pairs),
        holdout=len(assembly.heldout),
        lengths=_lengths(assembly),
        batches=_batches(run, assembly, needs),
        epoch_steps=steps.epoch,
        steps=steps.total,
        evaluations=evaluations,
        memory=needs,
        work=work,
        offers=(_here(run, step, work, needs), *_rented(run, assembly, work)),
        vision_cache=_vision_cache(assembly),
        notes=run.journal.notes,
    )


def _lengths(assembly: Assembly) -> Lengths:
    lengths = [pair.length for pair in assembly.pairs]
    return Lengths(
        median=plan.percentile(lengths, 0.5),
        p95=plan.percentile(lengths, 0.95),
        longest=max(lengths),
        pictures=max(_picture_tokens(assembly, pair) for pair in assembly.pairs),
    )


def _work(assembly: Assembly, epochs: int, evaluations: int, reference_free: bool) -> Work:
    """Tokens trained on in all epochs, and tokens of the passes that only read."""
    shared = assembly.sharing.attention is not None

    def tokens(pairs: tuple[EncodedPair, ...]) -> int:
        return sum(probing.tokens_of(pair, shared) for pair in pairs)

    trained, heldout = tokens(assembly.pairs), tokens(assembly.heldout)
    # each evaluation runs the policy on all, and the reference on those whose KL is measured
    with_kl = min(1.0, KL_PAIRS / max(1, len(assembly.heldout)))
    reference = heldout + (0 if reference_free else trained)
    return Work(trained * epochs, reference + round(evaluations * heldout * (1 + with_kl)))


def _memory(run: Run, assembly: Assembly, step: Step, per_pair: int | None) -> Memory:
    machine = memory.this_machine()
    needs = None
    if step.peak is not None:
        trained = [one for one in assembly.made.model.parameters() if one.requires_grad]
        # Adam keeps two moments in the weights' format, from the first update on
        moments = 2 * sum(one.numel() * one.element_size() for one in trained)
        more = (run.settings.batch_size - 1) * (per_pair or 0)
        needs = step.peak + moments + more
    return Memory(machine.name, machine.memory, needs, per_pair)


def _batches(run: Run, assembly: Assembly, needs: Memory) -> Batches:
    size = run.settings.batch_size
    accumulation = run.settings.accumulation_steps(len(assembly.pairs))
    largest = None
    if needs.needs is not None and needs.has is not None and needs.per_pair:
        room = plan.USABLE * needs.has - needs.needs
        most = size + int(room // needs.per_pair)
        largest = batching.largest_divisor(size * accumulation, most) if most >= 1 else None
    return Batches(size, accumulation, size * accumulation, largest)


def _here(run: Run, step: Step, work: Work, needs: Memory) -> Offer:
    a_token, forward = step.seconds / step.tokens, step.forward_seconds / step.tokens
    hours = (work.trained * a_token + work.forward * forward) / 3600
    holds = memory.UNKNOWN
    if needs.needs is not None and needs.has is not None:
        fits = needs.needs <= plan.USABLE * needs.has
        holds = memory.FITS if fits else memory.TOO_LARGE
    return _offer(HERE, hours, run.settings.price_here, "one step measured here", holds)


def _rented(run: Run, assembly: Assembly, work: Work) -> list[Offer]:
    """The same job on devices that are not here, by their peak."""
    shape, rows = _shape(assembly), _rows(assembly)
    facts = model_facts.read(run.spec.model)
    needed = memory.estimate(facts, run.settings, on_gpu=True, merges=bool(run.spec.adapters))
    passes = plan.passes_of_a_step(run.settings.method, checkpointing=True)
    share = sum(_picture_tokens(assembly, pair) for pair in assembly.pairs) / max(
        1, work.trained // run.settings.epochs
    )
    per_row = max(1, round(work.trained / run.settings.epochs / rows))
    prices = {"a100": run.settings.price_a100, "h100": run.settings.price_h100}

    def cost(tokens: int) -> float:
        return plan.operations(shape, tokens, max(1, tokens // per_row), round(tokens * share))

    total = passes * cost(work.trained) + cost(work.forward)
    offers = []
    for device in plan.DEVICES:
        hours = total / (plan.ASSUMED_SHARE * device.peak) / 3600
        holds = memory.verdict(needed, memory.Machine(device.name, True, device.memory))
        basis = f"not measured: {plan.ASSUMED_SHARE:.0%} of its peak assumed"
        offers.append(_offer(device.name, hours, prices[device.key], basis, holds))
    return offers


def _offer(machine: str, hours: float, price: float, basis: str, holds: str) -> Offer:
    return Offer(machine, hours, price, hours * price, basis, holds)


def _rows(assembly: Assembly) -> int:
    return len(assembly.pairs) * (1 if assembly.sharing.attention is not None else 2)


def _shape(assembly: Assembly) -> Shape:
    inner: Any = unwrapped(assembly.made.model)
    decoder, head = inner.get_decoder(), inner.get_output_embeddings()
    embeddings = inner.get_input_embeddings()
    held = {id(one): one.numel() for one in decoder.parameters() if one.ndim > 1}
    held |= {id(one): one.numel() for one in head.parameters()}
    held.pop(id(embeddings.weight), None) if embeddings.weight is not head.weight else None
    in_text = {id(one) for one in (*decoder.parameters(), *head.parameters())}
    vision = sum(one.numel() for one in inner.parameters() if id(one) not in in_text)
    config = inner.config.get_text_config()
    return Shape(
        decoder=sum(held.values()),
        vision=vision,
        layers=config.num_hidden_layers,
        hidden=config.hidden_size,
        patches_per_token=_patches_per_token(assembly, inner.config),
    )


def _patches_per_token(assembly: Assembly, config: Any) -> float:
    """Of the pair with the most picture tokens; 0 without pictures."""
    most = max(assembly.pairs, key=lambda pair: _picture_tokens(assembly, pair))
    tokens = _picture_tokens(assembly, most)
    media = assembly.encoder.media([most.prompt])
    pixels = media.get("pixel_values", media.get("pixel_values_videos"))
    if pixels is None or not tokens:
        return 0.0
    if pixels.ndim == 2:
        # Qwen's processors give patches, a row each
        return float(pixels.shape[0] / tokens)
    patch = getattr(config.vision_config, "patch_size", 14)
    side = patch[0] if isinstance(patch, list | tuple) else patch
    return float(pixels.numel() / pixels.shape[-3] / side**2 / tokens)


def _vision_cache(assembly: Assembly) -> int | None:
    """Bytes that kept features would take, from those of the pair with most picture tokens."""
    if assembly.sharing.attention is None or _has_clips(assembly):
        return None
    everything = {
        pair.prompt.images: pair
        for pair in (*assembly.pairs, *assembly.heldout)
        if pair.prompt.images
    }
    counts = {images: _picture_tokens(assembly, one) for images, one in everything.items()}
    if not any(counts.values()):
        return None
    largest = max(counts, key=lambda images: counts[images])
    media = assembly.encoder.media([everything[largest].prompt])
    found = vision_features.compute(unwrapped(assembly.made.model), media)
    size = sum(one.numel() * one.element_size() for one in found.values())
    return round(size / counts[largest] * sum(counts.values()))


def _has_clips(assembly: Assembly) -> bool:
    return any(pair.prompt.clips for pair in (*assembly.pairs, *assembly.heldout))


def _picture_tokens(assembly: Assembly, pair: EncodedPair) -> int:
    return sum(pair.prompt.ids.count(token) for token in assembly.encoder.picture_tokens)
