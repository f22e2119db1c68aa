"""Stage ``evaluate@METHOD``: one method's dial on test images alone."""

from typing import TYPE_CHECKING

from tasks import workspace
from tasks.stage import main

if TYPE_CHECKING:
    from ftn_core.parameters import Parameters
    from tasks.tracking import Tracker

STRIP_PIXELS = 160
"""Side of the crops in the picture strip."""
PATH_SAMPLES = 21
"""Of the dial, for the smoothness of the way from its one end to the other."""


def evaluate(params: "Parameters", tracker: "Tracker", method: str, chain: bool) -> None:
    """Score a method along its dial, and keep the pictures that the report shows."""
    import itertools

    import numpy as np
    import torch

    from ftn_core.continuous import ContinuousDenoiser
    from ftn_core.data.pairs import Pairs
    from ftn_core.data.store import Store
    from ftn_core.device import make_fabric
    from ftn_core.evaluation import middle, positions, sweep, turned
    from ftn_core.images import to_image
    from ftn_core.objectives import own_metric
    from ftn_core.progress import Progress
    from ftn_core.results import Evaluation, GridPoint
    from ftn_core.smoothness import smoothness

    name = workspace.chain(method) if chain else method
    device = make_fabric(params.threads).device
    clean = Store(workspace.PHOTOGRAPHS / "test")
    degraded = {level: Store(workspace.degraded_set(level) / "test") for level in params.data.levels}
    denoiser = ContinuousDenoiser.load(workspace.denoiser(name)).to(device)
    samples = positions(denoiser, params.evaluate.alphas)
    own = own_metric(workspace.ADAPTED_OBJECTIVE, device)

    places = {level: denoiser.position(level) for level in degraded}
    adapted = {level: [place] for level, place in places.items() if place}  # at 0 it is the base, scored elsewhere
    progress, passes = (
        Progress(tracker.stage, "passes", len(adapted) + len(degraded) * len(samples)),
        itertools.count(1),
    )
    scores = {}
    for level, _, result in sweep(denoiser, adapted, Pairs(clean, degraded, device), own):
        scores[level] = result
        progress(next(passes))
    grid = []
    some = Pairs(clean, degraded, device, limit=params.evaluate.images)
    for level, place, result in sweep(denoiser, dict.fromkeys(degraded, samples), some, own):
        grid.append(GridPoint(level=level, position=place, psnr=result.psnr, objective=result.objective))
        progress(next(passes))

    def crop(image: torch.Tensor) -> torch.Tensor:
        pixels = middle(image, STRIP_PIXELS).clamp(0, 1).mul(255).round().byte()
        return pixels.permute(0, 2, 3, 1).cpu()

    # in the middle of the levels one end of the dial does too little and the other too much
    strip_level = params.data.levels[len(params.data.levels) // 2]
    image = to_image(degraded[strip_level][0], device)
    inner = middle(image, 2 * STRIP_PIXELS)
    path = turned(denoiser, inner, np.linspace(0, len(denoiser.levels), PATH_SAMPLES).tolist())
    evaluation = Evaluation(
        name=name,
        trained=denoiser.trained,
        dial=denoiser.dial,
        scores={level: scores[level] for level in adapted},
        grid=sorted(grid, key=lambda point: (point.level, point.position)),
        strip_level=strip_level,
        smoothness=smoothness(path),
    )
    evaluation.write(workspace.method_result(name))
    np.savez(
        workspace.method_result(name).with_suffix(".npz"),
        strip=torch.cat([crop(x[None]) for x in turned(denoiser, inner, samples)]).numpy(),
        positions=np.array(samples),
        clean=crop(middle(to_image(clean[0]), 2 * STRIP_PIXELS))[0].numpy(),
        degraded=crop(inner)[0].numpy(),
    )
    for level, score in evaluation.scores.items():
        values = {name: value for name, value in vars(score).items() if value is not None}
        tracker.metrics(values, step=round(1000 * level))
    tracker.metrics({f"smoothness/{key}": value for key, value in evaluation.smoothness.model_dump().items()})


if __name__ == "__main__":
    main(evaluate)
