"""Layout and precision for ordinary, grouped and depthwise convolutions.

python -m benchmarks.layouts [--quick]
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F

from benchmarks.harness import Report, compare, quick
from ftn_core.runtime.device import best_device
from ftn_core.utils.limits import cores
from ftn_core.utils.memory import keep_freed_memory

TEXT = """One 3 x 3 convolution of 64 channels, forward and backward, on feature maps as large as in training:
the reason for `train.precision: auto` and for the networks' channels_last layout. The networks here have ordinary
convolutions only; an FTN's grouped 1 x 1 convolutions are matrix products over filters, which have no layout. Grouped
and depthwise ones are here because channels_last or bf16 slow them down on some processors."""

CHANNELS = 64
DEFAULT = "float32, default layout"


def convolution(groups: int, dtype: torch.dtype, layout: torch.memory_format, size: int) -> Callable[[], None]:
    device = best_device()
    x = torch.randn(16, CHANNELS, size, size, device=device, dtype=dtype).to(memory_format=layout).requires_grad_()
    weight = torch.randn(CHANNELS, CHANNELS // groups, 3, 3, device=device, dtype=dtype).to(memory_format=layout)
    weight.requires_grad_()
    gradient = torch.ones_like(x)

    def step() -> None:
        x.grad = weight.grad = None
        F.conv2d(x, weight, padding=1, groups=groups).backward(gradient)

    return step


def main() -> None:
    keep_freed_memory()
    torch.set_num_threads(cores())
    report = Report("layouts", "Layouts and precisions", TEXT)
    size = 8 if quick() else 48
    layouts = {"default layout": torch.contiguous_format, "channels_last": torch.channels_last}
    for name, groups in {"Ordinary": 1, "16 groups": 16, "Depthwise": CHANNELS}.items():
        variants = {
            f"{precision}, {layout}": convolution(groups, dtype, layouts[layout], size)
            for precision, dtype in {"float32": torch.float32, "bf16": torch.bfloat16}.items()
            for layout in layouts
        }
        report.timings(name, compare(variants, rounds=15), DEFAULT)
    report.save()


if __name__ == "__main__":
    main()
