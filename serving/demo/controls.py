"""What the page's controls need to know of a model."""

from typing import Any

from ftn_core.degradations.degradation import Degradation
from ftn_core.words.description import describe
from ftn_core.words.labels import label, title
from serving.demo.denoisers import LoadedDenoiser


def controls(denoiser: LoadedDenoiser) -> dict[str, Any]:
    """The dial, whether it can be set by itself, and the degradation that the model's training images went through."""
    first, last = denoiser.ends
    low, high = sorted(denoiser.ends)
    degradation = denoiser.task.degradation
    return {
        "quantity": str(denoiser.quantity),
        "title": title(denoiser.quantity),
        "low": low,
        "high": high,
        "step": denoiser.quantity.step,
        # the weakest level is on the left, the strongest on the right
        "falling": first > last,
        "ends": [label(denoiser.quantity, level) for level in denoiser.ends],
        "opening": nearest_step(denoiser, denoiser.opening),
        "auto": degradation.by_noise_alone,
        "degradation": describe(Degradation.of(degradation)),
        "varied": degradation.varied is not None,
    }


def nearest_step(denoiser: LoadedDenoiser, level: float) -> float:
    """The slider's position that is nearest to a level."""
    low, high = sorted(denoiser.ends)
    steps = round((level - low) / denoiser.quantity.step)
    return round(min(high, max(low, low + steps * denoiser.quantity.step)), 6)
