"""A dial trained as one: base and direction together, at several levels in every step (HyperRes, arXiv 2206.05970)."""

import copy
from typing import Self

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.func import functional_call

from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.denoiser.level import AdaptedLevel
from ftn_core.denoiser.transition import State, build_transition
from ftn_core.training.batches import Degraded
from ftn_core.training.loop import CurveRow, Run
from ftn_core.training.norm_statistics import estimate_statistics
from ftn_core.training.train import Recipe, train


class LineNetwork(nn.Module):
    """A network with the weights ``W(s) = W0 + s W1``, all of which are trained.

    ``s`` is linear in the level: 0 at the first end and 1 at the second. W1 starts as the difference of both ends.

    Args:
        base: the network that holds W0.
        ends: the levels of the two ends.
        levels_per_step: how many levels a batch has. Image i has level number i modulo that.
        far: the network at the second end; None: the base.
    """

    def __init__(
        self, base: nn.Module, ends: tuple[float, float], levels_per_step: int, far: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.base = base
        pairs = zip((far or base).parameters(), base.parameters(), strict=True)
        self.direction = nn.ParameterList((end - start).detach() for end, start in pairs)
        self.ends, self.levels_per_step = ends, levels_per_step

    @classmethod
    def of(cls, denoiser: ContinuousDenoiser, levels_per_step: int) -> Self:
        """The line from the base to the one adapted level of a denoiser.

        Raises:
            ValueError: it has more levels.
        """
        (end,) = denoiser.levels
        base, far = copy.deepcopy(denoiser.base), copy.deepcopy(denoiser.base)
        with torch.no_grad():
            for name, value in end.transition(dict(base.named_parameters())).items():
                far.get_parameter(name).copy_(value)
        return cls(base, (denoiser.base_level, end.value), levels_per_step, far)

    @property
    def radius(self) -> int | None:
        """Radius of the receptive field in pixels, so that large images are restored in windows; None: unbounded."""
        return self.base.radius  # type: ignore[return-value]

    def weights(self, s: Tensor | float) -> State:
        """W(s), by the names in the base."""
        pairs = zip(self.base.named_parameters(), self.direction, strict=True)
        return {name: start + s * direction for (name, start), direction in pairs}

    def forward(self, x: Tensor, level: Tensor | None = None) -> Tensor:
        """Restore images, ``N x 3 x H x W``.

        Args:
            level: of each image, ``N x 1 x 1 x 1``; None: the second end for all images.
        """
        if level is None:
            return self._pass(x, 1.0)
        first, last = self.ends
        # every process has an equal share of each level, so batch norm sees the whole level's statistics
        outputs = [
            self._pass(
                x[i :: self.levels_per_step].contiguous(memory_format=torch.channels_last),
                (level[i, 0, 0, 0] - first) / (last - first),
            )
            for i in range(self.levels_per_step)
        ]
        return torch.stack(outputs, dim=1).flatten(0, 1)

    def _pass(self, x: Tensor, s: Tensor | float) -> Tensor:
        output: Tensor = functional_call(self.base, self.weights(s), (x,))
        return output


def learn_line(
    network: LineNetwork,
    at_ends: tuple[Degraded, Degraded],
    recipe: Recipe,
    run: Run,
    fabric: Fabric,
    *,
    norm_batches: int,
) -> tuple[AdaptedLevel, list[CurveRow]]:
    """Train a line in place; afterwards ``network.base`` is the network of the first end.

    During training the running statistics of batch norm mix all levels, and so do the scores of its curve. Afterwards
    the statistics of both ends are estimated, and the dial interpolates them, as DNI's (arXiv 1811.10515).

    Args:
        at_ends: the degraded images of each end, for its statistics.
        norm_batches: number of batches from which they are estimated.

    Returns:
        The second end as a level of the base, and the training curve.
    """
    rows = train(network, recipe, run, fabric)
    first, last = (recipe.data.batches(degraded, recipe.plan, recipe.seed, fabric) for degraded in at_ends)
    statistics = estimate_statistics(network.base, network, last, norm_batches)
    estimate_statistics(network.base, network.base, first, norm_batches)
    options = {"rescale": False}
    end = build_transition("dni", network.base, 1.0, **options)
    with torch.no_grad():
        for own, value in zip(end.parameters(), network.weights(1.0).values(), strict=True):
            own.copy_(value)
    return AdaptedLevel(network.ends[1], "dni", options, end, statistics), rows
