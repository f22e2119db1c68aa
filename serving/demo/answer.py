"""What the page shows for one position of everything on it: a pure function, and the pictures' way to the browser."""

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
from serving.demo.dials import Dials
from serving.demo.pictures import Picture, Scene, scene, whole, window


@dataclass(frozen=True)
class Setting:
    """Everything that decides what is shown; ``across`` and ``down`` in [0, 1] place the window in a large picture.

    ``degraded_at`` is the level of the first model's degradation that the picture goes through; None: none.
    """

    picture: Picture
    degraded_at: float | None
    across: float
    down: float
    models: tuple[str, ...]
    level: float


class Answers:
    """Restores what is in view, and remembers how long each answer took."""

    def __init__(self) -> None:
        self.dials = Dials()
        self.milliseconds: list[float] = []

    def scene(self, setting: Setting) -> Scene:
        """What the networks are given; kept, because the dial alone moves most of the time."""
        part = window(setting.picture, setting.across, setting.down)
        return _scene(setting.picture, part, *self._degradation(setting))

    def whole(self, setting: Setting) -> Scene:
        """The same of all the picture; not kept, because it can be large."""
        return scene(setting.picture, whole(setting.picture), *self._degradation(setting))

    def _degradation(self, setting: Setting) -> tuple[Degradation | None, float]:
        if setting.degraded_at is None:
            return None, 0.0
        dial = self.dials(setting.models[0])
        low, high = sorted(dial.ends)
        return Degradation.of(dial.task.degradation), min(high, max(low, setting.degraded_at))

    def restored(self, setting: Setting) -> list[Tensor]:
        """``1 x 3 x H x W`` by each model."""
        degraded = self.scene(setting).degraded
        return [self.dials(model).restore(degraded, setting.level) for model in setting.models]

    def __call__(self, setting: Setting, labels: dict[str, str], before: bool) -> dict[str, object]:
        """What ``viewer.js`` draws. ``before``: with the input, which it keeps until the next one comes."""
        start = time.perf_counter()
        shown = self.scene(setting)
        panes = []
        for model, restored in zip(setting.models, self.restored(setting), strict=True):
            score = "" if shown.clean is None else f"{psnr(restored, shown.clean):.2f} dB"
            panes.append({"name": labels.get(model, model), "score": score, "after": to_url(restored)})
        degraded = "" if shown.clean is None else f"{psnr(shown.degraded, shown.clean):.2f} dB"
        took = 1000 * (time.perf_counter() - start)
        self.milliseconds.append(took)
        height, width = shown.degraded.shape[2:]
        answer = {"panes": panes, "input": degraded, "ms": round(took), "width": width, "height": height}
        return answer | ({"before": to_url(shown.degraded)} if before else {})


_scene = lru_cache(4)(scene)


def to_pixels(image: Tensor) -> np.ndarray:
    """``H x W x 3`` of uint8 from ``1 x 3 x H x W``, clipped to [0, 1] and rounded."""
    return (image[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).contiguous().numpy()


def to_url(image: Tensor) -> str:
    """A data URL of a lossless WebP at its fastest.

    Lossless, because compression looks like what networks leave behind; of the lossless formats the fastest that is
    also the smallest (docs/demo.md).
    """
    file = io.BytesIO()
    Image.fromarray(to_pixels(image)).save(file, "webp", lossless=True, quality=0, method=0)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()
