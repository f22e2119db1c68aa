"""The data of a training: photographs, their degraded versions at one level, and batches of both."""

from dataclasses import dataclass
from pathlib import Path

import torch
from lightning_fabric import Fabric

from ftn_core.data.store import Store
from ftn_core.losses.loss import Loss
from ftn_core.training.batches import Batches, Degraded
from ftn_core.training.loop import validation_score
from ftn_core.training.plan import Plan


@dataclass(frozen=True)
class TrainingData:
    """Folders of packed images, each with the splits ``train`` and ``val``.

    Args:
        photographs: the clean photographs.
        degraded: the same photographs, degraded at one level.
        permute_channels: whether the crops' colour channels are shuffled.
    """

    photographs: Path
    degraded: Path
    permute_channels: bool

    def batches(self, degraded: Degraded | None, plan: Plan, seed: int, fabric: Fabric) -> Batches:
        """This process's share of each batch. If ``degraded`` is None, batches use the degraded set's images."""
        return Batches(
            Store(self.photographs / "train"),
            degraded or Store(self.degraded / "train"),
            batch_size=plan.batch_size,
            crop=plan.crop,
            permute_channels=self.permute_channels,
            seed=seed,
            device=fabric.device,
            share=(fabric.global_rank, fabric.world_size),
        )

    def score(self, network: torch.nn.Module, loss: Loss, limit: int, device: torch.device) -> float:
        """The mean loss in decibels over at most ``limit`` validation images."""
        return validation_score(
            network, loss, Store(self.photographs / "val"), Store(self.degraded / "val"), limit, device
        )
