"""Shared by all sections of ``params.yaml``: a strict model, and numbers as YAML writes them."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _decimal(value: Any) -> Any:  # noqa: ANN401 - whatever YAML read
    # YAML 1.1 reads `1e-3` as a string, because the mantissa has no decimal point
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _without_point(value: Any) -> Any:  # noqa: ANN401 - whatever YAML read
    if isinstance(value, float) and value.is_integer():
        raise ValueError(f"write {value:.0f} without a point, because it names a folder")
    return value


Float = Annotated[float, BeforeValidator(_decimal)]
Level = Annotated[Float, BeforeValidator(_without_point), Field(title="level")]
"""A level, in the quantity that ``degradation`` varies (quantities.py)."""
Fraction = Annotated[Float, Field(ge=0, lt=1)]


class Section(BaseModel):
    """A mapping in ``params.yaml``. Unknown keys and values of a wrong type are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def in_order(levels: list[float]) -> list[float]:
    """The levels, if they strictly rise or strictly fall. Raises ``ValueError`` otherwise."""
    if levels not in (sorted(set(levels)), sorted(set(levels), reverse=True)):
        raise ValueError(f"must rise or fall all along and without repeats, not {levels}")
    return levels
