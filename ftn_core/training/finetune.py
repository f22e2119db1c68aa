"""Adapts a base to one more level."""

from dataclasses import replace

import torch
from lightning_fabric import Fabric

from ftn_core.data.task import DegradationSpec
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.denoiser.level import AdaptedLevel
from ftn_core.denoiser.transition import build_transition
from ftn_core.parameters.transitions import TransitionOptions
from ftn_core.runtime.network_file import TrainedNetwork
from ftn_core.training.adapted import AdaptedNetwork, initialize_on_dial
from ftn_core.training.batches import FreshNoiseRange
from ftn_core.training.loop import CurveRow, Run
from ftn_core.training.norm_statistics import estimate_statistics
from ftn_core.training.train import Recipe, train


def adapt(
    base: TrainedNetwork,
    level: float,
    method: str,
    options: TransitionOptions,
    degradation: DegradationSpec,
    recipe: Recipe,
    run: Run,
    fabric: Fabric,
    *,
    seed: int,
    norm_batches: int,
    start: ContinuousDenoiser | None = None,
) -> tuple[AdaptedLevel, list[CurveRow]]:
    """Train a transition with the base frozen. If the base has batch norm, estimate the level's statistics.

    With continuous supervision, the transition is trained at sigmas from the base's level to its own, and alpha is
    linear in sigma.

    Args:
        method: name of a file in ``ftn_core/transitions``.
        seed: of the transition's initial weights.
        norm_batches: number of batches from which the statistics are estimated.
        start: a denoiser of the same method, from whose dial the transition is initialised; None: from the base.

    Returns:
        The adapted level and the training curve.
    """
    torch.manual_seed(seed)
    own = options.options()
    transition = build_transition(method, base.network, degradation.ratio(level, base.level), **own)
    if start:
        initialize_on_dial(transition, start, level)
    network = AdaptedNetwork(base.network, transition, (base.level, level))
    noise = recipe.degraded
    if options.supervision == "continuous":
        noise = FreshNoiseRange(min(base.level, level), max(base.level, level), degradation.clips, draws=1)
    rows = train(network, replace(recipe, degraded=noise), run, fabric)
    at_level = recipe.data.batches(recipe.degraded, recipe.plan, recipe.seed, fabric)
    statistics = estimate_statistics(network.base, network, at_level, norm_batches)
    return AdaptedLevel(level, method, own, transition, statistics), rows
