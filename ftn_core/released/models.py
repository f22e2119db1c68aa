"""The released models by name: those that come with the package, and those of other packages."""

from collections.abc import Callable
from pathlib import Path

from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.released.ffdnet import published_ffdnet

WEIGHTS = Path(__file__).parents[2] / "weights"
"""Beside the packages, in a clone and where pip installs them."""
PHOTO = "photo"
"""The model for photographs, trained by this project."""


def released_photo() -> ContinuousDenoiser:
    """The model for photographs: noise from 0 to 75/255. Its card is ``weights/photo.md``."""
    return ContinuousDenoiser.load(WEIGHTS / f"{PHOTO}.safetensors")


RELEASED: dict[str, Callable[[], ContinuousDenoiser]] = {PHOTO: released_photo, "ffdnet": published_ffdnet}
"""Loaders by name; each raises ``UserError`` if its weights are not there."""


def load_released(source: str | Path) -> ContinuousDenoiser:
    """The denoiser of a released model's name, or else of a file. Raises ``UserError`` if it cannot be loaded."""
    loader = RELEASED.get(str(source))
    return loader() if loader else ContinuousDenoiser.load(Path(source))
