"""Section ``data``: photographs, splits and levels."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from ftn_core.parameters.section import Fraction, Level, Section, in_order


class Archive(Section):
    """An archive of photographs that this project does not know by name."""

    url: str = Field(
        pattern=r"^((https?|file)://|s3://[A-Za-z0-9._-]+/.)",
        description="where it is: `http(s)://`, `file://`, or `s3://bucket/key`",
    )
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="its SHA-256, checked before anything is unpacked")
    terms: str = Field(description="the terms of use of its photographs, kept in the manifest")


class Data(Section):
    """The source of the photographs, their splits, and the levels of the degraded sets."""

    seed: int = Field(
        ge=0,
        lt=2**32,
        description="decides the noise in the degraded sets; not `seed`, so that trainings with different seeds are "
        "measured on the same images",
    )
    source: Literal["sample", "folder", "archive"] = Field(
        description="where photographs come from: the sample in scikit-image and scikit-learn, a folder, an archive"
    )
    folder: str = Field(min_length=1, description="for `folder`: its path")
    include: list[str] = Field(
        min_length=1, description="which images of the folder or archive: patterns as in .gitignore"
    )
    archive: Literal["bsds500", "div2k"] | Archive = Field(
        description="for `archive`: one that is known by name, or `{url, sha256, terms}`"
    )
    val_fraction: Fraction = Field(description="share held out for validation, where no sub-folder `val` says so")
    test_fraction: Fraction = Field(description="share held out for the test, where no sub-folder `test` says so")
    min_side: int = Field(ge=16, description="images with a shorter side, in pixels, are skipped")
    max_pixels: int = Field(ge=4096, description="images with more pixels are skipped")
    levels: list[Level] = Field(
        min_length=1,
        description="from weak to strong: a degraded set for each; adding one computes none of the others again",
    )

    @model_validator(mode="after")
    def _something_to_train_on(self) -> Self:
        if self.val_fraction + self.test_fraction >= 1:
            raise ValueError("val_fraction and test_fraction together must stay below 1")
        return self

    @field_validator("levels")
    @classmethod
    def _no_repeats(cls, levels: list[float]) -> list[float]:
        return in_order(levels)
