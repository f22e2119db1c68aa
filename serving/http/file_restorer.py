"""Restores one picture file into another, for requests."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.runtime.device import best_device
from ftn_core.utils.errors import UserError
from serving.files.bands import restore_in_bands
from serving.files.dial_setting import DialSetting
from serving.files.job_runner import UNREADABLE, UNWRITABLE, failure_reason
from serving.files.pictures import read_picture, write_picture


@dataclass(frozen=True)
class RestoredFile:
    """What became of a file.

    Args:
        format: ``PNG``, ``JPEG``, ``TIFF``, ``WEBP`` or ``BMP``, as that of the source.
        level: the level of the dial that was used, within its ends.
    """

    format: str
    level: float


class FileRestorer:
    """One model with one folded network: for one thread at a time."""

    def __init__(self, denoiser: ContinuousDenoiser, max_pixels: int) -> None:
        warnings.filterwarnings("ignore", module="PIL")  # what Pillow cannot read it raises: warnings are only noise
        self.denoiser = denoiser.to(best_device())
        self.max_pixels = max_pixels
        self._network: nn.Module | None = None

    def __call__(
        self, source: Path, target: Path, level: float | None, check: Callable[[], None] = lambda: None
    ) -> RestoredFile:
        """Restore a file as ``ftn restore`` does.

        Args:
            level: in the model's quantity; None: sigma is found in the picture.
            check: called after each band of rows; what it raises ends the work.

        Raises:
            TooLargeError: the picture has more than ``max_pixels``, or does not fit into memory.
            UserError: it is not a readable picture; the message says why, and names no file.
            OSError: the result cannot be stored.
        """
        try:
            picture = read_picture(source, self.max_pixels)
        except UserError:
            raise
        except Exception as error:  # decoders raise any kind
            raise UserError(failure_reason(error, UNREADABLE).replace(str(source), "the picture")) from None
        dial = DialSetting(self.denoiser, level)
        found = dial.level_for(picture)
        assert found is not None
        self._network = self.denoiser.fold(dial.position(found), self._network)
        pixels = restore_in_bands(self._network, picture, lambda rows: check())
        try:
            write_picture(picture, pixels, target)
        except (UserError, OSError):
            raise
        except Exception as error:  # encoders, too
            raise UserError(failure_reason(error, UNWRITABLE)) from None
        low, high = sorted(self.denoiser.ends)
        return RestoredFile(picture.format, min(max(found, low), high))
