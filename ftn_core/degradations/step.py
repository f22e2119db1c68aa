"""The interface of all degradation steps."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ftn_core.parameters.quantities import Quantity

Pixels = NDArray[np.uint8]
"""A photograph, ``3 x H x W``."""
Chunk = Callable[[], NDArray]
"""Computes consecutive values of a flattened, degraded photograph."""


def assemble(chunks: Iterable[Chunk], shape: tuple[int, ...]) -> NDArray:
    """The photograph that the chunks make together."""
    return np.concatenate([chunk().reshape(-1) for chunk in chunks]).reshape(shape)


def eight_bits(image: NDArray) -> Pixels:
    """As a file has it: floats in [0, 1] are clipped and rounded; uint8 stays as it is."""
    if image.dtype == np.uint8:
        return image
    return (image.astype(np.float32).clip(0, 1) * 255).round().astype(np.uint8)


@dataclass(frozen=True)
class Step(ABC):
    """One step of a degradation.

    Args:
        fixed: its strength; None if the strength is the level.
    """

    quantity: ClassVar[Quantity]
    words: ClassVar[str]
    """Its name in model cards and on the page."""
    limits: ClassVar[str]
    """What it covers, and which similar degradations a network trained on it has not seen; for model cards."""
    dtype: ClassVar[str] = "uint8"
    """Of its output: ``uint8``, or ``float16`` on the scale [0, 1], whose values may lie outside if not clipped."""
    fixed: float | None

    def strength(self, level: float) -> float:
        """Its strength at a level."""
        return level if self.fixed is None else self.fixed

    def __call__(self, pixels: Pixels, level: float, seed: int) -> NDArray:
        """The degraded photograph, ``3 x H x W``."""
        return assemble(self.chunks(pixels, level, seed), pixels.shape)

    @abstractmethod
    def chunks(self, pixels: Pixels, level: float, seed: int) -> Iterator[Chunk]:
        """The degraded photograph's flattened values, in order, as calls that several threads may make at once."""

    @abstractmethod
    def chunk_count(self, size: int) -> int:
        """How many chunks a photograph of ``size`` values has."""


@dataclass(frozen=True)
class WholeImageStep(Step):
    """A deterministic step that needs the whole photograph at once."""

    def chunks(self, pixels: Pixels, level: float, seed: int) -> Iterator[Chunk]:
        yield lambda: self.degraded(pixels, self.strength(level))

    def chunk_count(self, size: int) -> int:
        return 1

    @abstractmethod
    def degraded(self, pixels: Pixels, strength: float) -> Pixels:
        """The degraded photograph, ``3 x H x W``."""
