"""The cost table of the FTN paper (first version, arXiv 2003.05145, table 3) and its three networks: counted.

python -m benchmarks.paper_costs [--quick]
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.harness import Report
from ftn_core.denoiser.transition import build_transition
from ftn_core.evaluation.costs import count, multiply_adds
from ftn_core.runtime.layers import ResidualBlock, conv3x3
from ftn_core.runtime.network_file import build_network
from ftn_core.transitions.dynamic_net import DynamicNet, tuning_block

TEXT = """The paper's three networks, and what a method's level adds to each. Parameters are the base's and those of one
level. Operations are of one pass and one move of the dial: multiply-adds of convolutions and matrix products, and one
for each value that a bias, a norm, an activation, a sum or an interpolation gives. Images have 256 x 256 pixels (the
small image of super-resolution has), for style 512 x 512. The printed figures are the absolute ones: the per cents
beside FTN in the paper are ten times too small for the first two networks. FTN: two 1 x 1 convolutions with biases over
the output channels of every filter bank, one slope between them. CFSNet: the printed figures are those of a branch
beside each of the 16 or 30 blocks and of two more branches; ours has one more with AdaFM-Net, and none with CFSNet-30,
and is counted here with two. Dynamic-Net: the printed figures are those of three tuning blocks, two on 128 channels and
one on 32 channels at full size; ours are counted there."""

PRINTED: dict[str, dict[str, tuple[float, float]]] = {
    "AdaFM-Net": {
        "base": (25.11, 1.41),
        "CFSNet": (46.96, 3.06),
        "AdaFM": (26.01, 1.46),
        "FTN": (25.36, 1.83),
        "FTN, 16 groups": (25.13, 1.44),
    },
    "CFSNet-30, x2 super-resolution": {
        "base": (155.96, 2.37),
        "CFSNet": (311.36, 4.93),
        "AdaFM": (162.50, 2.47),
        "FTN": (156.34, 3.01),
        "FTN, 16 groups": (156.00, 2.41),
    },
    "Transform-Net, style": {
        "base": (40.42, 1.68),
        "AdaFM": (41.73, 1.72),
        "Dynamic-Net": (62.24, 2.59),
        "FTN": (40.86, 2.06),
        "FTN, 16 groups": (40.46, 1.70),
    },
}
"""The paper's table: 10^9 multiply-adds and 10^6 parameters of each network with each method."""
ADAFM_NET, CFSNET_30, TRANSFORM_NET = PRINTED

METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "CFSNet": ("cfsnet", {}),
    "AdaFM": ("adafm", {"kernel": 5}),
    "FTN": ("ftn", {"groups": 1}),
    "FTN, 16 groups": ("ftn", {"groups": 16}),
}
SIDES = {ADAFM_NET: 256, CFSNET_30: 256, TRANSFORM_NET: 512}
"""Height and width of the network's input in pixels."""
SHRINK = 8
"""Passes are counted on images smaller by this factor: all networks do as much for each pixel."""
BRANCHES = {ADAFM_NET: 18, CFSNET_30: 32}
"""Of CFSNet, in the printed figures."""
TUNING_BLOCKS = ((128, 128), (128, 128), (32, 512))
"""Of Dynamic-Net, in the printed figures: channels, and height and width in pixels of what they are applied to."""

TOLERANCE = 0.005
"""By which a printed figure and ours may differ without an explanation."""


class Cost(NamedTuple):
    """``operations`` of a pass and a move of the dial."""

    operations: float
    parameters: int

    def __add__(self, other: "Cost") -> "Cost":  # type: ignore[override]
        return Cost(self.operations + other.operations, self.parameters + other.parameters)


class SuperResolution(nn.Module):
    """CFSNet-30 of the FTN paper: head, 30 residual blocks of 64 channels, pixel-shuffle, tail; twice the size.

    The printed parameters leave no room for a convolution after the blocks or a second one in the tail.
    """

    radius = None

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.head = conv3x3(3, 64)
        self.body = nn.Sequential(*(ResidualBlock(64) for _ in range(depth)))
        self.up = conv3x3(64, 4 * 64)
        self.tail = conv3x3(64, 3)

    def forward(self, x: Tensor) -> Tensor:
        h = self.head(x)
        return self.tail(F.relu(F.pixel_shuffle(self.up(h + self.body(h)), 2)))


NETWORKS: dict[str, tuple[Callable[[int], nn.Module], int]] = {
    ADAFM_NET: (partial(build_network, "adafm_net", 64), 16),
    CFSNET_30: (SuperResolution, 30),
    TRANSFORM_NET: (partial(build_network, "transform_net", 128), 5),
}
"""Builds a network of a depth; the paper's depth."""


