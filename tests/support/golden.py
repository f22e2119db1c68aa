"""Short trainings of every network, loss, method and line, and the file that holds their curves.

`python tests/support/golden.py` writes the file again. Do so only after a change that is meant to alter a training.

The trainings run in float64 on the CPU. In float32 processors round differently: one rounding that turns a ReLU on or
off moves a curve by a thousandth within thirty steps, and so does one per cent of the learning rate.
"""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from lightning_fabric import Fabric
from project import ROOT
from skimage import data
from torch import Tensor, nn

from ftn_core.data.store import StoreWriter
from ftn_core.data.task import DENOISING
from ftn_core.degradations.degradation import Degradation
from ftn_core.degradations.degraded_set import write_degraded_set
from ftn_core.parameters.losses import LossOptions, PerceptualLossOptions, PixelLossOptions, StyleLossOptions
from ftn_core.parameters.training import Schedule
from ftn_core.parameters.transitions import (
    AdaFMOptions,
    CfsNetOptions,
    DniOptions,
    DynamicNetOptions,
    FtnOptions,
    ScaleMixOptions,
    TransitionOptions,
)
from ftn_core.runtime.network_file import TrainedNetwork
from ftn_core.sources.pack_loss import pack_loss
from ftn_core.sources.splits import SPLITS
from ftn_core.training.batches import FreshNoise, FreshNoiseRange
from ftn_core.training.data import TrainingData
from ftn_core.training.finetune import adapt
from ftn_core.training.line import LineNetwork
from ftn_core.training.loop import CurveRow, Run
from ftn_core.training.plan import Plan
from ftn_core.training.train import Recipe, initial_network, train

CURVES = ROOT / "tests/golden/curves.json"
STEPS, ROWS = 30, 10
BASE_SIGMA, SIGMA = 0.1, 0.2

NETWORKS = {
    "unshuffle_net": {"channels": 8, "depth": 2},
    "resnet": {"channels": 8, "depth": 5},
    "adafm_net": {"channels": 12, "depth": 1},
    "dncnn": {"channels": 8, "depth": 4},
    "transform_net": {"channels": 8, "depth": 1},
}

LOSSES: dict[str, LossOptions] = {
    "l1": PixelLossOptions(name="l1"),
    "l2": PixelLossOptions(name="l2"),
    "perceptual": PerceptualLossOptions(
        name="perceptual", feature=1.0, layers=["relu1_2", "relu2_2"], pixel=1.0, total_variation=0.1
    ),
    "style": StyleLossOptions(
        name="style", image="mosaic.jpg", size=32, content=1.0, content_layer="relu2_2", style=1.0,
        style_layers=["relu1_2", "relu2_2"], total_variation=0.1,
    ),
}  # fmt: skip

_AT_LEVEL = {"lr": 0.003, "supervision": "level"}
METHODS: dict[str, TransitionOptions] = {
    "ftn": FtnOptions(method="ftn", groups=1, biases=False, **_AT_LEVEL),
    "ftn-4": FtnOptions(method="ftn", groups=4, biases=False, **_AT_LEVEL),
    "adafm-1": AdaFMOptions(method="adafm", kernel=1, **_AT_LEVEL),
    "adafm-5": AdaFMOptions(method="adafm", kernel=5, **_AT_LEVEL),
    "dni": DniOptions(method="dni", rescale=False, **_AT_LEVEL),
    "dni-rescaled": DniOptions(method="dni", rescale=True, **_AT_LEVEL),
    "scale-mix": ScaleMixOptions(method="scale_mix", mixes=1, groups=2, **_AT_LEVEL),
    # its couplings are products of wide layers: at the others' rate it is chaotic
    "cfsnet": CfsNetOptions(method="cfsnet", lr=0.0003, supervision="level"),
    "dynamic-net": DynamicNetOptions(method="dynamic_net", after=[0.5, 1.0], width=1.0, **_AT_LEVEL),
    "dni-continuous": DniOptions(method="dni", rescale=True, lr=0.003, supervision="continuous"),
}


@dataclass(frozen=True)
class Case:
    """A network trained from scratch for a loss; with a ``method``, one of random weights adapted to another level.

    The method ``LINE`` is no transition: base and direction are trained together.
    """

    network: str
    loss: str
    method: str | None = None

    def __str__(self) -> str:
        return "-".join(filter(None, (self.network, self.loss, self.method)))


