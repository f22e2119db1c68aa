"""Headers of files with weights. A value in a file has the bounds that it has in ``params.yaml``."""

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from ftn_core.parameters.degradation import StepOptions
from ftn_core.parameters.network import Network
from ftn_core.parameters.quantities import Quantity, objective
from ftn_core.parameters.section import Section
from ftn_core.parameters.transitions import AnyTransition
from ftn_core.utils.errors import UserError

Number = Annotated[float, Field(allow_inf_nan=False)]
Point = Annotated[list[Number], Field(min_length=2, max_length=2)]
"""Two numbers."""
_OPTIONS: TypeAdapter[AnyTransition] = TypeAdapter(AnyTransition)
_SOME_TRAINING = {"lr": 1.0, "supervision": "level"}


class TaskHeader(Section):
    """What the networks were trained for."""

    degradation: list[StepOptions]
    objectives: list[str] = Field(min_length=2, max_length=2)

    @property
    def quantity(self) -> Quantity:
        """What a level measures."""
        varied = [step.quantity for step in self.degradation if getattr(step, step.quantity.name) == "level"]
        return varied[0] if varied else objective(*self.objectives)

    @model_validator(mode="after")
    def _strengths_exist(self) -> Self:
        strengths = [(step.quantity, getattr(step, step.quantity.name)) for step in self.degradation]
        for quantity, value in strengths:
            if value != "level":
                quantity.check(float(value))
        if sum(value == "level" for _, value in strengths) > 1:
            raise ValueError("only one step can vary with the level")
        return self


class LevelHeader(Section):
    """One adapted level."""

    value: Number
    method: str
    options: dict[str, Any]

    @model_validator(mode="after")
    def _options_are_the_methods(self) -> Self:
        try:
            _OPTIONS.validate_python({**self.options, **_SOME_TRAINING, "method": self.method})
        except ValidationError as error:
            # an option that is not given is for the method's class to judge
            wrong = [e for e in error.errors() if e["type"] != "missing"]
            if wrong:
                raise ValueError(_explain(wrong[0])) from None
        return self


class DenoiserHeader(Section):
    """A base network, its adapted levels, and the dial between them."""

    format: str
    task: TaskHeader
    network: Network
    level: Number
    levels: list[LevelHeader]
    dial: list[Point]
    blend: list[Point]

    @model_validator(mode="after")
    def _levels_are_sorted(self) -> Self:
        quantity = self.task.quantity
        levels = [level.value for level in self.levels]
        for level in (self.level, *levels):
            quantity.check(level)
        for weaker, stronger in pairwise(levels):
            if quantity.strength(weaker) >= quantity.strength(stronger):
                raise ValueError(f"levels must go from weak to strong, not {levels}")
        if self.level in levels:
            raise ValueError(f"level {self.level:g} is the base's and an adapted one")
        return self

    @model_validator(mode="after")
    def _branches_fit_the_network(self) -> Self:
        for level in self.levels:
            if not self.network.fits(level.method):
                raise ValueError(f"{level.method} needs a body of one width, which {self.network.name} has not")
        return self

    @model_validator(mode="after")
    def _the_dial_ends_at_its_levels(self) -> Self:
        quantity = self.task.quantity
        weaker = sum(quantity.strength(x.value) < quantity.strength(self.level) for x in self.levels)
        low, high = -weaker - 1, len(self.levels) - weaker
        for level, position in self.dial:
            quantity.check_dial(level)
            if not low <= position <= high:
                raise ValueError(f"the dial's position {position:g} lies beyond its levels, from {low} to {high}")
        along = [position for _, position in sorted(self.dial, key=lambda point: quantity.strength(point[0]))]
        if along != sorted(along) or len({level for level, _ in self.dial}) < len(self.dial):
            raise ValueError("the dial's positions must rise with its levels")
        return self

    @model_validator(mode="after")
    def _the_blend_is_between_nothing_and_all(self) -> Self:
        if any(not 0 <= value <= 1 for point in self.blend for value in point):
            raise ValueError("blend must be of numbers from 0 to 1")
        if self.blend != sorted(self.blend):
            raise ValueError("blend must rise")
        return self


class NetworkWithInputs(Network):
    """A network whose header gives the channels of its input."""

    inputs: Literal[3, 4]


class NetworkHeader(Section):
    """One trained network."""

    format: str
    network: Network | NetworkWithInputs
    level: Number


def check_header(header: dict[str, Any], kind: type[Section], path: Path) -> None:
    """Check a header before anything is built from it.

    Raises:
        UserError: a value is missing, unknown, of a wrong type or out of range.
    """
    try:
        kind.model_validate(header)
    except ValidationError as error:
        raise UserError(f"{path} is damaged: its header: {_explain(error.errors()[0])}") from None


def _explain(error: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    place = ".".join(str(part) for part in error["loc"])
    message = error["msg"].removeprefix("Value error, ")
    return ascii(f"{place}: {message}" if place else message)[1:-1][:300]
