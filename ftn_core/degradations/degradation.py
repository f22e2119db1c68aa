"""What photographs go through before they are restored: steps one after the other."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ftn_core.data.task import DegradationSpec
from ftn_core.degradations.downscaling import Downscaling
from ftn_core.degradations.jpeg import Jpeg
from ftn_core.degradations.noise import Noise
from ftn_core.degradations.step import Piece, Pixels, Step, joined

STEPS: dict[str, type[Step]] = {"noise": Noise, "jpeg": Jpeg, "downscaling": Downscaling}
LEVEL = "level"
"""In a step's place for its strength: the level that is asked for."""


@dataclass(frozen=True)
class Degradation:
    """Steps, of which one at most goes by the level. Without any step an image stays what it is.

    Between two steps a photograph has 8 bits, as a file would have.
    """

    steps: tuple[Step, ...]

    @classmethod
    def build(cls, specs: Sequence[Mapping[str, Any]]) -> Self:
        """From names and options of the steps, as ``params.yaml`` has them."""
        return cls(tuple(_step(**spec) for spec in specs))

    @classmethod
    def of(cls, spec: DegradationSpec) -> Self:
        """From what a model's file says."""
        return cls.build(spec.steps)

    @property
    def dtype(self) -> str:
        """Of degraded photographs: see ``Step.dtype``."""
        return self.steps[-1].dtype if self.steps else "uint8"

    def pieces(self, pixels: Pixels, level: float, seed: int) -> Iterator[Piece]:
        """A degraded photograph in its flat order, as calls that threads may make."""
        if not self.steps:
            yield lambda: pixels
            return
        *before, last = self.steps
        for step in before:
            pixels = _eight_bits(step(pixels, level, seed))
        yield from last.pieces(pixels, level, seed)

    def count(self, size: int) -> int:
        """How many pieces a photograph of ``size`` values comes in."""
        return self.steps[-1].count(size) if self.steps else 1

    def __call__(self, pixels: Pixels, level: float, seed: int = 0) -> NDArray:
        """A degraded photograph, ``3 x H x W``: uint8, or float16 in [0, 1] and beyond where noise comes last."""
        return joined(self.pieces(pixels, level, seed), pixels.shape)


def _step(name: str, **options: Any) -> Step:  # noqa: ANN401 - each step's own
    kind = STEPS[name]
    strength = options.pop(kind.quantity.name)
    return kind(None if strength == LEVEL else float(strength), **options)


def _eight_bits(image: NDArray) -> Pixels:
    if image.dtype == np.uint8:
        return image
    return (image.astype(np.float32).clip(0, 1) * 255).round().astype(np.uint8)
