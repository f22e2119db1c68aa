"""Paths of the stages' data, relative to the project's root, as ``dvc.yaml`` declares them."""

from pathlib import Path

from ftn_core.utils.levels import level_name

PARAMS = Path("params.yaml")
PHOTOGRAPHS = Path("data/photographs")
MANIFEST = PHOTOGRAPHS / "manifest.json"
DEGRADED = Path("data/degraded")
STYLES = Path("styles")
FEATURES = Path("features")
PRETRAINED = Path("data/pretrained")
BASE_LOSS = Path("data/loss/base.safetensors")
ADAPTED_LOSS = Path("data/loss/adapted.safetensors")
BASE = Path("models/networks/base.safetensors")
ADAPTED = Path("models/adapted")
NETWORKS = Path("models/networks")
DENOISERS = Path("models/denoisers")
LINES = Path("models/lines")
CURVES = Path("results/curves")
RESULTS = Path("results")
CLASSICAL = Path("results/classical.json")
BASELINES = Path("results/baselines.json")
METHOD_RESULTS = Path("results/methods")
PSNR = Path("results/psnr.csv")
COSTS = Path("results/costs.json")
FILTERS = Path("results/filters.json")
TABLE = Path("results/table.md")
REPORT = Path("results/report.html")
METRICS = Path("results/metrics.json")
REGISTERED = Path("results/registered.json")
VERDICT = Path("results/verdict.md")
VERDICT_DATA = Path("results/verdict.json")
CARD = Path("results/card.md")

DOWNLOADS = Path(".ftn/downloads")
"""Downloaded archives. They are kept between runs, outside the declared outputs."""
RESUME = Path(".ftn/resume")
"""States of unfinished trainings. They are outside the declared outputs, which DVC deletes before a stage runs."""


def degraded_set(level: float) -> Path:
    """The degraded set of one level."""
    return DEGRADED / level_name(level)


def pretrained_at(level: float) -> Path:
    """The network from which a training at this level starts, if it does not start from fresh weights."""
    return PRETRAINED / f"{level_name(level)}.safetensors"


def adapted(method: str, level: float) -> Path:
    """The base adapted to one level."""
    return ADAPTED / method / f"{level_name(level)}.safetensors"


def scratch(level: float) -> Path:
    """A network trained for one level alone."""
    return NETWORKS / f"scratch-{level_name(level)}.safetensors"


def noise_conditioned(sigma: float) -> Path:
    """A noise-conditioned network, trained up to this sigma."""
    return NETWORKS / f"noise-conditioned-{level_name(sigma)}.safetensors"


def noise_conditioned_name(sigma: float) -> str:
    """The name of a noise-conditioned network in tables."""
    return f"noise-conditioned up to {level_name(sigma)}"


def line_base(level: float) -> Path:
    """The network at the first end of a line to this level."""
    return LINES / level_name(level) / "base.safetensors"


def line_end(level: float) -> Path:
    """The second end of a line, as a level of its base."""
    return LINES / level_name(level) / "level.safetensors"


def curve(stage: str) -> Path:
    """The training curve of a stage, named as DVC names it."""
    return CURVES / f"{stage.replace('@', '-')}.csv"


def denoiser(name: str) -> Path:
    """The denoiser of one method, of its chain, or of a line: base, levels and calibrated dial."""
    return DENOISERS / f"{name}.safetensors"


def method_result(name: str) -> Path:
    """Results of a denoiser's evaluation."""
    return METHOD_RESULTS / f"{name}.json"
