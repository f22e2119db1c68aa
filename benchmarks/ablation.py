"""What each ingredient of our transition is worth, beside DNI, AdaFM and FTN, over three seeds.

python -m benchmarks.ablation [--quick]
"""

import contextlib
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from lightning_fabric import Fabric
from torch import nn

from benchmarks.harness import Report, quick
from benchmarks.small import write_small_photographs
from ftn_core.data.store import Store
from ftn_core.data.task import DENOISING, DegradationSpec
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.denoiser.level import AdaptedLevel
from ftn_core.denoiser.transition import Transition, build_transition
from ftn_core.evaluation.calibration import calibrate_dial
from ftn_core.evaluation.pairs import Pairs
from ftn_core.evaluation.scoring import score
from ftn_core.parameters import Parameters, load_parameters
from ftn_core.report.table import spread
from ftn_core.training.adapted import AdaptedNetwork
from ftn_core.training.data import TrainingData
from ftn_core.training.fabric import make_fabric
from ftn_core.training.loop import Run
from ftn_core.training.norm_statistics import estimate_statistics
from ftn_core.training.plan import Plan
from ftn_core.training.train import Recipe, initial_network, noise_at, plan_from_scratch, train
from ftn_core.utils.errors import UserError
from tasks.degraded import degraded
from tasks.loss import loss
from tasks.paths import ADAPTED_LOSS, DEGRADED, PHOTOGRAPHS, degraded_set
from tasks.prepare import prepare
from tasks.tracking.tracker import Tracker

SEEDS = (0, 1, 2)
IMAGES = 24
"""Test photographs at most, evenly spaced."""

TEXT = """Every variant adapts the same base to one further level, with the steps, batch and photographs of
params.yaml. PSNR in dB on the test photographs, mean and standard deviation over the seeds of base and finetuning.
At the levels in between (*), which no variant was trained for, the dial is at its best position on validation
photographs. 'Before' is the transition before training. Parameters are those that are trained, as a share of the
base's."""


class Variant(NamedTuple):
    """A transition and its learning rate; parameters whose names end in ``frozen`` are not trained."""

    method: str
    lr: float
    options: dict[str, Any]
    frozen: tuple[str, ...] = ()
    rescaled: bool = True
    """Whether it is built with the ratio of the two sigmas, so that it may start from the rescaled base."""


def variants(ours: dict[str, Any]) -> dict[str, Variant]:
    """All that are compared, ours with its options as in params.yaml."""
    unmixed = ours | {"mixes": 0}
    return {
        "DNI": Variant("dni", 1e-3, {"rescale": False}),
        "DNI from the rescaled base": Variant("dni", 1.5e-3, {"rescale": True}),
        "AdaFM, 5 x 5": Variant("adafm", 3e-3, {"kernel": 5}),
        "FTN, 1 group": Variant("ftn", 2e-3, {"groups": 1}),
        "FTN, 16 groups": Variant("ftn", 1e-3, {"groups": 16}),
        "FTN, 16 groups, biases": Variant("ftn", 1e-3, {"groups": 16, "biases": True}),
        "scale-mix": Variant("scale_mix", 5e-3, ours),
        "scale-mix from the base as it is": Variant("scale_mix", 5e-3, ours, rescaled=False),
        "scale-mix without taps": Variant("scale_mix", 5e-3, ours, ("taps",)),
        "scale-mix without shared mixes": Variant("scale_mix", 5e-3, unmixed),
        "biases and output scales alone": Variant("scale_mix", 5e-3, unmixed, ("taps", "inputs")),
    }


