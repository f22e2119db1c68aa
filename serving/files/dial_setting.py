"""The position of the dial for each picture: from a given level, from alpha, or from the picture's own noise."""

from dataclasses import dataclass

from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.noise_level.estimate import estimate_sigma, may_be_texture, sample_patches
from ftn_core.parameters.quantities import Quantity
from ftn_core.utils.errors import UserError
from ftn_core.words.labels import label, phrase
from serving.files.bands import pixels_to_tensor
from serving.files.pictures import Picture


@dataclass(frozen=True)
class DialSetting:
    """How the user set the dial. With neither ``level`` nor ``alpha``, sigma is estimated from each picture.

    Args:
        level: for all pictures; not together with ``alpha``.
        alpha: a place on the whole dial, 0 at its first end and 1 at its last.

    Raises:
        UserError: alpha is not in [0, 1], or a level is needed because the model is not for noise alone.
    """

    denoiser: ContinuousDenoiser
    level: float | None = None
    alpha: float | None = None

    def __post_init__(self) -> None:
        if self.alpha is not None and not 0 <= self.alpha <= 1:  # refuses NaN, too
            raise UserError(f"--alpha {self.alpha}: from 0 (the beginning of the dial) to 1 (its end) is needed")
        if self.level is None and self.alpha is None and not self.denoiser.task.degradation.by_noise_alone:
            first, last = (label(self.quantity, level) for level in self.denoiser.ends)
            raise UserError(
                f"--level is needed: this model's dial is {self.quantity}, from {first} "
                f"to {last}, and only the level of noise is found in a picture; or give --alpha, a place of the dial"
            )

    @property
    def quantity(self) -> Quantity:
        """What the levels measure."""
        return self.denoiser.task.quantity

    @property
    def description(self) -> str:
        """The setting in words, for the user."""
        if self.alpha is not None:
            first, last = (phrase(self.quantity, level) for level in self.denoiser.ends)
            return f"alpha {self.alpha:g} of the dial from {first} to {last}"
        if self.level is None:
            return f"{self.quantity.name} as found in each picture"
        return phrase(self.quantity, self.level)

    def out_of_range_note(self, level: float) -> str | None:
        """A note for the user if a level lies outside the dial, where the nearest end is used; else None."""
        nearest = min(max(level, min(self.denoiser.ends)), max(self.denoiser.ends))
        if abs(level - nearest) < 1e-6:
            return None
        return f"beyond the dial: {phrase(self.quantity, nearest)} is used"

    def found_note(self, level: float) -> str | None:
        """A note for the user on a level that was found in a picture, if there is something to say."""
        if may_be_texture(level):
            return "weak: it may be fine texture, and --level 0 leaves a picture as it is"
        return self.out_of_range_note(level)

    def level_for(self, picture: Picture) -> float | None:
        """The given level, or else the one estimated from the picture; None if alpha is given."""
        if self.alpha is not None or self.level is not None:
            return self.level
        return estimate_sigma(pixels_to_tensor(sample_patches(picture.pixels)))

    def position(self, level: float | None) -> float:
        """The position of the denoiser's dial for what ``level_for`` returned."""
        if level is None:
            first, last = self.denoiser.span
            return first + (self.alpha or 0.0) * (last - first)
        return self.denoiser.position(level)
