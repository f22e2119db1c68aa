"""Where the stages' data lie, relative to the project's root: the paths that ``dvc.yaml`` declares."""

from pathlib import Path

PHOTOGRAPHS = Path("data/photographs")
NOISY = Path("data/noisy")
BASE = Path("models/base.safetensors")
ADAPTED = Path("models/adapted")
SCRATCH = Path("models/scratch")
DENOISERS = Path("models/denoisers")
CURVES = Path("results/curves")
CLASSICAL = Path("results/classical.json")
RESULTS = Path("results")
METRICS = Path("results/metrics.json")
TABLE = Path("results/table.md")

REGISTERED = Path("results/registered.json")

DOWNLOADS = Path(".ftn/downloads")
"""Archives, kept from one run to the next; outside the declared outputs."""
RESUME = Path(".ftn/resume")
"""States of unfinished trainings, outside the declared outputs, which DVC deletes before a stage runs."""


def noisy_set(sigma: float) -> Path:
    """The noisy set of one sigma."""
    return NOISY / str(sigma)


def adapted(method: str, level: float) -> Path:
    """The base adapted to one level."""
    return ADAPTED / f"{method}-{level}.safetensors"


def scratch(level: float) -> Path:
    """A network trained for one level alone."""
    return SCRATCH / f"{level}.safetensors"


def curve(stage: str) -> Path:
    """The training curve of a stage, named as DVC names it."""
    return CURVES / f"{stage.replace('@', '-')}.csv"


def denoiser(method: str) -> Path:
    """All levels of one method with the calibrated dial."""
    return DENOISERS / f"{method}.safetensors"
