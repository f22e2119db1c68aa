"""What the training stages share: stores, batches, validation and the curve."""

import csv
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import nn

from ftn_core.data.batches import Batches
from ftn_core.data.store import Store
from ftn_core.degradations import Degradation
from ftn_core.device import make_fabric
from ftn_core.level_input import ToldSigma
from ftn_core.networks import build_network
from ftn_core.objectives import load_objective
from ftn_core.parameters import Network, Optimisation, Train
from ftn_core.processes import synchronise_norms
from ftn_core.trained import TrainedNetwork
from ftn_core.training import Row, fit, validation_score
from tasks import workspace
from tasks.processes import Follower
from tasks.tracking import Tracker


def train_from_scratch(
    level: float | tuple[float, float],
    objective: Path,
    out: Path,
    tracker: Tracker | Follower,
    *,
    steps: int,
    seed: int,
    threads: int,
    degradation: Degradation,
    network: Network,
    train: Train,
) -> None:
    """Train a network with fresh weights and write it to ``out``: at one level, or told sigma at a range of them.

    ``objective`` is the file of what it is trained for.

    With ``train.devices`` above one this is one of the processes that train it; the first writes.
    """
    fabric = make_fabric(threads, train.precision, train.devices)
    torch.manual_seed(seed)
    told = isinstance(level, tuple)
    spec = network.model_dump() | ({"inputs": 4} if told else {})
    base = build_network(**spec)
    synchronise_norms(base, fabric)
    budget = Optimisation(steps=steps, lr=train.lr, batch_size=train.batch_size, crop=train.crop)
    batches = make_batches(level, budget, fabric, degradation=degradation, seed=seed, train=train)
    level = level[1] if isinstance(level, tuple) else level
    train_network(ToldSigma(base, level) if told else base, objective, batches, level, budget, train, fabric, tracker)
    if fabric.is_global_zero:
        TrainedNetwork(spec, base, level).save(out)


def make_batches(
    level: float | tuple[float, float],
    options: Optimisation,
    fabric: Fabric,
    *,
    degradation: Degradation,
    seed: int,
    train: Train,
    one_sigma: bool = False,
) -> Batches:
    """Training batches at one level, with fresh noise or the degraded set's own; of a range of sigmas always fresh."""
    sigma = level if isinstance(level, tuple) else degradation.fresh(level)
    degraded = None
    if sigma is None or (train.noise == "fixed" and not isinstance(level, tuple)):
        degraded = Store(workspace.degraded_set(level) / "train")  # type: ignore[arg-type]
    return Batches(
        Store(workspace.PHOTOGRAPHS / "train"),
        degraded,
        sigma=sigma or 0.0,
        one_sigma=one_sigma,
        clip=degradation.noise is not None and degradation.noise.clip,
        batch_size=options.batch_size,
        crop=options.crop,
        permute_channels=train.permute_channels,
        seed=seed,
        device=fabric.device,
        share=(fabric.global_rank, fabric.world_size),
    )


def train_network(
    network: nn.Module,
    objective: Path,
    batches: Batches,
    level: float,
    options: Optimisation,
    train: Train,
    fabric: Fabric,
    tracker: Tracker | Follower,
) -> None:
    """Train in place for an objective, validated on the degraded set of ``level``; writes the curve."""
    aim = load_objective(objective)
    clean = Store(workspace.PHOTOGRAPHS / "val")
    degraded = Store(workspace.degraded_set(level) / "val")
    tracker.tag("ftn.precision", f"{fabric.strategy.precision.precision} on {fabric.device.type}")  # what auto chose
    rows = fit(
        network,
        aim,
        batches,
        lambda module: validation_score(module, aim, clean, degraded, train.val_images, fabric.device),
        fabric=fabric,
        options=options,
        train=train,
        state_file=workspace.RESUME / f"{tracker.resume_key}.safetensors",
        label=tracker.stage,
        on_row=lambda row: tracker.metrics({k: v for k, v in row.items() if k != "step"}, int(row["step"])),
        on_speed=lambda speed, step: tracker.metrics({f"speed/{key}": value for key, value in speed.items()}, step),
    )
    if fabric.is_global_zero:
        _write_curve(workspace.curve(tracker.stage), rows)


def _write_curve(path: Path, rows: list[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
