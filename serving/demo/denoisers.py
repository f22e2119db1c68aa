"""Loaded denoisers, each with one folded network that is set to a level for every call."""

import threading
from functools import cached_property
from pathlib import Path

from torch import Tensor, nn

from ftn_core.data.task import Task
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.parameters.quantities import Quantity
from ftn_core.runtime.images import restore
from serving.load import load_denoiser

WEAK_NOISE = 15 / 255
"""Sigma of the noise that the page adds to a sample, as a photograph taken in the evening may have it."""


class LoadedDenoiser:
    """One denoiser. Threads that share it wait for each other, because they share its folded network."""

    def __init__(self, denoiser: ContinuousDenoiser) -> None:
        self._denoiser = denoiser
        self._lock = threading.Lock()

    @property
    def ends(self) -> tuple[float, float]:
        """The levels at the dial's ends."""
        return self._denoiser.ends

    @property
    def opening(self) -> float:
        """The level at which the page opens: weak noise if it was trained for that, else the middle of what it was."""
        first, last = self._denoiser.trained[0], self._denoiser.trained[-1]
        return WEAK_NOISE if self.task.degradation.by_noise_alone and first < WEAK_NOISE else (first + last) / 2

    @property
    def task(self) -> Task:
        """What it was trained for."""
        return self._denoiser.task

    @property
    def quantity(self) -> Quantity:
        """What its levels measure."""
        return self._denoiser.task.quantity

    @cached_property
    def _network(self) -> nn.Module:
        return self._denoiser.fold(0.0)

    def restore(self, degraded: Tensor, level: float) -> Tensor:
        """Restore ``N x 3 x H x W`` at a level, in [0, 1]. A level beyond the ends is replaced by the end."""
        with self._lock:
            self._denoiser.fold(self._denoiser.position(level), self._network)
            return restore(self._network, degraded)

    def at(self, level: float) -> nn.Module:
        """A network of its own, folded for a level: meanwhile other threads can use ``restore``."""
        with self._lock:
            return self._denoiser.fold(self._denoiser.position(level))


class DenoiserCache:
    """Loads each source once, and a file again after it was rewritten."""

    def __init__(self) -> None:
        self._loaded: dict[tuple[str, int], LoadedDenoiser] = {}

    def __call__(self, source: str) -> LoadedDenoiser:
        """The denoiser of a file or of ``models:/NAME/VERSION``. Raises ``UserError`` if it cannot be loaded."""
        path = Path(source)
        key = source, path.stat().st_mtime_ns if path.is_file() else 0
        if key not in self._loaded:
            self._loaded[key] = LoadedDenoiser(load_denoiser(source))
        return self._loaded[key]
