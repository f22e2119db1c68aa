"""Where the stages' data lie, relative to the project's root: the paths that ``dvc.yaml`` declares."""

from pathlib import Path

from ftn_core.units import level_name

PHOTOGRAPHS = Path("data/photographs")
MANIFEST = PHOTOGRAPHS / "manifest.json"
DEGRADED = Path("data/degraded")
STYLES = Path("styles")
BASE_OBJECTIVE = Path("data/objective/base.safetensors")
ADAPTED_OBJECTIVE = Path("data/objective/adapted.safetensors")
BASE = Path("models/networks/base.safetensors")
ADAPTED = Path("models/adapted")
NETWORKS = Path("models/networks")
DENOISERS = Path("models/denoisers")
CURVES = Path("results/curves")
RESULTS = Path("results")
CLASSICAL = Path("results/classical.json")
REFERENCES = Path("results/references.json")
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
"""Archives, kept from one run to the next; outside the declared outputs."""
RESUME = Path(".ftn/resume")
"""States of unfinished trainings, outside the declared outputs, which DVC deletes before a stage runs."""


def degraded_set(level: float) -> Path:
    """The degraded set of one level."""
    return DEGRADED / level_name(level)


def adapted(method: str, level: float) -> Path:
    """The base adapted to one level."""
    return ADAPTED / method / f"{level_name(level)}.safetensors"


def scratch(level: float) -> Path:
    """A network trained for one level alone."""
    return NETWORKS / f"scratch-{level_name(level)}.safetensors"


def level_input(sigma: float) -> Path:
    """A network that is told sigma, trained up to this one."""
    return NETWORKS / f"level_input-{level_name(sigma)}.safetensors"


def told_sigma(sigma: float) -> str:
    """What a network that is told sigma is called."""
    return f"told sigma up to {level_name(sigma)}"


def curve(stage: str) -> Path:
    """The training curve of a stage, named as DVC names it."""
    return CURVES / f"{stage.replace('@', '-')}.csv"


def denoiser(name: str) -> Path:
    """All levels of one method, or of its chain, with the calibrated dial."""
    return DENOISERS / f"{name}.safetensors"


def chain(method: str) -> str:
    """What a method with the levels between is called."""
    return f"{method}-chain"


def method_result(name: str) -> Path:
    """What the evaluation of a denoiser found."""
    return METHOD_RESULTS / f"{name}.json"
