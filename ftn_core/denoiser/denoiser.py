"""A base network, its adapted levels, and the dial between them."""

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import nn

from ftn_core.data.task import DegradationSpec, Task
from ftn_core.denoiser.level import AdaptedLevel
from ftn_core.denoiser.transition import State, build_transition
from ftn_core.runtime.checkpoint import read_tensors, write_tensors
from ftn_core.runtime.network_file import build_network
from ftn_core.utils.errors import UserError

_FORMAT = "ftn-denoiser/2"


@dataclass
class ContinuousDenoiser:
    """A chain of levels that begins at the base's, and a plain network for any position along it.

    The levels rise or fall along the chain. A ``position`` counts them: 0 is the base, 1 the first adapted level, and
    1.25 a quarter of the way from the first to the second (alpha = 0.25).

    Args:
        task: what the networks were trained for.
        spec: what ``build_network`` takes, for the base.
        base: the base network.
        base_level: the level that the base was trained for.
        levels: the adapted levels, in the order of the chain.
        dial: ``(level, position)`` points; levels between them are interpolated linearly. By default the trained
            levels; calibration adds points between them.
    """

    task: Task
    spec: dict[str, Any]
    base: nn.Module
    base_level: float
    levels: list[AdaptedLevel] = field(default_factory=list)
    dial: list[tuple[float, float]] = field(default_factory=list)
    _states: dict[int, State] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        # convolutions are fastest in this memory layout
        self.base.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if not self.dial:
            self.dial = [(level, float(i)) for i, level in enumerate(self.trained)]

    @property
    def trained(self) -> list[float]:
        """The levels that the chain was trained for, the base's first."""
        return [self.base_level, *(level.value for level in self.levels)]

    @property
    def ends(self) -> tuple[float, float]:
        """The first and the last trained level."""
        return self.trained[0], self.trained[-1]

    def position(self, level: float) -> float:
        """The dial position for a level. A level beyond the ends gets the position of the nearest end."""
        levels, positions = zip(*sorted(self.dial), strict=True)
        return float(np.interp(level, levels, positions))

    def level_at(self, position: float) -> float:
        """The level at a dial position: the inverse of ``position``."""
        levels, positions = zip(*sorted(self.dial, key=lambda point: point[1]), strict=True)
        return float(np.interp(position, positions, levels))

    @cached_property
    def extended(self) -> nn.Module:
        """The base with the layers that the levels add, in evaluation mode. It computes the same as the base."""
        network = copy.deepcopy(self.base).eval().requires_grad_(False)
        for level in self.levels:
            network = level.transition.extend(network)
        return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @torch.no_grad()
    def state(self, position: float) -> State:
        """The weights and statistics at a position, interpolated between the two neighbouring levels.

        They are exact at the levels: position 0 gives the base bit for bit.

        Raises:
            ValueError: the position lies outside ``[0, number of adapted levels]``.
        """
        start, end, alpha = self._neighbours(position)
        return {name: torch.lerp(start[name], end[name], alpha) if alpha else start[name] for name in start}

    @torch.no_grad()
    def fold(self, position: float, network: nn.Module | None = None) -> nn.Module:
        """A plain network at a position, in evaluation mode; it has the base's shape unless the method adds layers.

        The weights of the levels are computed once and cached, so do not train a transition after a first call.

        Args:
            network: from an earlier call. Its weights are overwritten in place, so that compiled code and CUDA graphs
                that use them stay valid. This costs one pass over the weights.

        Raises:
            ValueError: the position lies outside ``[0, number of adapted levels]``.
        """
        start, end, alpha = self._neighbours(position)
        if network is None:
            network = copy.deepcopy(self.extended)
        for name, value in _floats(network).items():
            if alpha:
                torch.lerp(start[name], end[name], alpha, out=value)
            else:
                value.copy_(start[name])
        return network

    @torch.no_grad()
    def blend(self, weights: Sequence[float]) -> nn.Module:
        """A plain network between any of the levels: DNI's interpolation of several networks.

        See arXiv 1811.10515, equation 3.

        Args:
            weights: one for the base and one for each adapted level.

        Raises:
            ValueError: the number of weights is wrong, or they do not sum to one.
        """
        if len(weights) != len(self.levels) + 1 or abs(sum(weights) - 1) > 1e-6:
            raise ValueError(f"needs {len(self.levels) + 1} weights that sum to one, not {list(weights)}")
        network = copy.deepcopy(self.extended)
        states = [self._level_state(i) for i in range(len(weights))]
        for name, value in _floats(network).items():
            value.zero_()
            for weight, state in zip(weights, states, strict=True):
                value.add_(state[name], alpha=weight)
        return network

    def _neighbours(self, position: float) -> tuple[State, State, float]:
        """The levels below and above a position, and alpha: how far the position is from the lower to the upper."""
        if not 0 <= position <= len(self.levels):
            raise ValueError(f"position must be from 0 to {len(self.levels)}, not {position}")
        lower = int(position)
        return self._level_state(lower), self._level_state(min(lower + 1, len(self.levels))), position - lower

    def _level_state(self, index: int) -> State:
        """All floating-point entries of the extended base's state dict at one level, by its index in ``trained``."""
        if index not in self._states:
            state = _floats(self.extended)
            if index:
                level = self.levels[index - 1]
                state = state | level.transition(state) | level.statistics
            self._states[index] = state
        return self._states[index]

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
        """Write one file: all weights, and a header with the task, the network, the levels and the dial."""
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
        }
        write_tensors(path, tensors, header)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Rebuild what ``save`` wrote, on the CPU.

        Raises:
            UserError: the file cannot be read, or has another format.
        """
        tensors, header = read_tensors(path)
        if header.get("format") != _FORMAT:
            raise UserError(
                f"{path} is of format {header.get('format')!r}; this version reads {_FORMAT!r}: "
                "run `dvc repro` to make it again"
            )

        def part(prefix: str) -> State:
            return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}

        base = build_network(**header["network"])
        base.load_state_dict(part("base."))
        base.eval().requires_grad_(False)
        task = Task(DegradationSpec(header["task"]["degradation"]), tuple(header["task"]["objectives"]))
        levels = []
        for i, level in enumerate(header["levels"], 1):
            ratio = task.degradation.ratio(level["value"], header["level"])
            transition = build_transition(level["method"], base, ratio, **level["options"])
            transition.load_state_dict(part(f"level{i}."))
            transition.requires_grad_(False)
            levels.append(AdaptedLevel(**level, transition=transition, statistics=part(f"statistics{i}.")))
        dial = [(level, position) for level, position in header["dial"]]
        return cls(task, header["network"], base, header["level"], levels, dial)


def between(level: float, first: float, last: float) -> bool:
    """Whether a level lies between two others or equals one of them; the two may come in either order."""
    return min(first, last) <= level <= max(first, last) and not math.isnan(level)


def _floats(network: nn.Module) -> State:
    """A network's floating-point parameters and buffers: all that can be interpolated, counters excluded."""
    return {name: value for name, value in network.state_dict().items() if value.is_floating_point()}
