"""Shared by stages that calibrate: a base and its levels as one denoiser, with the dial's position for each level."""

from collections.abc import Iterable
from itertools import count
from pathlib import Path

from ftn_core.data.store import Store
from ftn_core.data.task import make_task
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.denoiser.level import load_level
from ftn_core.evaluation.blend import calibrate_blend
from ftn_core.evaluation.calibration import calibrate_dial
from ftn_core.parameters import Parameters
from ftn_core.runtime.device import autocast, set_up_torch
from ftn_core.runtime.network_file import TrainedNetwork
from ftn_core.utils.levels import level_name
from ftn_core.utils.progress import Progress
from tasks import paths
from tasks.tracking.tracker import Tracker


def save_calibrated(params: Parameters, tracker: Tracker, name: str, base_file: Path, files: Iterable[Path]) -> None:
    """Assemble base and levels into one denoiser, calibrate its dial and save it.

    Args:
        name: of the row.
        files: of the levels, in any order.
    """
    device = set_up_torch(params.threads)
    base = TrainedNetwork.load(base_file)
    levels = [load_level(file, base.network) for file in files]
    task = make_task(params.degradation, params.train.loss, params.finetune.loss)
    denoiser = ContinuousDenoiser(task, base.spec, base.network, base.level, levels).to(device)
    clean = Store(paths.PHOTOGRAPHS / "val")
    progress, passes = Progress(tracker.stage, "passes", None), count(1)
    # scores are only compared with each other, so lower precision is enough; it takes half the time
    with autocast(device, params.train.precision):
        denoiser.dial = calibrate_dial(
            denoiser,
            clean,
            {level: paths.degraded_set(level) / "val" for level in params.data.levels},
            device,
            params.evaluate.calibration_images,
            on_pass=lambda: progress(next(passes)),
        )
    # in full precision: a rounding is as large as a weak degradation
    denoiser.blend = calibrate_blend(denoiser, clean, device, params.evaluate.calibration_images)
    denoiser.save(paths.denoiser(name))
    for level, position in denoiser.dial:
        print(f"{tracker.stage}: {task.quantity.name} {level_name(level)} at position {position:.3f}", flush=True)
        tracker.at_level(level, {"dial": position})
    for reach, weight in denoiser.blend:
        at = level_name(round(denoiser.level_at(denoiser.span[0] + reach), 4))
        print(f"{tracker.stage}: {task.quantity.name} {at} blended with the input, weight {weight:.2f}", flush=True)
        tracker.metrics({f"blend/{at}": weight})