LINE = "line"
UNFIT = {
    # branches need a body of one width
    ("transform_net", "cfsnet"),
    ("transform_net", "dynamic-net"),
    # batch norm undoes a scale: nothing is learned
    ("resnet", "adafm-1"),
    ("dncnn", "adafm-1"),
}
CASES = [Case(network, loss) for network in NETWORKS for loss in LOSSES] + [
    Case(network, "l1", method) for network in NETWORKS for method in METHODS if (network, method) not in UNFIT
]
CASES += [Case(network, "l1", LINE) for network in ("unshuffle_net", "resnet")]


@contextmanager
def float64() -> Iterator[None]:
    """Inside, what would be float32 is float64."""
    torch.set_default_dtype(torch.float64)
    try:
        with patch.object(Tensor, "float", Tensor.double):
            yield
    finally:
        torch.set_default_dtype(torch.float32)


class Trainings:
    """Trains the cases on small crops of a photograph; ``folder`` takes all that is written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._fabric = Fabric(accelerator="cpu", devices=1)
        self._run = Run("golden", folder / "state")
        photograph = data.astronaut().transpose(2, 0, 1)
        for split, left in zip(SPLITS, (100, 160, 220), strict=True):
            with StoreWriter(folder / "photographs" / split, "uint8") as writer:
                writer.append(split, np.ascontiguousarray(photograph[:, 60:108, left : left + 48]))
        for sigma in (BASE_SIGMA, SIGMA):
            noise = Degradation.of(DENOISING.degradation)
            write_degraded_set(folder / "photographs", self._degraded(sigma), noise, sigma, seed=0, train=False)
        with float64():
            for name, loss in LOSSES.items():
                pack_loss(self._loss(name), loss, weights="stlpips", features=folder, styles=ROOT / "styles")

    def losses(self, case: Case, faster: float = 1.0) -> list[float]:
        """The mean loss of every three steps, at ``faster`` times the case's learning rate."""
        with float64():
            return [row["loss"] for row in self._curve(case, faster)]

    def _curve(self, case: Case, faster: float) -> list[CurveRow]:
        spec = {"name": case.network, **NETWORKS[case.network]}
        network = initial_network(spec, 0, self._fabric)
        if case.method is None:
            return train(network, self._recipe(case.loss, BASE_SIGMA, 0.002 * faster), self._run, self._fabric)
        if case.method == LINE:
            recipe = replace(
                self._recipe(case.loss, SIGMA, 0.002 * faster),
                degraded=FreshNoiseRange(BASE_SIGMA, SIGMA, clip=False, draws=2),
            )
            return train(LineNetwork(network, (BASE_SIGMA, SIGMA), 2), recipe, self._run, self._fabric)
        for parameter in network.parameters():
            if parameter.dim() == 4 and not parameter.any():  # FTN maps filters of zeros to zeros
                nn.init.normal_(parameter, std=0.1)
        base = TrainedNetwork(spec, network.requires_grad_(False), BASE_SIGMA)
        options = METHODS[case.method]
        _, rows = adapt(
            base,
            SIGMA,
            options.method,
            options,
            DENOISING.degradation,
            self._recipe(case.loss, SIGMA, options.lr * faster),
            self._run,
            self._fabric,
            seed=0,
            norm_batches=1,
        )
        return rows

    def _recipe(self, loss: str, sigma: float, lr: float) -> Recipe:
        return Recipe(
            data=TrainingData(self._folder / "photographs", self._degraded(sigma), permute_channels=True),
            degraded=FreshNoise(sigma, clip=False),
            loss=self._loss(loss),
            plan=Plan(STEPS, lr, 2, 16, Schedule(name="cosine", warmup_steps=2, milestones=[]), ROWS),
            seed=0,
            val_images=1,
        )

    def _degraded(self, sigma: float) -> Path:
        return self._folder / f"degraded-{sigma}"

    def _loss(self, name: str) -> Path:
        return self._folder / f"{name}.loss"


def main() -> None:
    """Train all cases and write their curves."""
    with tempfile.TemporaryDirectory() as folder:
        trainings = Trainings(Path(folder))
        curves = {str(case): trainings.losses(case) for case in CASES}
    lines = (f"{json.dumps(name)}: [{', '.join(f'{x:.10g}' for x in losses)}]" for name, losses in curves.items())
    CURVES.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
