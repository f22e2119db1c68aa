"""Stage ``evaluate_baselines``: what the methods are compared with, on the test images."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import nn

from ftn_core.data.store import Store
from ftn_core.evaluation.baselines import score_networks
from ftn_core.evaluation.records.baselines import Baselines
from ftn_core.evaluation.records.score import Score
from ftn_core.losses.load import loss_metric
from ftn_core.parameters import Parameters
from ftn_core.runtime.device import set_up_torch
from ftn_core.runtime.network_file import TrainedNetwork
from ftn_core.runtime.noise_conditioned import NoiseConditioned
from ftn_core.utils.levels import level_name
from ftn_core.utils.progress import Progress
from tasks import paths
from tasks.tracking.tracker import Tracker


def evaluate_baselines(params: Parameters, tracker: Tracker) -> None:
    """Score the degraded input, the base alone, networks trained from scratch and noise-conditioned networks."""
    device = set_up_torch(params.threads)
    from_scratch = {level: f"from scratch at {level_name(level)}" for level in params.levels.from_scratch}
    conditioned = {level: paths.noise_conditioned_name(level) for level in params.levels.noise_conditioned}
    networks: dict[str, Callable[[], nn.Module]] = {
        "degraded input": nn.Identity,
        "base": partial(_load, paths.BASE, device),
        **{name: partial(_load, paths.scratch(level), device) for level, name in from_scratch.items()},
        **{name: partial(_load_conditioned, paths.noise_conditioned(s), s, device) for s, name in conditioned.items()},
    }
    degraded = {level: Store(paths.degraded_set(level) / "test") for level in params.data.levels}
    progress = Progress(tracker.stage, "passes", None)
    scores = dict(
        score_networks(
            networks,
            Store(paths.PHOTOGRAPHS / "test"),
            degraded,
            loss_metric(paths.ADAPTED_LOSS, device),
            device,
            on_pass=progress.of,
        )
    )
    classical = json.loads(paths.CLASSICAL.read_text())
    scores |= {name: {s: Score(**by_level[level_name(s)]) for s in degraded} for name, by_level in classical.items()}
    names = ["degraded input", *classical, *list(networks)[1:]]
    Baselines(
        scores={name: scores[name] for name in names},
        from_scratch={params.levels.base: "base", **from_scratch},
        noise_conditioned=list(conditioned.values()),
    ).write(paths.BASELINES)
    for name in names:
        for level, result in scores[name].items():
            tracker.at_level(level, {f"psnr/{name}": result.psnr})


def _load(path: Path, device: torch.device) -> nn.Module:
    return TrainedNetwork.load(path, device).network


def _load_conditioned(path: Path, sigma: float, device: torch.device) -> nn.Module:
    return NoiseConditioned(_load(path, device), sigma)
