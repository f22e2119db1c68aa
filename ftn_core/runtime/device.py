"""Device, threads and precision for everything that runs a network."""

from contextlib import AbstractContextManager
from typing import Literal

import torch

from ftn_core.utils.memory import keep_freed_memory

Precision = Literal["32-true", "bf16-mixed"]


def set_up_torch(threads: int) -> torch.device:
    """Set PyTorch up so that results repeat bit by bit, and return the best available device.

    Args:
        threads: CPU threads of PyTorch. Their number decides the order of sums, so it must not depend on the machine.
    """
    keep_freed_memory()
    torch.set_num_threads(threads)
    # Deterministic algorithms, by the call that does not import PyTorch's compiler, which takes as long as PyTorch.
    torch.set_deterministic_debug_mode("warn")
    # a debugging aid that deterministic algorithms switch on: it fills every new tensor once more
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    return best_device()


def best_device() -> torch.device:
    """The GPU if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def autocast(device: torch.device, precision: Literal["auto"] | Precision) -> AbstractContextManager[None]:
    """A context whose operations run in mixed bf16 if ``resolve_precision`` says so, else as they are."""
    mixed = resolve_precision(precision) == "bf16-mixed"
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=mixed)


def resolve_precision(precision: Literal["auto"] | Precision) -> Precision:
    """``auto``: the result of ``best_precision``."""
    return best_precision() if precision == "auto" else precision


def best_precision() -> Precision:
    """Mixed bf16 if the GPU (without a GPU, the CPU) has instructions for it. Without them bf16 is slower."""
    if torch.cuda.is_available():
        able = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        able = any(torch.cpu.get_capabilities().get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    return "bf16-mixed" if able else "32-true"
