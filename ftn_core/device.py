"""The device, precision and threads of everything that runs a network."""

from typing import Literal

import torch
from lightning_fabric import Fabric

from ftn_core.memory import keep_freed_memory

Precision = Literal["32-true", "bf16-mixed"]


def make_fabric(threads: int, precision: Literal["auto"] | Precision = "32-true") -> Fabric:
    """Lightning Fabric on the best device at hand, with as many CPU threads as the parameters say.

    The thread count decides in which order sums are taken, so it is set rather than left to what the machine has.
    """
    keep_freed_memory()
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    # a debugging aid that comes with them: it writes every fresh tensor once for nothing
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    return Fabric(accelerator="auto", devices=1, precision=best_precision() if precision == "auto" else precision)


def best_precision() -> Precision:
    """Mixed bf16 where the GPU, or without one the CPU, has instructions for it; elsewhere bf16 is the slower one."""
    if torch.cuda.is_available():
        able = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        able = any(torch.cpu.get_capabilities().get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    return "bf16-mixed" if able else "32-true"
