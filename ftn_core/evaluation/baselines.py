"""Baselines of the methods, on test images: the degraded input, the base, and networks without a dial."""

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import nn

from ftn_core.data.store import Store
from ftn_core.evaluation.pairs import Pairs
from ftn_core.evaluation.records.score import Score
from ftn_core.evaluation.scoring import Metric, score
from ftn_core.runtime.noise_conditioned import NoiseConditioned


def score_networks(
    networks: Mapping[str, Callable[[], nn.Module]],
    clean: Store,
    degraded: Mapping[float, Store],
    objective: Metric | None,
    device: torch.device,
    on_pass: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[tuple[str, dict[float, Score]]]:
    """Yield each row's name and its scores by level. A noise-conditioned network gets each level's sigma.

    Args:
        networks: by row's name, a function that loads the network. Only one network is in memory at a time.
        degraded: for each level the degraded versions, in the order of ``clean``.
        objective: the metric that the levels were trained for; None if it is PSNR.
        on_pass: called after each pass over the images, with the number of finished passes and of all passes.
    """
    pairs, done = Pairs(clean, degraded, device), 0
    for name, load in networks.items():
        network, scores = load(), {}
        for level in degraded:
            if isinstance(network, NoiseConditioned):
                network.sigma = level
            scores[level] = score(network, pairs, level, objective)
            done += 1
            on_pass(done, len(networks) * len(degraded))
        yield name, scores
