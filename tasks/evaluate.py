"""Stage ``evaluate@METHOD``: one method along its dial, on the test images."""

import numpy as np

from ftn_core.data.store import Store
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.evaluation.along_dial import Sampling, evaluate_denoiser
from ftn_core.losses.load import loss_metric
from ftn_core.parameters import Parameters
from ftn_core.runtime.device import set_up_torch
from ftn_core.utils.progress import Progress
from tasks import paths
from tasks.tracking.tracker import Tracker


def evaluate(params: Parameters, tracker: Tracker, method: str, own_base: bool = False) -> None:
    """Score a row along its dial, and keep the pictures that the report shows.

    Args:
        method: name of the row.
        own_base: whether the row has a base of its own, so that the base's scores are not the row's.
    """
    device = set_up_torch(params.threads)
    progress = Progress(tracker.stage, "passes", None)
    evaluation, pictures = evaluate_denoiser(
        method,
        ContinuousDenoiser.load(paths.denoiser(method)).to(device),
        Store(paths.PHOTOGRAPHS / "test"),
        {level: Store(paths.degraded_set(level) / "test") for level in params.data.levels},
        Sampling(params.evaluate.alphas, params.evaluate.images),
        loss_metric(paths.ADAPTED_LOSS, device),
        device,
        on_pass=progress.of,
        own_base=own_base,
    )
    evaluation.write(paths.method_result(method))
    np.savez(paths.method_result(method).with_suffix(".npz"), **pictures)  # type: ignore[arg-type]
    for level, score in evaluation.scores.items():
        tracker.at_level(level, {key: value for key, value in vars(score).items() if value is not None})
    tracker.metrics({f"smoothness/{key}": value for key, value in evaluation.smoothness.model_dump().items()})
