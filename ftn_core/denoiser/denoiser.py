"""A base network, its adapted levels, and the dial between them."""

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import nn

from ftn_core.data.task import DegradationSpec, Task
from ftn_core.denoiser.blend import add_blend, blend_weight, by_energy, by_weight, noise_energy, set_blend
from ftn_core.denoiser.level import AdaptedLevel
from ftn_core.denoiser.transition import State, build_transition
from ftn_core.parameters.file_header import DenoiserHeader, check_header
from ftn_core.runtime.checkpoint import read_tensors, write_tensors
from ftn_core.runtime.network_file import network_with
from ftn_core.runtime.weights import check_weights, with_weights
from ftn_core.utils.errors import UserError

_FORMAT = "ftn-denoiser/3"


@dataclass
class ContinuousDenoiser:
    """A base, its adapted levels and a dial, and a plain network for any position of the dial.

    A ``position`` counts trained levels from the base: 0 is the base, 1 the next stronger level, -1 the next weaker
    one, and 1.25 a quarter of the way from level 1 to level 2 (alpha = 0.25). One position below the weakest trained
    level there is nothing to do: there the output is the input, bit for bit. On the way there

    - a model of noise alone is rescaled. ``r * network(x / r)``, with r the level divided by the weakest trained one,
      sees noise of the level that the network was trained for. It is a plain network, with biases times r.
    - the output is blended with the input (blend.py): of noise alone in each place where more energy was removed than
      the noise has, else by a calibrated weight.

    A degradation of several steps, and a dial of two objectives, have no such level. Their dials end at the weakest
    trained level.

    Args:
        task: what the networks were trained for.
        spec: what ``build_network`` takes, for the base.
        base: the base network.
        base_level: the level that the base was trained for.
        levels: the adapted levels, weaker and stronger than the base's; sorted by strength.
        dial: ``(level, position)`` points; levels between them are interpolated linearly. By default nothing to do
            and the trained levels; calibration adds points between these.
        blend: calibrated weights of the network's output below the weakest trained level, if it needs any (blend.py).
    """

    task: Task
    spec: dict[str, Any]
    base: nn.Module
    base_level: float
    levels: list[AdaptedLevel] = field(default_factory=list)
    dial: list[tuple[float, float]] = field(default_factory=list)
    blend: list[tuple[float, float]] = field(default_factory=list)
    _states: dict[int, State] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        # convolutions are fastest in this memory layout
        self.base.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        strength = self.task.quantity.strength
        self.levels = sorted(self.levels, key=lambda level: strength(level.value))
        self.weaker = sum(strength(level.value) < strength(self.base_level) for level in self.levels)
        """How many adapted levels are weaker than the base's."""
        if not self.dial:
            self.dial = self.fixed_points

    @property
    def trained(self) -> list[float]:
        """The levels that the base and its transitions were trained for, the weakest first."""
        adapted = [level.value for level in self.levels]
        return [*adapted[: self.weaker], self.base_level, *adapted[self.weaker :]]

    @property
    def nothing(self) -> float | None:
        """The level at which the output is the input; None if the dial ends at the weakest trained level."""
        return self.task.degradation.nothing

    @property
    def fixed_points(self) -> list[tuple[float, float]]:
        """``(level, position)`` of nothing to do, if the dial reaches it, and of the trained levels."""
        points = [(level, float(i - self.weaker)) for i, level in enumerate(self.trained)]
        return points if self.nothing is None else [(self.nothing, points[0][1] - 1), *points]

    @property
    def ends(self) -> tuple[float, float]:
        """The levels at the dial's ends, the weakest first."""
        points = self.fixed_points
        return points[0][0], points[-1][0]

    @property
    def span(self) -> tuple[float, float]:
        """The positions of the dial's ends, the weakest first."""
        points = self.fixed_points
        return points[0][1], points[-1][1]

    @property
    def rescales(self) -> bool:
        """Whether the network is rescaled below the weakest trained level; otherwise only its output is blended."""
        return self.task.degradation.by_noise_alone and bool(self.base.homogeneous)

    @property
    def needs_weights(self) -> bool:
        """Whether the blend below the weakest trained level goes by calibrated weights."""
        return self.nothing is not None and not self.task.degradation.by_noise_alone

    def position(self, level: float) -> float:
        """The dial position for a level. A level beyond the ends gets the position of the nearest end."""
        levels, positions = zip(*sorted(self.dial), strict=True)
        return float(np.interp(level, levels, positions))

    def level_at(self, position: float) -> float:
        """The level at a dial position: the inverse of ``position``."""
        levels, positions = zip(*sorted(self.dial, key=lambda point: point[1]), strict=True)
        return float(np.interp(position, positions, levels))

    def at(self, place: int) -> AdaptedLevel | None:
        """The adapted level at a whole position; None for the base.

        Raises:
            IndexError: there is none.
        """
        index = self.weaker + place - (place > 0)
        if index < 0:
            raise IndexError(f"no level at {place}")
        return self.levels[index] if place else None

    @cached_property
    def extended(self) -> nn.Module:
        """The base with the layers that the levels add, in evaluation mode. It computes the same as the base."""
        network = copy.deepcopy(self.base).eval().requires_grad_(False)
        for level in self.levels:
            network = level.transition.extend(network)
        if self.nothing is not None:
            add_blend(network, by_weight if self.needs_weights else by_energy)
        return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @torch.no_grad()
    def state(self, position: float) -> State:
        """The weights and statistics at a position, interpolated between its two neighbours among whole positions.

        They are exact at the levels: position 0 gives the base bit for bit.

        Raises:
            ValueError: the position lies outside ``span``.
        """
        start, end, alpha = self._neighbours(position)
        return {name: torch.lerp(start[name], end[name], alpha) if alpha else start[name] for name in start}

    @torch.no_grad()
    def fold(self, position: float, network: nn.Module | None = None) -> nn.Module:
        """A plain network at a position, in evaluation mode; it has the base's shape unless the method adds layers.

        Its output is blended with its input below the weakest trained level.

        The weights of the levels are computed once and cached, so do not train a transition after a first call.

        Args:
            network: from an earlier call. Its weights are overwritten in place, so that compiled code and CUDA graphs
                that use them stay valid. This costs one pass over the weights.

        Raises:
            ValueError: the position lies outside ``span``.
        """
        start, end, alpha = self._neighbours(position)
        if network is None:
            network = copy.deepcopy(self.extended)
        for name, value in _floats(network).items():
            if alpha:
                torch.lerp(start[name], end[name], alpha, out=value)
            else:
                value.copy_(start[name])
        if self.nothing is not None:
            set_blend(network, self._blend_at(position))
        return network

    @torch.no_grad()
    def mix(self, weights: Sequence[float]) -> nn.Module:
        """A plain network between any of the levels: DNI's interpolation of several networks.

        See arXiv 1811.10515, equation 3.

        Args:
            weights: one for each trained level, in the order of ``trained``.

        Raises:
            ValueError: the number of weights is wrong, or they do not sum to one.
        """
        if len(weights) != len(self.levels) + 1 or abs(sum(weights) - 1) > 1e-6:
            raise ValueError(f"needs {len(self.levels) + 1} weights that sum to one, not {list(weights)}")
        network = copy.deepcopy(self.extended)
        states = [self._state_at(i - self.weaker) for i in range(len(weights))]
        for name, value in _floats(network).items():
            value.zero_()
            for weight, state in zip(weights, states, strict=True):
                value.add_(state[name], alpha=weight)
        return network

    def _blend_at(self, position: float) -> float:
        reach = position - self.span[0]
        return blend_weight(self.blend, reach) if self.needs_weights else noise_energy(reach * self.trained[0], reach)

    def _neighbours(self, position: float) -> tuple[State, State, float]:
        """The states below and above a position, and alpha: how far the position is from the lower to the upper."""
        first, last = self.span
        if not first <= position <= last:
            raise ValueError(f"position must be from {first:g} to {last:g}, not {position}")
        lower = math.floor(position)
        upper = min(lower + 1, int(last))
        return self._state_at(lower, upper), self._state_at(upper, lower), position - lower

    def _state_at(self, place: int, neighbour: int = 0) -> State:
        """All floating-point entries of the extended network's state dict at a whole position.

        Args:
            neighbour: to which the dial goes from here. The base takes over what its transition holds constant.
        """
        if place not in self._states:
            self._states[place] = self._compute_state(place)
        state = self._states[place]
        if place == 0 and neighbour and (level := self._level(neighbour)) and level.transition.constant:
            other = self._state_at(neighbour)
            state = state | {name: other[name] for name in level.transition.constant}
        return state

    def _level(self, place: int) -> AdaptedLevel | None:
        """The adapted level at a whole position; None for the base and for nothing to do."""
        return self.at(place) if place >= -self.weaker else None

    def _compute_state(self, place: int) -> State:
        if place < -self.weaker:  # nothing to do: what the rescaled network comes to, as r goes to 0
            weakest = self._state_at(-self.weaker)
            return {n: torch.zeros_like(v) if self.rescales and _scales(n) else v for n, v in weakest.items()}
        state = _floats(self.extended)
        level = self.at(place)
        return state | level.transition(state) | level.statistics if level else state

    def to(self, device: torch.device) -> Self:
        """Move all weights to a device."""
        self._states.clear()
        self.__dict__.pop("extended", None)
        self.base.to(device)
        for level in self.levels:
            level.transition.to(device)
            level.statistics = {name: value.to(device) for name, value in level.statistics.items()}
        return self

    def save(self, path: Path) -> None:
        """Write one file: all weights, and a header with the task, the network, the levels, the dial and its blend."""
        tensors = {f"base.{name}": value for name, value in self.base.state_dict().items()}
        for i, level in enumerate(self.levels, 1):
            tensors |= {f"level{i}.{name}": value for name, value in level.transition.state_dict().items()}
            tensors |= {f"statistics{i}.{name}": value for name, value in level.statistics.items()}
        levels = [{"value": x.value, "method": x.method, "options": x.options} for x in self.levels]
        header = {
            "format": _FORMAT,
            "task": {"degradation": self.task.degradation.steps, "objectives": self.task.objectives},
            "network": self.spec,
            "level": self.base_level,
            "levels": levels,
            "dial": self.dial,
            "blend": self.blend,
        }
        write_tensors(path, tensors, header)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Rebuild what ``save`` wrote, on the CPU.

        Raises:
            UserError: the file cannot be read, has another format, or is damaged.
        """
        tensors, header = read_tensors(path)
        if header.get("format") != _FORMAT:
            raise UserError(
                f"{path} is of format {header.get('format')!r}; this version reads {_FORMAT!r}: "
                "run `dvc repro` to make it again"
            )

        def part(prefix: str) -> State:
            taken = [name for name in tensors if name.startswith(prefix)]
            return {name.removeprefix(prefix): tensors.pop(name) for name in taken}

        check_header(header, DenoiserHeader, path)
        base = network_with(path, part("base."), header["network"])
        base.eval().requires_grad_(False)
        task = Task(DegradationSpec(header["task"]["degradation"]), tuple(header["task"]["objectives"]))
        levels = []
        for i, level in enumerate(header["levels"], 1):
            ratio = task.degradation.ratio(level["value"], header["level"])
            try:
                build = partial(build_transition, level["method"], base, ratio, **level["options"])
                transition = with_weights(path, part(f"level{i}."), build)
            except (TypeError, ValueError, RuntimeError) as error:
                raise UserError(f"{path} is damaged: level {i} cannot be built: {error}") from None
            transition.requires_grad_(False)
            statistics = part(f"statistics{i}.")
            check_weights(path, statistics, {n: t for n, t in base.state_dict().items() if n in statistics})
            # released files are of half precision: loading has converted the weights of modules
            statistics = {name: value.float() for name, value in statistics.items()}
            levels.append(AdaptedLevel(**level, transition=transition, statistics=statistics))
        check_weights(path, tensors, {})
        dial, blend = ([(x, y) for x, y in header[key]] for key in ("dial", "blend"))
        return cls(task, header["network"], base, header["level"], levels, dial, blend)


def between(level: float, first: float, last: float) -> bool:
    """Whether a level lies between two others or equals one of them; the two may come in either order."""
    return min(first, last) <= level <= max(first, last) and not math.isnan(level)


def _scales(name: str) -> bool:
    """Whether a parameter or buffer is in units of the image: biases, and the means that batch norm subtracts."""
    return name.rpartition(".")[2] in ("bias", "running_mean")


def _floats(network: nn.Module) -> State:
    """A network's floating-point parameters and buffers: all that can be interpolated, counters excluded."""
    return {name: value for name, value in network.state_dict().items() if value.is_floating_point()}
