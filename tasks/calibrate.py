"""Stage ``calibrate@METHOD``: join the levels and find where the dial stands for each level."""

import itertools
from typing import TYPE_CHECKING

from tasks import workspace
from tasks.stage import main

if TYPE_CHECKING:
    from ftn_core.parameters import Parameters
    from tasks.tracking import Tracker


def calibrate(params: "Parameters", tracker: "Tracker", method: str, chain: bool) -> None:
    """Join base and levels into one denoiser; calibrate each level's alpha on validation images alone.

    A chain has the levels between, too.
    """
    from ftn_core.continuous import ContinuousDenoiser, join
    from ftn_core.data.store import Store
    from ftn_core.device import make_fabric
    from ftn_core.evaluation import find_dial
    from ftn_core.progress import Progress
    from ftn_core.units import level_name

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
            {level: workspace.degraded_set(level) / "val" for level in params.data.levels},
            fabric.device,
            params.evaluate.calibration_images,
            on_pass=lambda: progress(next(passes)),
        )
    denoiser.save(workspace.denoiser(workspace.chain(method) if chain else method))
    unit = denoiser.task.unit.name
    for level, position in denoiser.dial:
        print(f"{tracker.stage}: {unit} {level_name(level)} at position {position:.3f}", flush=True)
        tracker.metrics({"dial": position}, step=round(1000 * level))


if __name__ == "__main__":
    main(calibrate)