class ElementwiseCounter(TorchDispatchMode):
    """Counts the values that elementwise operations, biases and norms give; copies are not counted."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(
        self,
        func: OpOverload,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - whatever the operation gives
        out = func(*args, **(kwargs or {}))
        aten = torch.ops.aten
        biased = func is aten.baddbmm.default or (func is aten.convolution.default and args[2] is not None)
        elementwise = torch.Tag.pointwise in func.tags and func is not aten.clone.default
        if biased or elementwise or func is aten.native_batch_norm.default:
            self.total += (out[0] if isinstance(out, tuple) else out).numel()
        return out


def operations(run: Callable[[], object]) -> int:
    """Multiply-adds of products and convolutions in a call, and one for each value of an elementwise operation."""
    with torch.no_grad(), ElementwiseCounter() as elementwise:
        run()
    return multiply_adds(run) + elementwise.total


def of_a_pass(network: nn.Module, side: int) -> int:
    """Operations of a pass over ``side x side`` pixels."""
    image = torch.zeros(1, 3, side // SHRINK, side // SHRINK)
    return SHRINK**2 * operations(lambda: network(image))


def of_a_level(base: nn.Module, side: int, method: str, options: dict[str, Any]) -> Cost:
    """What a level adds to a base."""
    transition = build_transition(method, base, 4.0, **options).requires_grad_(False)
    state = dict(base.named_parameters())

    def move() -> None:
        for name, value in transition(state).items():
            if name in state:
                torch.lerp(state[name], value, 0.5)

    layers = of_a_pass(transition.extend(copy.deepcopy(base)), side) - of_a_pass(base, side)
    return Cost(layers + operations(move), count(transition.parameters()))


def of_tuning_blocks() -> Cost:
    """What Dynamic-Net adds to Transform-Net."""
    found = Cost(0, 0)
    for channels, side in TUNING_BLOCKS:
        block = SimpleNamespace(branch=tuning_block(channels, channels), coupling=1.0)
        features = torch.zeros(1, channels, side // SHRINK, side // SHRINK)
        couple = partial(DynamicNet.couple, block, (features,), features)  # type: ignore[arg-type]
        found += Cost(SHRINK**2 * operations(couple), count(block.branch.parameters()))
    return found


def counted(name: str) -> dict[str, Cost]:
    """The costs of a network's rows, as ``PRINTED`` has them."""
    build, depth = NETWORKS[name]
    side = SIDES[name]
    base = build(depth).requires_grad_(False)
    alone = Cost(of_a_pass(base, side), count(base.parameters()))
    found = {}
    for row in PRINTED[name]:
        if row == "base":
            found[row] = alone
        elif row == "Dynamic-Net":
            found[row] = alone + of_tuning_blocks()
        else:
            method, options = METHODS[row]
            more = BRANCHES[name] - len(list(base.body.children())) if row == "CFSNet" else 0  # type: ignore[operator,union-attr]
            deeper = build(depth + more).requires_grad_(False)
            found[row] = alone + of_a_level(deeper, side, method, options)
    return found


def couplings_of_cfsnet() -> tuple[int, int]:
    """Parameters of the layers for CFSNet-30's couplings: what the printed figure leaves for them, and ours."""
    base = SuperResolution(BRANCHES[CFSNET_30]).requires_grad_(False)
    level = build_transition("cfsnet", base, 4.0)
    branches = count(value for name, value in level.named_parameters() if name.startswith("branches."))
    base = SuperResolution(NETWORKS[CFSNET_30][1])
    printed = round(PRINTED[CFSNET_30]["CFSNet"][1] * 1e6)
    return printed - count(base.parameters()) - branches, count(level.parameters()) - branches


def adafm_after_the_head() -> float:
    """Operations of Transform-Net with AdaFM, with a filter after the head's convolution, too."""
    build, depth = NETWORKS[TRANSFORM_NET]
    base = build(depth).requires_grad_(False)
    base.body, base.head = nn.Sequential(base.head, base.body), nn.Identity()  # type: ignore[arg-type]
    side = SIDES[TRANSFORM_NET]
    return of_a_pass(base, side) + of_a_level(base, side, *METHODS["AdaFM"]).operations


def explained() -> dict[tuple[str, str, str], str]:
    """Network, row and figure where ours differs by more than ``TOLERANCE``, and why."""
    left, ours = couplings_of_cfsnet()
    return {
        (CFSNET_30, "CFSNet", "parameters"): (
            f"beside the base and {BRANCHES[CFSNET_30]} branches the printed figure leaves {left / 1e6:.2f} M for the "
            f"layers that compute the couplings; CFSNet's code has {ours / 1e6:.2f} M, and so has ours"
        ),
        (TRANSFORM_NET, "AdaFM", "multiply-adds"): (
            "the printed figure is that of one filter more, after the head's convolution, which gives "
            f"{adafm_after_the_head() / 1e9:.2f}; ours adapts the body"
        ),
    }


def main() -> None:
    report = Report("paper_costs", "The FTN paper's cost table", TEXT)
    found = {name: counted(name) for name in PRINTED}
    for name, rows in found.items():
        printed_base, base = PRINTED[name]["base"][0], rows["base"].operations
        table = []
        for row, cost in rows.items():
            giga, mega = PRINTED[name][row]
            ours = cost.operations / 1e9
            table.append(
                {
                    "network": row,
                    "10^6 parameters, printed": f"{mega:.2f}",
                    "ours": f"{cost.parameters / 1e6:.4f}",
                    "difference": f"{cost.parameters / 1e4 / mega - 100:+.2f} %",
                    "10^9 multiply-adds, printed": f"{giga:.2f}",
                    "ours ": f"{ours:.3f}",
                    "difference ": f"{100 * ours / giga - 100:+.2f} %",
                    "more than the base, printed": f"{100 * giga / printed_base - 100:+.2f} %",
                    "ours  ": f"{100 * cost.operations / base - 100:+.2f} %",
                }
            )
        report.table(name, table)
    why = [{"network": f"{name}: {row}", "figure": f, "why": text} for (name, row, f), text in explained().items()]
    report.table(f"Differences of more than {100 * TOLERANCE} %", why)
    report.save()


if __name__ == "__main__":
    main()
