"""Section ``data``: photographs, splits and levels."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from ftn_core.parameters.section import Fraction, Level, Section, in_order


class Archive(Section):
    """An archive of photographs: its address, its SHA-256, and the terms of use of the photographs."""

    url: str = Field(pattern=r"^((https?|file)://|s3://[A-Za-z0-9._-]+/.)")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    terms: str


class Data(Section):
    """The source of the photographs, their splits, and the levels of the degraded sets.

    ``seed`` seeds the noise in the degraded sets. It is separate from the trainings' seed, so that trainings with
    different seeds are measured on the same images.
    """

    seed: int = Field(ge=0, lt=2**32)
    source: Literal["sample", "folder", "archive"]
    folder: str
    include: list[str] = Field(min_length=1)
    archive: Literal["bsds500", "div2k"] | Archive
    val_fraction: Fraction
    test_fraction: Fraction
    min_side: int = Field(ge=16)
    max_pixels: int = Field(ge=4096)
    levels: list[Level] = Field(min_length=1)

    @model_validator(mode="after")
    def _something_to_train_on(self) -> Self:
        if self.val_fraction + self.test_fraction >= 1:
            raise ValueError("val_fraction and test_fraction together must stay below 1")
        return self

    @field_validator("levels")
    @classmethod
    def _no_repeats(cls, levels: list[float]) -> list[float]:
        return in_order(levels)
