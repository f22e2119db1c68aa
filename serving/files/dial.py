"""Where the dial stands for a picture: at a given sigma, at the one that is found, or at a place of the dial."""

import math
from dataclasses import dataclass

from ftn_core.continuous import ContinuousDenoiser
from ftn_core.errors import UserError
from ftn_core.noise_level import estimate_sigma, representative
from serving.files.pictures import Picture
from serving.files.restoring import to_image


@dataclass(frozen=True)
class Dial:
    """Exactly one of ``sigma`` and ``alpha``, which is of the whole dial; or neither: found in each picture."""

    denoiser: ContinuousDenoiser
    sigma: float | None = None
    alpha: float | None = None

    def __post_init__(self) -> None:
        if self.alpha is not None and not 0 <= self.alpha <= 1:  # NaN, too
            raise UserError(f"--alpha {self.alpha}: from 0 (the first level) to 1 (the last) is needed")

    @property
    def words(self) -> str:
        """What is set, for the user."""
        if self.alpha is not None:
            return f"alpha {self.alpha:g} of the dial from {in_words(self.ends[0])} to {in_words(self.ends[1])}"
        return f"sigma {in_words(self.sigma)}" if self.sigma else "sigma as found in each picture"

    @property
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest trained level."""
        return self.denoiser.trained[0], self.denoiser.trained[-1]

    def beyond(self, sigma: float) -> str | None:
        """What a user should know about a sigma that lies outside the trained levels, and so uses the nearest."""
        low, high = self.ends
        if sigma < low - 1e-6:
            return f"below the model's lowest level: {low:g} is used"
        if sigma > high + 1e-6:
            return f"above the model's highest level: {high:g} is used"
        return None

    def found(self, picture: Picture) -> float | None:
        """The sigma that is set or, where nothing is, the picture's own; None where alpha is set."""
        if self.alpha is not None or self.sigma is not None:
            return self.sigma
        return estimate_sigma(to_image(representative(picture.pixels)))

    def position(self, sigma: float | None) -> float:
        """The position of the model's dial for what ``found`` gave."""
        if sigma is None:
            return (self.alpha or 0.0) * len(self.denoiser.levels)
        return self.denoiser.position(sigma)


def in_words(sigma: float | None) -> str:
    """In both units."""
    return "?" if sigma is None or not math.isfinite(sigma) else f"{sigma:.3g} ({255 * sigma:.3g}/255)"
