"""Where the dial stands for a picture: at a given level, at the one that is found, or at a place of the dial."""

from dataclasses import dataclass

from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.parameters.quantities import Quantity
from ftn_core.utils.errors import UserError
from ftn_core.words.labels import label, phrase
from serving.files.bands import to_image
from serving.files.pictures import Picture
from serving.noise_level import estimate_sigma, representative


@dataclass(frozen=True)
class Dial:
    """Exactly one of ``level`` and ``alpha``, which is of the whole dial; or neither: sigma is found in each picture.

    Raises:
        UserError: alpha is beyond the dial, or a level would have to be found that cannot be seen in a picture.
    """

    denoiser: ContinuousDenoiser
    level: float | None = None
    alpha: float | None = None

    def __post_init__(self) -> None:
        if self.alpha is not None and not 0 <= self.alpha <= 1:  # NaN, too
            raise UserError(f"--alpha {self.alpha}: from 0 (the first level) to 1 (the last) is needed")
        if self.level is None and self.alpha is None and not self.denoiser.task.degradation.by_noise_alone:
            first, last = (label(self.quantity, level) for level in self.denoiser.ends)
            raise UserError(
                f"--level is needed: this model's dial is {self.quantity}, trained from {first} "
                f"to {last}, and only the level of noise is found in a picture; or give --alpha, a place of the dial"
            )

    @property
    def quantity(self) -> Quantity:
        """Of the levels."""
        return self.denoiser.task.quantity

    @property
    def words(self) -> str:
        """What is set, for the user."""
        if self.alpha is not None:
            first, last = (phrase(self.quantity, level) for level in self.denoiser.ends)
            return f"alpha {self.alpha:g} of the dial from {first} to {last}"
        return (
            f"{self.quantity.name} as found in each picture"
            if self.level is None
            else phrase(self.quantity, self.level)
        )

    def beyond(self, level: float) -> str | None:
        """What a user should know about a level that lies outside the trained ones, and so uses the nearest."""
        nearest = min(max(level, min(self.denoiser.ends)), max(self.denoiser.ends))
        if abs(level - nearest) < 1e-6:
            return None
        return f"beyond the model's levels: {phrase(self.quantity, nearest)} is used"

    def found(self, picture: Picture) -> float | None:
        """The level that is set or, where nothing is, the picture's own; None where alpha is set."""
        if self.alpha is not None or self.level is not None:
            return self.level
        return estimate_sigma(to_image(representative(picture.pixels)))

    def position(self, level: float | None) -> float:
        """The position of the model's dial for what ``found`` gave."""
        if level is None:
            return (self.alpha or 0.0) * len(self.denoiser.levels)
        return self.denoiser.position(level)
