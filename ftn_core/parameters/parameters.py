"""The whole of ``params.yaml``, and the rules between its sections."""

import difflib
from itertools import pairwise
from typing import Annotated, Self

from pydantic import Field, model_validator

from ftn_core.parameters.data import Data
from ftn_core.parameters.degradation import StepOptions
from ftn_core.parameters.evaluation import Evaluate, Gate, Register
from ftn_core.parameters.levels import Levels
from ftn_core.parameters.losses import Features
from ftn_core.parameters.network import Network
from ftn_core.parameters.quantities import SIGMA, Quantity
from ftn_core.parameters.section import Section
from ftn_core.parameters.training import Finetune, Line, Train
from ftn_core.parameters.transitions import AnyTransition
from ftn_core.utils.levels import level_name


class Parameters(Section):
    """The whole of ``params.yaml``."""

    seed: int = Field(ge=0, lt=2**32, description="decides weights, crops and the noise of trainings")
    threads: int = Field(
        ge=1,
        le=1024,
        description="CPU threads of a stage; a parameter, because sums in another order differ in their last bits",
    )
    data: Data
    degradation: list[StepOptions] = Field(
        description="Steps that photographs go through, one after the other. Each has a strength of its own, or the "
        "word `level`: then levels are in its quantity. At most one step goes by the level "
        "([more](degradations.md))."
    )
    network: Network
    levels: Levels
    features: Features
    train: Train
    finetune: Finetune
    line: Line
    transitions: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")], AnyTransition] = Field(
        min_length=1,
        description="What may stand in `levels.methods`: by a name of your choice, a method, how it is trained, and "
        "its options ([methods](methods.md)).",
    )
    evaluate: Evaluate
    register_: Register = Field(alias="register")
    gate: Gate

    @property
    def quantity(self) -> Quantity | None:
        """The quantity that levels measure; None if the degradation is the same at all levels."""
        found = [step.quantity for step in self.degradation if getattr(step, step.quantity.name) == "level"]
        if len(found) > 1:
            raise ValueError(f"degradation: only one step can vary with the level, not {len(found)}")
        return found[0] if found else None

    @model_validator(mode="after")
    def _levels_exist(self) -> Self:
        for step in self.degradation:
            value = getattr(step, step.quantity.name)
            if value != "level":
                _check(step.quantity, value, "degradation")
        if quantity := self.quantity:
            for level in self.data.levels:
                _check(quantity, level, "data.levels")
            for one, other in pairwise(self.data.levels):
                if quantity.step_of(one) == quantity.step_of(other):
                    raise ValueError(
                        f"data.levels: {level_name(one)} and {level_name(other)} are too close: levels of "
                        f"{quantity.name} differ by at least 1/{quantity.steps}"
                    )
        return self

    @model_validator(mode="after")
    def _two_objectives(self) -> Self:
        if self.quantity is None and (self.levels.base, self.levels.adapted) != (0, [1]):
            raise ValueError(
                "degradation: no step varies with the level, so the dial goes from one objective to the other: "
                f"levels.base must be 0 and levels.adapted [1], not {self.levels.base:g} and {self.levels.adapted}"
            )
        return self

    @model_validator(mode="after")
    def _levels_have_degraded_sets(self) -> Self:
        levels = self.levels
        others = (*levels.between, *levels.from_scratch, *levels.noise_conditioned, *levels.lines)
        for level in (levels.base, *levels.adapted, *others):
            if level not in self.data.levels:
                raise ValueError(f"level {level_name(level)} has no degraded set: add it to data.levels")
        return self

    @model_validator(mode="after")
    def _from_weak_to_strong(self) -> Self:
        strength = self.quantity.strength if self.quantity else float
        levels = self.levels
        for key, found in (("data.levels", self.data.levels), ("levels.adapted", levels.adapted)):
            if found and strength(found[0]) > strength(found[-1]):
                raise ValueError(f"{key} must go from weak to strong, from {found[-1]:g}: reverse it")
        weakest = min([levels.base, *levels.adapted], key=strength)
        for level in levels.between:
            if strength(level) < strength(weakest):
                raise ValueError(
                    f"levels.between: {level:g} is weaker than all trained levels: add it to levels.adapted instead"
                )
        return self

    @model_validator(mode="after")
    def _drawn_levels_are_of_noise(self) -> Self:
        if self.quantity is SIGMA and len(self.degradation) == 1:
            return self
        drawn = ["levels.noise_conditioned"] if self.levels.noise_conditioned else []
        for name in self.levels.methods:
            if name in self.transitions and self.transitions[name].supervision == "continuous":
                drawn.append(f"transitions.{name}.supervision")
        if drawn:
            raise ValueError(f"{drawn[0]}: training can draw levels only if noise is the only step of degradation")
        return self

    @model_validator(mode="after")
    def _the_registered_row_exists(self) -> Self:
        rows, row = self.levels.rows, self.register_.row
        if row not in (None, *rows):
            raise ValueError(f"register.row: there is no row {row} (rows: {', '.join(rows)}; null: the first)")
        return self

    @model_validator(mode="after")
    def _lines_can_be_trained(self) -> Self:
        if not self.levels.lines:
            return self
        if self.quantity is None:
            raise ValueError("levels.lines: a line needs a step of degradation that varies with the level")
        of_noise = self.quantity is SIGMA and len(self.degradation) == 1
        for key in ("teacher", "draw_power"):
            if getattr(self.line, key) and not of_noise:
                raise ValueError(f"line.{key}: only where noise is the only step of degradation; set it to null or 0")
        size, count, devices = self.train.batch_size, self.line.levels_per_step, self.train.devices
        if size % (count * devices):
            processes = f" in each of train.devices = {devices}" if devices > 1 else ""
            raise ValueError(
                f"line.levels_per_step = {count} cannot share train.batch_size = {size} equally{processes}: make the "
                f"batch size a multiple of {count * devices}, or draw fewer levels"
            )
        return self

    @model_validator(mode="after")
    def _branches_fit_the_network(self) -> Self:
        for name in self.levels.methods:
            if name in self.transitions:
                method = self.transitions[name].method
                if not self.network.fits(method):
                    raise ValueError(
                        f"levels.methods: {name} ({method}) needs a network whose body has one width, which "
                        "transform_net has not: choose another method or network.name"
                    )
        return self

    @model_validator(mode="after")
    def _methods_are_described(self) -> Self:
        for name in self.levels.methods:
            if name not in self.transitions:
                close = difflib.get_close_matches(name, self.transitions, n=1)
                hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(self.transitions)}"
                raise ValueError(f"levels.methods: transitions has no entry {name}, {hint}")
        return self


def _check(quantity: Quantity, value: float, key: str) -> None:
    try:
        quantity.check(float(value))
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from None
