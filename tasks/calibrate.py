"""Stage ``calibrate@METHOD``: join the levels and find where the dial stands for each sigma."""

import itertools
from typing import TYPE_CHECKING

from tasks import workspace
from tasks.stage import main

if TYPE_CHECKING:
    from ftn_core.parameters import Parameters
    from tasks.tracking import Tracker


def calibrate(params: "Parameters", tracker: "Tracker", method: str, chain: bool) -> None:
    """Join base and levels into one denoiser; calibrate sigma to alpha on validation images alone.

    A chain has the levels between, too.
    """
    from ftn_core.continuous import ContinuousDenoiser, join
    from ftn_core.data.store import Store
    from ftn_core.device import make_fabric
    from ftn_core.evaluation import find_dial
    from ftn_core.progress import Progress

    progress, passes = Progress(tracker.stage, "passes", None), itertools.count(1)
    fabric = make_fabric(params.threads, params.train.precision)
    files = {level: workspace.adapted(method, level) for level in params.levels.adapted}
    if chain:
        files |= {level: workspace.adapted(workspace.chain(method), level) for level in params.levels.between}
    denoiser = join([ContinuousDenoiser.load(file) for _, file in sorted(files.items())]).to(fabric.device)
    # scores are only held against each other: half the precision does, in half the time
    with fabric.autocast():
        denoiser.dial = find_dial(
            denoiser,
            Store(workspace.PHOTOGRAPHS / "val"),
            {sigma: workspace.noisy_set(sigma) / "val" for sigma in params.data.sigmas},
            fabric.device,
            params.evaluate.calibration_images,
            on_pass=lambda: progress(next(passes)),
        )
    denoiser.save(workspace.denoiser(workspace.chain(method) if chain else method))
    for sigma, position in denoiser.dial:
        print(f"{tracker.stage}: sigma {sigma} at position {position:.3f}", flush=True)
        tracker.metrics({"dial": position}, step=round(1000 * sigma))


if __name__ == "__main__":
    main(calibrate)
