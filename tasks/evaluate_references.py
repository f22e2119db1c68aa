"""Stage ``evaluate_references``: what the methods are held against, on test images alone."""

import json
from typing import TYPE_CHECKING

from tasks import workspace
from tasks.stage import main

if TYPE_CHECKING:
    from ftn_core.parameters import Parameters
    from tasks.tracking import Tracker


def evaluate_references(params: "Parameters", tracker: "Tracker") -> None:
    """Score the noisy input, the base alone, networks trained from scratch and networks that are told sigma."""
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

    device = make_fabric(params.threads).device
    noisy = {sigma: Store(workspace.noisy_set(sigma) / "test") for sigma in params.data.sigmas}
    pairs = Pairs(Store(workspace.PHOTOGRAPHS / "test"), noisy, device)
    own = own_metric(workspace.ADAPTED_OBJECTIVE, device)
    networks = 2 + len(params.levels.from_scratch) + len(params.levels.level_input)
    progress, passes = Progress(tracker.stage, "passes", networks * len(noisy)), itertools.count(1)

    def scored(network: nn.Module) -> dict[float, Score]:
        scores = {}
        for sigma in noisy:
            if isinstance(network, ToldSigma):
                network.sigma = sigma
            scores[sigma] = score(network, pairs, sigma, own)
            progress(next(passes))
        return scores

    base = TrainedNetwork.load(workspace.BASE, device).network
    classical = json.loads(workspace.CLASSICAL.read_text())
    scores = {
        "noisy input": scored(nn.Identity()),
        **{name: {s: Score(**by_sigma[str(s)]) for s in noisy} for name, by_sigma in classical.items()},
        "base": scored(base),
    }
    from_scratch = {params.levels.base: "base"}
    for level in params.levels.from_scratch:
        from_scratch[level] = f"from scratch at {level}"
        network = TrainedNetwork.load(workspace.scratch(level), device).network
        scores[from_scratch[level]] = scored(network)
    told = [workspace.told_sigma(sigma) for sigma in params.levels.level_input]
    for name, sigma in zip(told, params.levels.level_input, strict=True):
        network = TrainedNetwork.load(workspace.level_input(sigma), device).network
        scores[name] = scored(ToldSigma(network, sigma))
    References(scores=scores, from_scratch=from_scratch, level_input=told).write(workspace.REFERENCES)
    for name, by_sigma in scores.items():
        for sigma, result in by_sigma.items():
            tracker.metrics({f"psnr/{name}": result.psnr}, step=round(1000 * sigma))


if __name__ == "__main__":
    main(evaluate_references)
