"""What the page shows for a setting of its controls, in the form that the browser draws."""

import base64
import io
import time
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image
from torch import Tensor

from ftn_core.degradations.degradation import Degradation
from ftn_core.runtime.psnr import psnr
from serving.demo.denoisers import DenoiserCache
from serving.demo.pictures import OpenedPicture, Scene, scene, whole, window


@dataclass(frozen=True)
class Setting:
    """Everything that determines what is shown.

    Args:
        degraded_at: level of the first model's degradation that the picture goes through; None: no degradation.
        across, down: in [0, 1], the place of the part in view of a large picture.
        models: sources of one or two models.
        level: of the dial.
    """

    picture: OpenedPicture
    degraded_at: float | None
    across: float
    down: float
    models: tuple[str, ...]
    level: float


class Answers:
    """Restores the part in view, and remembers how long each answer took."""

    def __init__(self) -> None:
        self.denoisers = DenoiserCache()
        self.milliseconds: list[float] = []

    def scene(self, setting: Setting) -> Scene:
        """The networks' input, cached: most of the time only the dial moves."""
        part = window(setting.picture, setting.across, setting.down)
        return _scene(setting.picture, part, *self._degradation(setting))

    def whole(self, setting: Setting) -> Scene:
        """The whole picture as the networks' input, not cached because it can be large."""
        return scene(setting.picture, whole(setting.picture), *self._degradation(setting))

    def _degradation(self, setting: Setting) -> tuple[Degradation | None, float]:
        if setting.degraded_at is None:
            return None, 0.0
        denoiser = self.denoisers(setting.models[0])
        low, high = sorted(denoiser.ends)
        return Degradation.of(denoiser.task.degradation), min(high, max(low, setting.degraded_at))

    def _restored(self, setting: Setting) -> list[Tensor]:
        """``1 x 3 x H x W`` by each model."""
        degraded = self.scene(setting).degraded
        return [self.denoisers(model).restore(degraded, setting.level) for model in setting.models]

    def __call__(self, setting: Setting, labels: dict[str, str], with_input: bool) -> dict[str, object]:
        """What ``viewer.js`` draws.

        Args:
            labels: names by source.
            with_input: whether to send the input picture. The browser keeps the last one.
        """
        start = time.perf_counter()
        view = self.scene(setting)
        panes = []
        for model, restored in zip(setting.models, self._restored(setting), strict=True):
            score = "" if view.clean is None else f"{psnr(restored, view.clean):.2f} dB"
            panes.append({"name": labels.get(model, model), "score": score, "after": to_url(restored)})
        degraded = "" if view.clean is None else f"{psnr(view.degraded, view.clean):.2f} dB"
        took = 1000 * (time.perf_counter() - start)
        self.milliseconds.append(took)
        height, width = view.degraded.shape[2:]
        answer = {"panes": panes, "input": degraded, "ms": round(took), "width": width, "height": height}
        return answer | ({"before": to_url(view.degraded)} if with_input else {})


_scene = lru_cache(4)(scene)


def to_uint8(image: Tensor) -> np.ndarray:
    """``H x W x 3`` of uint8 from ``1 x 3 x H x W``, clipped to [0, 1] and rounded."""
    return (image[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).contiguous().numpy()


def to_url(image: Tensor) -> str:
    """A data URL of a lossless WebP at its fastest setting.

    Lossy compression would look like artefacts of the networks. Of the lossless formats this one is the fastest and
    the smallest (docs/demo.md).
    """
    file = io.BytesIO()
    Image.fromarray(to_uint8(image)).save(file, "webp", lossless=True, quality=0, method=0)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()
