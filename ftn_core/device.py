"""The device, precision and threads of everything that runs a network."""

from typing import Literal

import torch
from lightning_fabric import Fabric

Precision = Literal["32-true", "bf16-mixed", "16-mixed"]


def make_fabric(threads: int, precision: Precision = "32-true") -> Fabric:
    """Lightning Fabric on the best device at hand, with as many CPU threads as the parameters say.

    The thread count decides in which order sums are taken, so it is set rather than left to what the machine has.
    """
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    return Fabric(accelerator="auto", devices=1, precision=precision)
