"""What a training reads: photographs and degraded sets of one level, and the batches made of them."""

from dataclasses import dataclass
from pathlib import Path

import torch
from lightning_fabric import Fabric

from ftn_core.data.store import Store
from ftn_core.losses.loss import Loss
from ftn_core.training.batches import Batches, FreshNoise, FreshNoiseRange
from ftn_core.training.loop import validation_score
from ftn_core.training.plan import Plan


@dataclass(frozen=True)
class TrainingData:
    """Folders of packed images, each with the splits ``train`` and ``val``.

    Args:
        photographs: the clean ones.
        degraded: the same at one level.
        permute_channels: whether crops' colour channels are shuffled.
    """

    photographs: Path
    degraded: Path
    permute_channels: bool

    def batches(self, noise: FreshNoise | FreshNoiseRange | None, plan: Plan, seed: int, fabric: Fabric) -> Batches:
        """This process's share of each batch; without ``noise`` the degraded set's own images are used."""
        return Batches(
            Store(self.photographs / "train"),
            noise or Store(self.degraded / "train"),
            batch_size=plan.batch_size,
            crop=plan.crop,
            permute_channels=self.permute_channels,
            seed=seed,
            device=fabric.device,
            share=(fabric.global_rank, fabric.world_size),
        )

    def score(self, network: torch.nn.Module, loss: Loss, limit: int, device: torch.device) -> float:
        """The loss in decibels, the mean over at most ``limit`` validation images."""
        return validation_score(
            network, loss, Store(self.photographs / "val"), Store(self.degraded / "val"), limit, device
        )
