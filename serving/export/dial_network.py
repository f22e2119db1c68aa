"""A denoiser and its dial as one network with two inputs. It can be traced: all that a level decides is arithmetic."""

import itertools
from collections import defaultdict
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.denoiser.transition import State
from ftn_core.utils.errors import UserError


class DialNetwork(nn.Module):
    """Computes ``denoiser.fold(denoiser.position(level))(image)`` for a level that is a tensor.

    Raises:
        UserError: the dial has only one level, or the base has other weights towards a weaker level than towards a
            stronger one.
    """

    def __init__(self, denoiser: ContinuousDenoiser) -> None:
        super().__init__()
        if len(denoiser.fixed_points) < 2:
            raise UserError("this model has one level and no dial: --level exports its network")
        for level in denoiser.levels[: denoiser.weaker]:
            if level.transition.constant:
                raise UserError(f"a dial with {level.method} below its base cannot be exported; --level exports a stop")
        first, last = denoiser.span
        self.first, self.last_segment = first, last - first - 1
        strength = denoiser.task.quantity.strength
        # from the weak end on, so that the position there is exact: there the output is the input
        self.position = _Line(sorted(denoiser.dial, key=lambda point: strength(point[0])))
        self.network = denoiser.fold(first)
        self.weights = nn.ModuleList(_weights([denoiser.state(first + i) for i in range(int(last - first) + 1)]))
        self.blend = None if denoiser.nothing is None else _blend(denoiser)

    def forward(self, image: Tensor, level: Tensor) -> Tensor:
        """``1 x 3 x H x W`` to the same shape; the level has no axes."""
        reach = self.position(level) - self.first
        lower = reach.floor().clamp_max(self.last_segment)
        places = torch.stack((lower, lower + 1)).long()
        state: State = {}
        for weights in self.weights:
            state |= weights(places, reach - lower)
        if self.blend is not None:
            state["blend"] = self.blend(reach)
        restored: Tensor = functional_call(self.network, state, image)
        return restored


class _Line(nn.Module):
    """A line through points, and beyond its ends the values there.

    Args:
        points: ``(x, y)``, with x rising or falling.
    """

    x: Tensor
    y: Tensor

    def __init__(self, points: Sequence[tuple[float, float]]) -> None:
        super().__init__()
        x, y = zip(*points, strict=True)
        self.register_buffer("x", torch.tensor(x))
        self.register_buffer("y", torch.tensor(y))

    def forward(self, at: Tensor) -> Tensor:
        """The value at a number, both without axes; exact at the first point."""
        share = ((at - self.x[:-1]) / self.x.diff()).clamp(0, 1)  # of each segment, what lies before the number
        return self.y[0] + (share * self.y.diff()).sum()


class _Weights(nn.Module):
    """The parameters and buffers that change at the same places of the dial, in one matrix.

    Args:
        names: of the parameters and buffers.
        states: at all whole positions.
        rows: for each whole position, which row of the matrix has its weights.
    """

    rows: Tensor
    values: Tensor

    def __init__(self, names: list[str], states: list[State], rows: tuple[int, ...]) -> None:
        super().__init__()
        self._shapes = {name: states[0][name].shape for name in names}
        distinct = [states[rows.index(row)] for row in range(rows[-1] + 1)]
        values = [torch.cat([state[name].flatten() for name in names]) for state in distinct]
        self.register_buffer("values", torch.stack(values))
        self.register_buffer("rows", torch.tensor(rows))

    def forward(self, places: Tensor, alpha: Tensor) -> State:
        """Between two neighbouring places, two whole numbers from 0; ``alpha`` of the way."""
        start, end = self.values.index_select(0, self.rows.index_select(0, places)).unbind()
        parts = torch.lerp(start, end, alpha).split([shape.numel() for shape in self._shapes.values()])
        return {name: part.view(shape) for (name, shape), part in zip(self._shapes.items(), parts, strict=True)}


def _weights(states: list[State]) -> list[_Weights]:
    """All that differs between whole positions. What two neighbours share is stored once: a base has large filters."""
    names: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for name in states[0]:
        rows = [0]
        for before, after in itertools.pairwise(states):
            rows.append(rows[-1] + (not torch.equal(before[name], after[name])))
        names[tuple(rows)].append(name)
    return [_Weights(group, states, rows) for rows, group in names.items() if rows[-1]]


class _NoiseEnergy(nn.Module):
    """``noise_energy`` for a reach that is a tensor.

    Args:
        weakest: sigma of the weakest trained level.
    """

    def __init__(self, weakest: float) -> None:
        super().__init__()
        self.weakest = weakest

    def forward(self, reach: Tensor) -> Tensor:
        return torch.where(reach < 1, (reach * self.weakest).square() / (1 - reach**4), torch.inf)


class _Weight(nn.Module):
    """``blend_weight`` for a reach that is a tensor."""

    def __init__(self, points: Sequence[tuple[float, float]]) -> None:
        super().__init__()
        self.line = _Line([(reach**2, weight) for reach, weight in ((0.0, 0.0), *points, (1.0, 1.0))])

    def forward(self, reach: Tensor) -> Tensor:
        return self.line(reach.square())


def _blend(denoiser: ContinuousDenoiser) -> nn.Module:
    """What ``fold`` sets a network's blend to, from the reach."""
    return _Weight(denoiser.blend) if denoiser.needs_weights else _NoiseEnergy(denoiser.trained[0])
