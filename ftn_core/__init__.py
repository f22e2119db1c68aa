"""Continuous-level image restoration in plain PyTorch: networks, transitions, training, evaluation.

``model = ftn_core.load("photo")`` gives a model that restores pictures: ``model(image, sigma=0.05)``. What programs
import stands here; it is imported from its own file when it is first used, so that ``import ftn_core`` takes no time.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ftn_core.degradations.degradation import Degradation
    from ftn_core.denoiser.denoiser import ContinuousDenoiser
    from ftn_core.denoiser.transition import Transition, build_transition
    from ftn_core.noise_level.estimate import estimate_sigma
    from ftn_core.parameters.quantities import Quantity
    from ftn_core.released.restorer import Restorer
    from ftn_core.runtime.images import restore
    from ftn_core.runtime.network_file import build_network
    from ftn_core.utils.errors import UserError

__all__ = [
    "ContinuousDenoiser",
    "Degradation",
    "Quantity",
    "Restorer",
    "Transition",
    "UserError",
    "build_network",
    "build_transition",
    "estimate_sigma",
    "load",
    "restore",
]

_MODULES = {
    "ContinuousDenoiser": "denoiser.denoiser",
    "Degradation": "degradations.degradation",
    "Quantity": "parameters.quantities",
    "Restorer": "released.restorer",
    "Transition": "denoiser.transition",
    "UserError": "utils.errors",
    "build_network": "runtime.network_file",
    "build_transition": "denoiser.transition",
    "estimate_sigma": "noise_level.estimate",
    "restore": "runtime.images",
}


def load(model: str | Path) -> "Restorer":
    """A model that restores pictures, on the CPU.

    Args:
        model: ``photo`` or ``ffdnet``, or a file that the pipeline wrote.

    Raises:
        UserError: there is no such file, it cannot be read, or the package with FFDNet's weights is not installed.
    """
    # imported when it is called: stages import this file too, and do not depend on released models
    restorer: Restorer = import_module("ftn_core.released.restorer").load_restorer(model)
    return restorer


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    if name in _MODULES:
        return getattr(import_module(f"ftn_core.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *_MODULES]
