"""What the page shows for a setting of its controls, in the form that the browser draws."""

import base64
import io
import time
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ftn_core.degradations.degradation import Degradation
from ftn_core.noise_level.estimate import estimate_sigma, may_be_texture, sample_patches
from ftn_core.runtime.images import to_image
from ftn_core.runtime.psnr import psnr
from ftn_core.words.labels import phrase
from serving.demo import controls, pictures
from serving.demo.denoisers import DenoiserCache
from serving.demo.open_pictures import OpenPictures
from serving.demo.pictures import OpenedPicture, Part, Scene
from serving.demo.setting import Setting

PREVIEW = 1600
"""Longest side in pixels of the small copy that is shown around the part in view."""


class Answers:
    """Restores the part in view, and remembers how long each answer took."""

    def __init__(self, open_pictures: OpenPictures) -> None:
        self.denoisers = DenoiserCache()
        self.milliseconds: list[float] = []
        self.open_pictures = open_pictures

    def _degradation(self, setting: Setting) -> tuple[Degradation | None, float]:
        if setting.degraded_at is None:
            return None, 0.0
        denoiser = self.denoisers(setting.models[0])
        low, high = sorted(denoiser.ends)
        return Degradation.of(denoiser.task.degradation), min(high, max(low, setting.degraded_at))

    def given(self, setting: Setting) -> tuple[OpenedPicture, NDArray]:
        """The picture, and ``3 x H x W``: all of it as the networks are given it."""
        picture = self.open_pictures.open(setting.picture)
        return picture, pictures.given(picture, *self._degradation(setting))

    def scene(self, setting: Setting, part: Part) -> Scene:
        """The part as the networks' input."""
        reference = self.open_pictures.open(setting.reference) if setting.reference else None
        return _scene(self.open_pictures.open(setting.picture), part, *self._degradation(setting), reference)

    def __call__(
        self, setting: Setting, part: Part, scale: float, labels: Mapping[str, str], with_input: bool
    ) -> dict[str, object]:
        """What ``page.js`` draws.

        Args:
            scale: at most 1: of the pictures for the browser. The networks see the part at full resolution.
            labels: names by source.
            with_input: whether to send the input picture. The browser keeps the last one.
        """
        start = time.perf_counter()
        view = self.scene(setting, part)
        panes = []
        for model in setting.models:
            restored = self.denoisers(model).restore(view.degraded, setting.level)
            score = "" if view.clean is None else f"{psnr(restored, view.clean):.2f} dB"
            panes.append({"name": labels.get(model, model), "score": score, "after": to_url(restored, scale)})
        degraded = "" if view.clean is None else f"{psnr(view.degraded, view.clean):.2f} dB"
        took = 1000 * (time.perf_counter() - start)
        self.milliseconds.append(took)
        answer = {"panes": panes, "input": degraded, "ms": round(took)}
        return answer | ({"before": to_url(view.degraded, scale)} if with_input else {})

    def found_level(self, setting: Setting) -> dict[str, object]:
        """The dial's place for the noise in the whole picture; as it is if the first model is not for noise alone."""
        denoiser = self.denoisers(setting.models[0])
        if not denoiser.task.degradation.by_noise_alone:
            return {"level": None, "says": ""}
        sampled = sample_patches(self.given(setting)[1].transpose(1, 2, 0)).transpose(2, 0, 1)
        found = estimate_sigma(to_image(sampled))
        level = controls.nearest_step(denoiser, found)
        note = "" if abs(level - found) <= denoiser.quantity.step else ", beyond the model's range"
        if may_be_texture(found):
            note = ": weak, and may be fine texture"
        return {"level": level, "says": f"Found {phrase(denoiser.quantity, found)}{note}."}

    def preview(self, setting: Setting) -> bytes:
        """The whole input, at most ``PREVIEW`` pixels a side, as JPEG."""
        image = Image.fromarray(to_uint8(to_image(self.given(setting)[1])))
        image.thumbnail((PREVIEW, PREVIEW), reducing_gap=2)
        file = io.BytesIO()
        image.save(file, "JPEG", quality=90)
        return file.getvalue()


# most of the time only the dial moves
_scene = lru_cache(4)(pictures.scene)


def to_uint8(image: Tensor) -> np.ndarray:
    """``H x W x 3`` of uint8 from ``1 x 3 x H x W``, clipped to [0, 1] and rounded."""
    return (image[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).contiguous().numpy()


def to_url(image: Tensor, scale: float = 1.0) -> str:
    """A data URL of a lossless WebP at its fastest setting.

    Lossy compression would look like artefacts of the networks. Of the lossless formats this one is the fastest and
    the smallest (docs/demo.md).
    """
    picture = Image.fromarray(to_uint8(image))
    if scale < 1:
        picture = picture.resize([max(1, round(scale * side)) for side in picture.size], Image.Resampling.BOX)
    file = io.BytesIO()
    picture.save(file, "webp", lossless=True, quality=0, method=0)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()
