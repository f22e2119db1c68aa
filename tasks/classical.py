"""Stage ``classical``: scores of denoisers that learn nothing, given the true sigma."""

import json

from ftn_core.data.store import Store
from ftn_core.data.task import DegradationSpec
from ftn_core.evaluation.classical import score_classical
from ftn_core.parameters import Parameters
from ftn_core.utils.levels import level_name
from ftn_core.utils.progress import Progress
from tasks import paths
from tasks.tracking.tracker import Tracker


def classical(params: Parameters, tracker: Tracker) -> None:
    """Score scikit-image's denoisers on the test images at every sigma, if noise is the only degradation."""
    sigmas = params.data.levels if DegradationSpec.of(params.degradation).by_noise_alone else []
    noisy = {sigma: Store(paths.degraded_set(sigma) / "test") for sigma in sigmas}
    progress = Progress(tracker.stage, "images", None)
    scores = score_classical(Store(paths.PHOTOGRAPHS / "test"), noisy, params.threads, progress.of)
    table = {name: {level_name(s): vars(x) for s, x in by_sigma.items()} for name, by_sigma in scores.items()}
    paths.CLASSICAL.parent.mkdir(parents=True, exist_ok=True)
    paths.CLASSICAL.write_text(json.dumps(table, indent=2) + "\n")
