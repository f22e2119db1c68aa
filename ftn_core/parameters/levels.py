"""Section ``levels``: which networks are trained."""

from typing import Self

from pydantic import Field, model_validator

from ftn_core.parameters.section import Level, Section, in_order


class Levels(Section):
    """The levels that networks are trained for, and by which methods the base is adapted to them.

    ``methods`` name entries of ``transitions``; the first is what is registered. ``chains`` name those of them that are
    adapted to the levels of ``between``, too. ``noise_conditioned`` are the highest sigmas of networks that are told sigma.
    """

    base: Level
    adapted: list[Level] = Field(min_length=1)
    methods: list[str] = Field(min_length=1)
    between: list[Level]
    chains: list[str]
    from_scratch: list[Level]
    noise_conditioned: list[Level]

    @model_validator(mode="after")
    def _one_chain(self) -> Self:
        in_order([self.base, *self.adapted])
        in_order([self.base, *sorted([*self.between, *self.adapted], key=lambda level: abs(level - self.base))])
        for levels in (self.between, self.from_scratch, self.noise_conditioned):
            in_order(levels)
        for sigma in self.noise_conditioned:
            if sigma <= self.base:
                raise ValueError(f"noise_conditioned {sigma} must lie above the base level {self.base}")
        for names in (self.methods, self.chains):
            if len(set(names)) < len(names):
                raise ValueError(f"names a method twice: {names}")
        for name in self.chains:
            if name not in self.methods:
                raise ValueError(f"chains: {name} is not among levels.methods {self.methods}")
        if self.chains and not self.between:
            raise ValueError("chains need levels.between: without further levels they are the methods themselves")
        return self
