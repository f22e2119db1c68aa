"""A degradation: steps that are applied to a photograph one after the other."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from numpy.typing import NDArray

from ftn_core.data.task import DegradationSpec
from ftn_core.degradations.downscaling import Downscaling
from ftn_core.degradations.jpeg import Jpeg
from ftn_core.degradations.noise import Noise
from ftn_core.degradations.sensor import Sensor
from ftn_core.degradations.step import Chunk, Pixels, Step, assemble, eight_bits

STEPS: dict[str, type[Step]] = {"noise": Noise, "sensor": Sensor, "jpeg": Jpeg, "downscaling": Downscaling}
LEVEL = "level"
"""A step's strength in ``params.yaml`` if it varies with the level."""


@dataclass(frozen=True)
class Degradation:
    """Steps in order; at most one of them varies with the level. Without steps an image stays unchanged.

    Between two steps a photograph is rounded to 8 bits, as if it were saved to a file.
    """

    steps: tuple[Step, ...]

    @classmethod
    def build(cls, specs: Sequence[Mapping[str, Any]]) -> Self:
        """From names and options of the steps, in the form of ``degradation`` in ``params.yaml``."""
        return cls(tuple(_step(**spec) for spec in specs))

    @classmethod
    def of(cls, spec: DegradationSpec) -> Self:
        """From the specification in a model's file."""
        return cls.build(spec.steps)

    @property
    def dtype(self) -> str:
        """Of degraded photographs: see ``Step.dtype``."""
        return self.steps[-1].dtype if self.steps else "uint8"

    def chunks(self, pixels: Pixels, level: float, seed: int) -> Iterator[Chunk]:
        """A degraded photograph's flattened values, in order, as calls that several threads may make at once."""
        if not self.steps:
            yield lambda: pixels
            return
        *before, last = self.steps
        for step in before:
            pixels = eight_bits(step(pixels, level, seed))
        yield from last.chunks(pixels, level, seed)

    def chunk_count(self, size: int) -> int:
        """How many chunks a photograph of ``size`` values has."""
        return self.steps[-1].chunk_count(size) if self.steps else 1

    def __call__(self, pixels: Pixels, level: float, seed: int = 0) -> NDArray:
        """The degraded photograph, ``3 x H x W``.

        It is uint8, or float16 if the last step is noise. Unclipped noise exceeds [0, 1].
        """
        return assemble(self.chunks(pixels, level, seed), pixels.shape)


def _step(name: str, **options: Any) -> Step:  # noqa: ANN401 - each step's own
    kind = STEPS[name]
    strength = options.pop(kind.quantity.name)
    return kind(None if strength == LEVEL else float(strength), **options)
