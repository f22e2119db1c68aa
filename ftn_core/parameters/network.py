"""Section ``network``: the base network, its width and depth."""

from typing import Literal, Self

from pydantic import Field, model_validator

from ftn_core.parameters.section import Section


class Network(Section):
    """The base network."""

    name: Literal["unshuffle_net", "resnet", "adafm_net", "dncnn", "ffdnet", "transform_net"] = Field(
        description="its architecture: a file of `ftn_core/networks/`"
    )
    channels: int = Field(ge=4, le=512, description="its width")
    depth: int = Field(
        ge=1,
        le=64,
        description="residual blocks; of `resnet` (5 to 16), `dncnn` and `ffdnet` (from 3): convolutions",
    )

    @model_validator(mode="after")
    def _resnet_depth(self) -> Self:
        if self.name == "resnet" and not 5 <= self.depth <= 16:
            raise ValueError(f"depth of resnet must be from 5 to 16 layers, not {self.depth}")
        if self.name in ("dncnn", "ffdnet") and self.depth < 3:
            raise ValueError(f"depth of {self.name} must be at least 3 layers, not {self.depth}")
        return self

    def fits(self, method: str) -> bool:
        """Whether a method can adapt the network: branches need a body of one width."""
        return self.name != "transform_net" or method not in ("cfsnet", "dynamic_net")
