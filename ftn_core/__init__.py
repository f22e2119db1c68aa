"""Continuous-level image restoration in plain PyTorch: networks, transitions, training, evaluation.

``model = ftn_core.load("photo")`` gives a model that restores pictures: ``model(image, sigma=0.05)``.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ftn_core.released.restorer import Restorer


def load(model: str | Path) -> "Restorer":
    """A model that restores pictures.

    Args:
        model: ``photo`` or ``ffdnet``, or a file that the pipeline wrote.

    Raises:
        UserError: there is no such file, it cannot be read, or the package with FFDNet's weights is not installed.
    """
    # imported when it is called: stages import this file too, and do not depend on released models
    restorer: Restorer = import_module("ftn_core.released.restorer").load_restorer(model)
    return restorer