class Bench:
    """The pipeline's photographs and parameters, one seed, and a folder for unfinished trainings."""

    def __init__(self, params: Parameters, fabric: Fabric, seed: int, folder: Path) -> None:
        self.params, self.fabric, self.seed, self.folder = params, fabric, seed, folder
        self.near, self.far = params.levels.base, params.levels.adapted[-1]
        self.sigmas = [sigma for sigma in params.data.levels if self.near <= sigma <= self.far]
        self.clean = {split: Store(PHOTOGRAPHS / split) for split in ("train", "val", "test")}
        noisy = {sigma: Store(degraded_set(sigma) / "test") for sigma in self.sigmas}
        self.test = Pairs(self.clean["test"], noisy, fabric.device, limit=IMAGES)

    def recipe(self, sigma: float, plan: Plan, seed: int) -> Recipe:
        params = self.params
        return Recipe(
            data=TrainingData(PHOTOGRAPHS, degraded_set(sigma), params.train.permute_channels),
            degraded=noise_at(DegradationSpec.of(params.degradation), sigma, params.train),
            loss=ADAPTED_LOSS,
            plan=replace(plan, validations=1),
            seed=seed,
            val_images=params.train.val_images,
        )

    def run(self, label: str) -> Run:
        return Run(f"seed {self.seed} {label}", self.folder / "state.safetensors")

    def base(self) -> nn.Module:
        network = initial_network(self.params.network.model_dump(), self.seed, self.fabric)
        plan = plan_from_scratch(self.params.train, self.params.train.steps)
        train(network, self.recipe(self.near, plan, self.seed), self.run("base"), self.fabric)
        return network.eval().requires_grad_(False)

    def adapt(self, base: nn.Module, variant: Variant, label: str) -> tuple[float, float, list[float]]:
        """Share of parameters that are trained, PSNR at the far level before training, PSNR at each sigma after it."""
        params, device = self.params, self.fabric.device
        torch.manual_seed(self.seed)
        ratio = self.far / self.near if variant.rescaled else 1.0
        transition = build_transition(variant.method, base, ratio, **variant.options)
        for name, parameter in transition.named_parameters():
            if name.rsplit(".", 1)[-1] in variant.frozen:
                parameter.requires_grad_(False)
        trained = sum(p.numel() for p in transition.parameters() if p.requires_grad)
        share = trained / sum(p.numel() for p in base.parameters())
        network = AdaptedNetwork(base, transition, (self.near, self.far))
        with torch.no_grad():
            before = score(self._denoiser(base, transition, variant).fold(1), self.test, self.far).psnr
        options = params.finetune
        plan = Plan(options.steps, variant.lr, options.batch_size, options.crop, params.train.schedule, 1)
        recipe = self.recipe(self.far, plan, self.seed + 1)
        train(network, recipe, self.run(label), self.fabric)
        transition.requires_grad_(False)
        denoiser = self._denoiser(base, transition, variant)
        batches = recipe.data.batches(recipe.degraded, recipe.plan, recipe.seed, self.fabric)
        denoiser.levels[0].statistics = estimate_statistics(network.base, network, batches, options.norm_batches)
        noisy = {sigma: degraded_set(sigma) / "val" for sigma in self.sigmas}
        limit = params.evaluate.calibration_images
        denoiser.dial = calibrate_dial(denoiser, self.clean["val"], noisy, device, limit)
        after = [score(denoiser.fold(denoiser.position(sigma)), self.test, sigma).psnr for sigma in self.sigmas[1:]]
        return share, before, after

    def _denoiser(self, base: nn.Module, transition: Transition, variant: Variant) -> ContinuousDenoiser:
        level = AdaptedLevel(self.far, variant.method, variant.options, transition, {})
        return ContinuousDenoiser(DENOISING, self.params.network.model_dump(), base, self.near, [level])


def measure(params: Parameters, chosen: dict[str, Variant], seeds: tuple[int, ...]) -> Report:
    """Train and score the chosen variants; reads the outputs of ``prepare``, ``degraded`` and ``loss``."""
    fabric = make_fabric(params.threads, params.train.precision)
    found: dict[str, list[tuple[float, float, list[float]]]] = {name: [] for name in chosen}
    bases = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            bench = Bench(params, fabric, seed, Path(folder))
            base = bench.base()
            bases.append(score(base, bench.test, bench.near).psnr)
            for name, variant in chosen.items():
                found[name].append(bench.adapt(base, variant, name))
    report = Report("ablation", "Ablation: what a level's own ingredients are worth", TEXT)
    rows = []
    for name, results in found.items():
        shares, before, after = zip(*results, strict=True)
        row = {"what is the level's own": name, "parameters": f"{100 * shares[0]:.2f} %", "before": spread(before)}
        for i, sigma in enumerate(bench.sigmas[1:]):
            head = f"{sigma:.3g}" + ("" if sigma == bench.far else "*")
            row[head] = spread([values[i] for values in after])
        rows.append(row)
    network, base_plan, finetune = params.network, params.train, params.finetune
    images, tested = len(bench.clean["train"]), min(IMAGES, len(bench.clean["test"]))
    report.table(
        f"{network.name}, {network.channels} channels, depth {network.depth}; base at {bench.near}, "
        f"{spread(bases)} dB after {base_plan.steps} steps; then {finetune.steps} steps at {bench.far}, batch "
        f"{finetune.batch_size}; {images} training and {tested} test photographs; {len(seeds)} seeds",
        rows,
    )
    return report


def measure_quickly(params: Parameters, chosen: dict[str, Variant]) -> None:
    """A few steps of three variants on crops of the sample photographs, in an empty folder."""
    steps = {"steps": 2, "crop": 32, "batch_size": 2}
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        write_small_photographs(Path("photographs"))
        data = {"source": "folder", "folder": "photographs", "levels": [0.2, 0.4, 0.6]}
        small = params.model_copy(
            update={
                "data": params.data.model_copy(update=data),
                "train": params.train.model_copy(update=steps),
                "finetune": params.finetune.model_copy(update=steps | {"norm_batches": 1}),
            }
        )
        tracker = Tracker("ablation", Path(), round)
        prepare(small, tracker)
        loss(small, tracker)
        for level in small.data.levels:
            degraded(small, tracker, level)
        names = ("DNI", "scale-mix from the base as it is", "biases and output scales alone")
        measure(small, {name: chosen[name] for name in names}, SEEDS[:2])


def main() -> None:
    try:
        params = load_parameters()
        chosen = variants(params.transitions["scale-mix"].options())
        if quick():
            measure_quickly(params, chosen)
        elif not (DEGRADED.exists() and ADAPTED_LOSS.exists()):
            raise UserError("photographs or losses are not there: run `dvc repro degraded loss` first")
        else:
            measure(params, chosen, SEEDS).save()
    except UserError as error:
        print(f"ablation: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
