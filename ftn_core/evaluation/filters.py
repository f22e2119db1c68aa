"""How methods change the base's filters."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.evaluation.records.filters import FilterChanges, Filters

FILTERS_DRAWN = 16
"""Filters that the report draws side by side."""


def compare_filters(
    denoisers: Mapping[str, ContinuousDenoiser],
) -> tuple[Filters, dict[str, NDArray[np.float32]]]:
    """Compare the filters of several methods' levels with those of their common base.

    Only the base's own convolutions are compared, with the weights that they have at each level.

    Returns:
        The record, and the pictures that lie beside it (see ``Filters``).
    """
    if not denoisers:
        return Filters(convolution="", changes=[], trajectories={}, explained=(0.0, 0.0)), {}
    first = next(iter(denoisers.values()))
    names = [name for name, value in first.base.named_parameters() if value.ndim == 4]
    in_body = [name for name in names if name.startswith("body.")]
    drawn = in_body[len(in_body) // 2]
    base = {name: value.cpu() for name, value in first.state(0).items() if name in names}
    pictures = {"base": _pictures(base[drawn])}
    changes, flat, places, origins = [], [], [], {}
    for method, denoiser in denoisers.items():
        for level in denoiser.levels:
            at_level = denoiser.state(denoiser.position(level.value))
            state = {name: value.cpu() for name, value in at_level.items() if name in names}
            correlation = {name.removesuffix(".weight"): correlate(base[name], state[name]) for name in names}
            changes.append(FilterChanges(name=method, level=level.value, correlation=correlation))
            pictures[f"{method}/{level.value}"] = _pictures(state[drawn])
            flat.append(torch.cat([(state[name] - base[name]).flatten() for name in names]))
            places.append(method)
        origins[method] = denoiser.weaker
    plane, explained = principal_plane(torch.stack(flat))
    scale = float(torch.cat([value.flatten() for value in base.values()]).norm())
    trajectories: dict[str, list[tuple[float, float]]] = {method: [] for method in denoisers}
    for method, (x, y) in zip(places, (plane / scale).tolist(), strict=True):
        trajectories[method].append((x, y))
    for method, origin in origins.items():
        trajectories[method].insert(origin, (0.0, 0.0))
    found = Filters(
        convolution=drawn.removesuffix(".weight"), changes=changes, trajectories=trajectories, explained=explained
    )
    return found, pictures


def correlate(a: Tensor, b: Tensor) -> float:
    """The Pearson correlation of two banks' filters ``Cin x k x k``, averaged (arXiv 1811.10515, section 3)."""
    a, b = (x.flatten(1).double() - x.flatten(1).double().mean(1, keepdim=True) for x in (a, b))
    return float(torch.nn.functional.cosine_similarity(a, b).mean())


def principal_plane(moves: Tensor) -> tuple[Tensor, tuple[float, float]]:
    """Project ``N x D`` moves from the origin onto the plane of their two largest principal components.

    The moves are not centred, so the origin stays the origin. Each axis points where most of the moves go.

    Returns:
        The projections, ``N x 2``, and the share of the moves' squared length along each axis.
    """
    gram = moves.double() @ moves.double().T
    values, vectors = torch.linalg.eigh(gram)
    values, vectors = values.flip(0).clamp_min(0), vectors.flip(1)
    if len(values) == 1:
        values, vectors = torch.cat((values, values.new_zeros(1))), torch.cat((vectors, torch.zeros_like(vectors)), 1)
    plane = vectors[:, :2] * values[:2].sqrt()
    plane = plane * torch.where(plane.sum(0) < 0, -1.0, 1.0)
    total = float(values.sum()) or 1.0
    return plane, (float(values[0]) / total, float(values[1]) / total)


def _pictures(bank: Tensor) -> NDArray[np.float32]:
    """The first input channel of sixteen evenly spaced filters, ``16 x k x k``; of all if there are fewer."""
    chosen = torch.linspace(0, len(bank) - 1, min(FILTERS_DRAWN, len(bank))).round().long()
    pictures: NDArray[np.float32] = bank[chosen, 0].float().numpy().copy()
    return pictures
