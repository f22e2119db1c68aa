"""Denoisers with one folded network each, ready to be turned."""

import threading
from functools import cached_property
from pathlib import Path

from torch import Tensor, nn

from ftn_core.data.task import Task
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.parameters.quantities import Quantity
from ftn_core.runtime.images import restore
from serving.load import load_denoiser


class Dial:
    """One denoiser. Calls from several threads wait for each other: they share the folded network."""

    def __init__(self, denoiser: ContinuousDenoiser) -> None:
        self._denoiser = denoiser
        self._lock = threading.Lock()

    @property
    def ends(self) -> tuple[float, float]:
        """The first and the last level that it was trained for."""
        return self._denoiser.ends

    @property
    def task(self) -> Task:
        """What it is for."""
        return self._denoiser.task

    @property
    def quantity(self) -> Quantity:
        """Of its levels."""
        return self._denoiser.task.quantity

    @cached_property
    def _network(self) -> nn.Module:
        return self._denoiser.fold(0.0)

    def restore(self, degraded: Tensor, level: float) -> Tensor:
        """``N x 3 x H x W`` restored at a level, in [0, 1]; beyond the ends, as at the end."""
        with self._lock:
            self._denoiser.fold(self._denoiser.position(level), self._network)
            return restore(self._network, degraded)

    def restore_apart(self, degraded: Tensor, level: float) -> Tensor:
        """As ``restore``, but with a network of its own: the dial can be turned while it lasts."""
        with self._lock:
            network = self._denoiser.fold(self._denoiser.position(level))
        return restore(network, degraded)


class Dials:
    """Loaded once for each source; a file that was written anew is loaded anew."""

    def __init__(self) -> None:
        self._loaded: dict[tuple[str, int], Dial] = {}

    def __call__(self, source: str) -> Dial:
        """The dial of a file or of ``models:/NAME/VERSION``. Raises ``UserError`` where it cannot be loaded."""
        path = Path(source)
        key = source, path.stat().st_mtime_ns if path.is_file() else 0
        if key not in self._loaded:
            self._loaded[key] = Dial(load_denoiser(source))
        return self._loaded[key]
