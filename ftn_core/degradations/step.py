"""The protocol that all degradations share."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ftn_core.parameters.quantities import Quantity

Pixels = NDArray[np.uint8]
"""A photograph, ``3 x H x W``."""
Piece = Callable[[], NDArray]
"""Works out a stretch of a degraded photograph's flat values."""


def joined(pieces: Iterable[Piece], shape: tuple[int, ...]) -> NDArray:
    """The photograph that its pieces make."""
    return np.concatenate([piece().reshape(-1) for piece in pieces]).reshape(shape)


@dataclass(frozen=True)
class Step(ABC):
    """One thing that happens to a photograph, at a strength of its own or (None) at the level that is asked for."""

    quantity: ClassVar[Quantity]
    words: ClassVar[str]
    """What it is, for model cards and the page."""
    limits: ClassVar[str]
    """What else there is of its kind, that a network which has learnt from it does not know."""
    dtype: ClassVar[str] = "uint8"
    """Of what it gives: ``uint8``, or ``float16`` in [0, 1] and, where nothing clips it, beyond."""
    held: float | None

    def strength(self, level: float) -> float:
        """What it works with at a level."""
        return level if self.held is None else self.held

    def __call__(self, pixels: Pixels, level: float, seed: int) -> NDArray:
        """The degraded photograph, ``3 x H x W``."""
        return joined(self.pieces(pixels, level, seed), pixels.shape)

    @abstractmethod
    def pieces(self, pixels: Pixels, level: float, seed: int) -> Iterator[Piece]:
        """The degraded photograph in its flat order, as calls that threads may make."""

    @abstractmethod
    def count(self, size: int) -> int:
        """How many pieces a photograph of ``size`` values comes in."""


@dataclass(frozen=True)
class InOnePiece(Step):
    """A step that cannot be worked out in stretches, and is the same every time."""

    def pieces(self, pixels: Pixels, level: float, seed: int) -> Iterator[Piece]:
        yield lambda: self.degraded(pixels, self.strength(level))

    def count(self, size: int) -> int:
        return 1

    @abstractmethod
    def degraded(self, pixels: Pixels, strength: float) -> Pixels:
        """The degraded photograph."""
