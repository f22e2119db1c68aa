"""Section ``levels``: which networks are trained."""

from typing import Self

from pydantic import model_validator

from ftn_core.parameters.section import Level, Section, in_order
from ftn_core.utils.levels import chain_name, line_name


class Levels(Section):
    """The levels that networks are trained for, and the methods that adapt the base to them.

    Levels of ``adapted`` and ``between`` may be weaker or stronger than the base's. ``methods`` names entries of
    ``transitions``. ``chains`` names those methods that are also adapted to the levels in ``between``. ``from_scratch``
    has the levels that get a network of their own. ``noise_conditioned`` has the highest sigma of each
    noise-conditioned network. ``lines`` has the far end of each line of networks, which begins at the base's level with
    a base of its own.
    """

    base: Level
    adapted: list[Level]
    methods: list[str]
    between: list[Level]
    chains: list[str]
    from_scratch: list[Level]
    noise_conditioned: list[Level]
    lines: list[Level]

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
        for name in self.chains:
            if name not in self.methods:
                raise ValueError(f"chains: {name} is not among levels.methods {self.methods}")
        if self.chains and not self.between:
            raise ValueError("chains need levels.between: without further levels they are the methods themselves")
        return self
