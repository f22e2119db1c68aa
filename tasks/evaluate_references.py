"""Stage ``evaluate_references``: what the methods are held against, on test images alone."""

import json
from typing import TYPE_CHECKING

from tasks import workspace
from tasks.stage import main

if TYPE_CHECKING:
    from ftn_core.parameters import Parameters
    from tasks.tracking import Tracker


def evaluate_references(params: "Parameters", tracker: "Tracker") -> None:
    """Score the degraded input, the base alone, networks trained from scratch and networks that are told sigma."""
    import itertools

    from torch import nn

    from ftn_core.data.pairs import Pairs
    from ftn_core.data.store import Store
    from ftn_core.device import make_fabric
    from ftn_core.evaluation import score
    from ftn_core.level_input import ToldSigma
    from ftn_core.metrics import Score
    from ftn_core.objectives import own_metric
    from ftn_core.progress import Progress
    from ftn_core.results import References
    from ftn_core.trained import TrainedNetwork
    from ftn_core.units import level_name

    device = make_fabric(params.threads).device
    degraded = {level: Store(workspace.degraded_set(level) / "test") for level in params.data.levels}
    pairs = Pairs(Store(workspace.PHOTOGRAPHS / "test"), degraded, device)
    own = own_metric(workspace.ADAPTED_OBJECTIVE, device)
    networks = 2 + len(params.levels.from_scratch) + len(params.levels.level_input)
    progress, passes = Progress(tracker.stage, "passes", networks * len(degraded)), itertools.count(1)

    def scored(network: nn.Module) -> dict[float, Score]:
        scores = {}
        for level in degraded:
            if isinstance(network, ToldSigma):
                network.sigma = level
            scores[level] = score(network, pairs, level, own)
            progress(next(passes))
        return scores

    base = TrainedNetwork.load(workspace.BASE, device).network
    classical = json.loads(workspace.CLASSICAL.read_text())
    scores = {
        "degraded input": scored(nn.Identity()),
        **{name: {s: Score(**by_level[level_name(s)]) for s in degraded} for name, by_level in classical.items()},
        "base": scored(base),
    }
    from_scratch = {params.levels.base: "base"}
    for level in params.levels.from_scratch:
        from_scratch[level] = f"from scratch at {level_name(level)}"
        network = TrainedNetwork.load(workspace.scratch(level), device).network
        scores[from_scratch[level]] = scored(network)
    told = [workspace.told_sigma(sigma) for sigma in params.levels.level_input]
    for name, sigma in zip(told, params.levels.level_input, strict=True):
        network = TrainedNetwork.load(workspace.level_input(sigma), device).network
        scores[name] = scored(ToldSigma(network, sigma))
    References(scores=scores, from_scratch=from_scratch, level_input=told).write(workspace.REFERENCES)
    for name, by_level in scores.items():
        for level, result in by_level.items():
            tracker.metrics({f"psnr/{name}": result.psnr}, step=round(1000 * level))


if __name__ == "__main__":
    main(evaluate_references)
