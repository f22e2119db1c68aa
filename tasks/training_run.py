"""What the training stages share: stores, batches, validation and the curve."""

import csv
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import nn

from ftn_core.data.batches import Batches
from ftn_core.data.store import Store
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
    sigma: float | tuple[float, float],
    objective: Path,
    out: Path,
    tracker: Tracker | Follower,
    *,
    steps: int,
    seed: int,
    threads: int,
    clip: bool,
    network: Network,
    train: Train,
) -> None:
    """Train a network with fresh weights and write it to ``out``: at one level, or told sigma at a range of them.

    ``objective`` is the file of what it is trained for.

    With ``train.devices`` above one this is one of the processes that train it; the first writes.
    """
    fabric = make_fabric(threads, train.precision, train.devices)
    torch.manual_seed(seed)
    told = isinstance(sigma, tuple)
    spec = network.model_dump() | ({"inputs": 4} if told else {})
    base = build_network(**spec)
    synchronise_norms(base, fabric)
    budget = Optimisation(steps=steps, lr=train.lr, batch_size=train.batch_size, crop=train.crop)
    batches = make_batches(sigma, budget, fabric, clip=clip, seed=seed, train=train)
    level = sigma[1] if isinstance(sigma, tuple) else sigma
    train_network(ToldSigma(base, level) if told else base, objective, batches, level, budget, train, fabric, tracker)
    if fabric.is_global_zero:
        TrainedNetwork(spec, base, level).save(out)


def make_batches(
    sigma: float | tuple[float, float],
    options: Optimisation,
    fabric: Fabric,
    *,
    clip: bool,
    seed: int,
    train: Train,
    one_sigma: bool = False,
) -> Batches:
    """Training batches at one sigma, with fresh noise or the noisy set's own; of a range of sigmas always fresh."""
    noisy = None
    if train.noise == "fixed" and not isinstance(sigma, tuple):
        noisy = Store(workspace.noisy_set(sigma) / "train")
    return Batches(
        Store(workspace.PHOTOGRAPHS / "train"),
        noisy,
        sigma=sigma,
        one_sigma=one_sigma,
        clip=clip,
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
    sigma: float,
    options: Optimisation,
    train: Train,
    fabric: Fabric,
    tracker: Tracker | Follower,
) -> None:
    """Train in place for an objective, validated on the noisy set of ``sigma``; writes the curve."""
    aim = load_objective(objective)
    clean = Store(workspace.PHOTOGRAPHS / "val")
    noisy = Store(workspace.noisy_set(sigma) / "val")
    tracker.tag("ftn.precision", f"{fabric.strategy.precision.precision} on {fabric.device.type}")  # what auto chose
    rows = fit(
        network,
        aim,
        batches,
        lambda module: validation_score(module, aim, clean, noisy, train.val_images, fabric.device),
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
