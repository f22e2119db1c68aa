"""What the methods are held against, on test images: the input, the base, networks without a dial."""

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
    """By row the score at each level; a noise-conditioned network is given each level's own sigma.

    Args:
        networks: by row's name what loads the network, one at a time.
        degraded: for each level the degraded versions, in the order of ``clean``.
        objective: what levels were trained for; None where that is PSNR.
        on_pass: called after each pass over the images, with how many are done and how many there are.
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
