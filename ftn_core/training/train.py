"""Trains one network or transition, from its data to its curve."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import nn

from ftn_core.data.task import DegradationSpec
from ftn_core.losses.load import load_loss
from ftn_core.parameters.training import Train
from ftn_core.runtime.network_file import TrainedNetwork, build_network
from ftn_core.training.batches import Degraded, FreshNoise
from ftn_core.training.data import TrainingData
from ftn_core.training.loop import BatchSource, CurveRow, Run, fit
from ftn_core.training.plan import Plan
from ftn_core.training.processes import synchronise_norms
from ftn_core.training.teacher import Taught


@dataclass(frozen=True)
class Recipe:
    """The data, the loss and the plan of a training.

    Args:
        degraded: noise drawn anew for every batch, or degraded images; None: those of the degraded set.
        loss: file of the packed loss.
        seed: of the batches.
        val_images: validate on at most so many images.
        teacher: whose outputs are learned; None: the clean images.
    """

    data: TrainingData
    degraded: Degraded | None
    loss: Path
    plan: Plan
    seed: int
    val_images: int
    teacher: nn.Module | None = None


def plan_from_scratch(train: Train, steps: int) -> Plan:
    """The plan of a network that is trained from scratch: section ``train`` of the parameters, with other steps."""
    return Plan(steps, train.lr, train.batch_size, train.crop, train.schedule, train.validations, train.optimizer)


def noise_at(degradation: DegradationSpec, level: float, train: Train) -> FreshNoise | None:
    """The noise of a level, if it is drawn anew for every batch; otherwise None."""
    sigma = degradation.fresh_sigma(level)
    return None if sigma is None or train.noise == "fixed" else FreshNoise(sigma, degradation.clips)


def initial_network(spec: dict[str, Any], seed: int, fabric: Fabric, start: Path | None = None) -> nn.Module:
    """A network to train, from the arguments of ``build_network``, the same in all processes of a training.

    Args:
        start: file of the network whose weights it starts from, if that exists; else they are drawn.
    """
    torch.manual_seed(seed)
    network = build_network(**spec)
    if start and start.exists():
        network.load_state_dict(TrainedNetwork.load(start).network.state_dict())
    synchronise_norms(network, fabric)
    return network


def train(network: nn.Module, recipe: Recipe, run: Run, fabric: Fabric) -> list[CurveRow]:
    """Train in place, and return the curve; see ``fit``."""
    loss = load_loss(recipe.loss)
    batches: BatchSource = recipe.data.batches(recipe.degraded, recipe.plan, recipe.seed, fabric)
    if recipe.teacher:
        batches = Taught(batches, recipe.teacher, fabric)
    return fit(
        network,
        loss,
        batches,
        lambda module: recipe.data.score(module, loss, recipe.val_images, fabric.device),
        recipe.plan,
        run,
        fabric,
    )


def write_curve(path: Path, rows: list[CurveRow]) -> None:
    """Write the curve as CSV, with a line for each validation."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
