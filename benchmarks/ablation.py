"""What each ingredient of our transition is worth, beside DNI, AdaFM and FTN, over three seeds.

python -m benchmarks.ablation [--quick]
"""

import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import torch
from lightning_fabric import Fabric
from tasks.training_run import make_batches
from torch import nn

from benchmarks.harness import Report, quick
from ftn_core.data.store import Store
from ftn_core.data.task import DENOISING
from ftn_core.degradations.degradation import Degradation
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.denoiser.level import AdaptedLevel
from ftn_core.denoiser.transition import build_transition
from ftn_core.evaluation.pairs import Pairs
from ftn_core.evaluation.scoring import calibrate_dial, score
from ftn_core.losses.load import load_loss
from ftn_core.parameters import Optimisation, Parameters, load_parameters
from ftn_core.report.table import spread
from ftn_core.runtime.device import make_fabric
from ftn_core.runtime.network_file import build_network
from ftn_core.training.adapted import AdaptedNetwork, estimate_statistics
from ftn_core.training.batches import Batches
from ftn_core.training.loop import fit, validation_score
from ftn_core.utils.errors import UserError
from tasks.paths import ADAPTED_LOSS, DEGRADED, PHOTOGRAPHS, degraded_set

SEEDS = (0, 1, 2)
IMAGES = 24
"""Test photographs at most, evenly chosen."""

TEXT = """Every variant adapts the same base to one further level, with the steps, batch and photographs of
params.yaml. PSNR in dB on the test photographs, mean and standard deviation over the seeds of base and finetuning;
at the levels in between, which nothing was trained for, the dial stands where it was best on validation photographs.
'Before training' is the transition as it starts. Parameters are those that learn, as a share of the base's."""


class Variant(NamedTuple):
    """A transition, some of whose parts may stay as they start, and its learning rate."""

    method: str
    lr: float
    options: dict[str, Any]
    frozen: tuple[str, ...] = ()
    rescaled: bool = True
    """Whether it is told how much stronger the noise is: whether the start is the rescaled base."""


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

    def train(self, network: nn.Module, sigma: float, options: Optimisation, seed: int, label: str) -> Batches:
        """In place; returns the batches, which estimate batch-norm statistics, too."""
        train = self.params.train.model_copy(update={"validations": 1})
        batches = make_batches(
            sigma, options, self.fabric, degradation=Degradation.of(self.params.degradation), seed=seed, train=train
        )
        noisy = Store(degraded_set(sigma) / "val")
        objective = load_loss(ADAPTED_LOSS)
        fit(
            network,
            objective,
            batches,
            lambda module: validation_score(
                module, objective, self.clean["val"], noisy, train.val_images, self.fabric.device
            ),
            fabric=self.fabric,
            options=options,
            train=train,
            state_file=self.folder / "state.safetensors",
            label=label,
        )
        return batches

    def base(self) -> nn.Module:
        torch.manual_seed(self.seed)
        network = build_network(**self.params.network.model_dump())
        self.train(network, self.near, self.params.train, self.seed, f"seed {self.seed} base")
        return network.eval().requires_grad_(False)

    def adapt(self, base: nn.Module, variant: Variant, label: str) -> tuple[float, float, list[float]]:
        """Share of parameters that learn, PSNR at the far level before training, and PSNR at each sigma after it."""
        params, device = self.params, self.fabric.device
        torch.manual_seed(self.seed)
        transition = build_transition(
            variant.method, base, self.far / self.near if variant.rescaled else 1.0, **variant.options
        )
        for name, parameter in transition.named_parameters():
            if name.rsplit(".", 1)[-1] in variant.frozen:
                parameter.requires_grad_(False)
        learning = sum(p.numel() for p in transition.parameters() if p.requires_grad)
        share = learning / sum(p.numel() for p in base.parameters())
        network = AdaptedNetwork(base, transition, (self.near, self.far))
        with torch.no_grad():
            before = score(self._denoiser(base, transition, variant).fold(1), self.test, self.far).psnr
        options = Optimisation(
            steps=params.finetune.steps,
            lr=variant.lr,
            batch_size=params.finetune.batch_size,
            crop=params.finetune.crop,
        )
        batches = self.train(network, self.far, options, self.seed + 1, f"seed {self.seed} {label}")
        transition.requires_grad_(False)
        denoiser = self._denoiser(base, transition, variant)
        denoiser.levels[0].statistics = estimate_statistics(network, batches, params.finetune.norm_batches)
        denoiser.dial = calibrate_dial(
            denoiser,
            self.clean["val"],
            {sigma: degraded_set(sigma) / "val" for sigma in self.sigmas},
            device,
            params.evaluate.calibration_images,
        )
        after = [score(denoiser.fold(denoiser.position(s)), self.test, s).psnr for s in self.sigmas[1:]]
        return share, before, after

    def _denoiser(self, base: nn.Module, transition: Any, variant: Variant) -> ContinuousDenoiser:  # noqa: ANN401
        level = AdaptedLevel(self.far, variant.method, variant.options, transition, {})
        return ContinuousDenoiser(DENOISING, self.params.network.model_dump(), base, self.near, [level])


def measure(params: Parameters) -> None:
    seeds = SEEDS[:2] if quick() else SEEDS
    if quick():
        small = {"steps": 4, "crop": 32, "batch_size": 2}
        params = params.model_copy(
            update={
                "train": params.train.model_copy(update=small),
                "finetune": params.finetune.model_copy(update=small | {"norm_batches": 2}),
            }
        )
    chosen = variants(params.transitions["scale-mix"].options())
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
    network, train, finetune = params.network, params.train, params.finetune
    trained, tested = len(bench.clean["train"]), min(IMAGES, len(bench.clean["test"]))
    report.table(
        f"{network.name}, {network.channels} channels, depth {network.depth}; base at {bench.near}, "
        f"{spread(bases)} dB after {train.steps} steps; then {finetune.steps} steps at {bench.far}, batch "
        f"{finetune.batch_size}; {trained} training and {tested} test photographs; {len(seeds)} seeds",
        rows,
    )
    report.save()


def main() -> None:
    try:
        if not DEGRADED.exists():
            raise UserError(f"{DEGRADED} does not exist: run `dvc repro degraded` first")
        measure(load_parameters())
    except UserError as error:
        print(f"ablation: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
