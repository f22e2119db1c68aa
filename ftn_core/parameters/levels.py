"""Section ``levels``: which networks are trained."""

from typing import Self

from pydantic import Field, model_validator

from ftn_core.parameters.section import Level, Section, in_order
from ftn_core.utils.levels import chain_name, line_name

BASE_ROW = "base"
"""The row of the base alone in the results."""


class Levels(Section):
    """The levels that networks are trained for, and the methods that adapt the base to them."""

    base: Level = Field(description="what the base network is trained for: one of `data.levels`, as all levels here")
    adapted: list[Level] = Field(
        description="from weak to strong, weaker or stronger than the base's: what each method adapts the base to"
    )
    methods: list[str] = Field(description="names of `transitions`: the rows of the comparison")
    between: list[Level] = Field(
        description="from weak to strong, none weaker than all others: further levels, for the chains"
    )
    chains: list[str] = Field(
        description="which of `methods` are adapted to the levels between, too, each level starting from the dial's "
        "position for it: rows `NAME-chain`"
    )
    from_scratch: list[Level] = Field(
        description="levels that get a network of their own, for comparison, with the steps of base and finetuning "
        "together"
    )
    noise_conditioned: list[Level] = Field(
        description="above the base's: for each, one network for all sigmas up to it, which is given sigma as one "
        "more input channel"
    )
    lines: list[Level] = Field(
        description="far ends of lines: base and direction of their own, trained together in the steps of base and "
        "finetuning together: rows `line-LEVEL`"
    )

    @property
    def rows(self) -> list[str]:
        """All rows with a dial."""
        return [*self.methods, *map(chain_name, self.chains), *map(line_name, self.lines)]

    @model_validator(mode="after")
    def _some_row(self) -> Self:
        if not self.rows:
            raise ValueError("no row with a dial: name one in methods, or a far end in lines")
        if bool(self.adapted) != bool(self.methods):
            raise ValueError("adapted and methods belong together: name both, or neither and a far end in lines")
        return self

    @model_validator(mode="after")
    def _one_chain(self) -> Self:
        for levels in (self.adapted, self.between, self.from_scratch, self.noise_conditioned, self.lines):
            in_order(levels)
        in_order(sorted([self.base, *self.adapted, *self.between]))
        for sigma in self.noise_conditioned:
            if sigma <= self.base:
                raise ValueError(f"noise_conditioned {sigma} must lie above the base level {self.base}")
        if self.base in self.lines:
            raise ValueError(f"lines {self.base} must be another level than the base's, from which the line comes")
        for names in (self.methods, self.chains):
            if len(set(names)) < len(names):
                raise ValueError(f"names a method twice: {names}")
        for name in self.methods:
            if name == BASE_ROW or self.rows.count(name) > 1:
                raise ValueError(f"methods: {name} is what another row of the results is called: rename it")
        for name in self.chains:
            if name not in self.methods:
                raise ValueError(f"chains: {name} is not among levels.methods {self.methods}")
        if self.chains and not self.between:
            raise ValueError("chains need levels.between: without further levels they are the methods themselves")
        return self
