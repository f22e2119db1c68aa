"""The cost table of the FTN paper (first version, arXiv 2003.05145) with the paper's network: counted, not timed.

python -m benchmarks.paper_costs [--quick]
"""

import copy
from functools import partial
from typing import Any

import torch
from torch import nn

from benchmarks.harness import Report
from ftn_core.denoiser.transition import build_transition, convolutions
from ftn_core.evaluation.costs import SIDE, count, multiply_adds
from ftn_core.runtime.network_file import build_network
from ftn_core.transitions.ftn import FilterTransitions

TEXT = f"""AdaFM-Net with 16 blocks of 64 channels, and what a method's level adds to it. Parameters are the base's and
those of one level; multiply-adds are of a pass over {SIDE} x {SIDE} pixels and of one move of the dial, in
convolutions and matrix products. The second table has the arithmetic that gives the published figures. FTN: ours maps
the input channels of each filter bank, and has fewer parameters. Of one to four layers, over input or output channels,
of all convolutions or some, with or without biases, slopes and the k x k taps, what gives all four published figures
at once is two layers over the output channels of every convolution, their multiply-adds counted without the taps.
AdaFM: a bias counts as one more tap. The base: biases and ReLUs explain a third of the difference. CFSNet: one branch
more than ours, which has one beside each of the 16 blocks and the body's last convolution; all with biases, and the
arithmetic of the couplings. Dynamic-Net: the share is quoted without the number of its tuning blocks; it lies between
those of seven and of eight."""

NETWORK: dict[str, Any] = {"name": "adafm_net", "channels": 64, "depth": 16}
METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "AdaFM": ("adafm", {"kernel": 5}),
    "FTN": ("ftn", {"groups": 1}),
    "FTN, 16 groups": ("ftn", {"groups": 16}),
    "CFSNet": ("cfsnet", {}),
    "Dynamic-Net, 3 tuning blocks": ("dynamic_net", {"after": [0.33, 0.67, 1.0], "width": 1.0}),
    "Dynamic-Net, 8 tuning blocks": ("dynamic_net", {"after": [i / 8 for i in range(1, 9)], "width": 1.0}),
}
BASE = "base"
PARAMETERS = {BASE: 1.41, "AdaFM": 1.46, "FTN": 1.83, "FTN, 16 groups": 1.44, "CFSNet": 3.06}
"""Published, in millions."""
MULTIPLY_ADDS = 25.11
"""Published of the base, in 10^9, as GFLOPs."""
MORE = {BASE: 0.0, "AdaFM": 3.58, "FTN": 0.10, "FTN, 16 groups": 0.01, "CFSNet": 87.02}
"""Published, in per cent of the base's; of Dynamic-Net about 54."""
MORE |= {name: 54.0 for name in METHODS if name.startswith("Dynamic-Net")}


def counted() -> dict[str, tuple[int, int]]:
    """Parameters and multiply-adds of the base, and of each method's level with it."""
    base = build_network(**NETWORK).requires_grad_(False)
    state = dict(base.named_parameters())
    found = {BASE: (count(base.parameters()), _of_a_pass(base))}
    for name, (method, options) in METHODS.items():
        transition = build_transition(method, base, 4.0, **options).requires_grad_(False)
        moving = multiply_adds(partial(transition, state))
        passing = _of_a_pass(transition.extend(copy.deepcopy(base)))
        found[name] = found[BASE][0] + count(transition.parameters()), passing + moving
    return found


def _of_a_pass(network: nn.Module) -> int:
    small = SIDE // 8  # as many for each pixel
    return 8**2 * multiply_adds(lambda: network(torch.zeros(1, 3, small, small)))


def over_outputs(groups: int) -> tuple[int, int]:
    """Parameters of FTNs of two layers over the output channels of all convolutions; multiply-adds without the taps."""
    base = build_network(**NETWORK)
    shapes = [base.get_parameter(f"{name}.weight").shape for name in convolutions(base)]
    parameters = sum(count(FilterTransitions(1, outputs, groups, 2).parameters()) for outputs, *_ in shapes)
    return parameters, sum(2 * outputs**2 // groups * inputs for outputs, inputs, *_ in shapes)


def element_by_element() -> dict[str, int]:
    """Numbers that the base's biases and ReLUs, AdaFM's biases and 18 of CFSNet's branches make in a pass."""
    body, full = 64 * (SIDE // 2) ** 2, SIDE**2
    biases = (1 + 33 + 4) * body + (64 + 3) * full  # head, body and what is shuffled; tail
    # a branch has two biases and a ReLU; its coupling two products and a sum
    return {"biases": biases, "relus": 16 * body + 2 * 64 * full, "adafm": 33 * body, "cfsnet": 18 * (2 + 1 + 3) * body}


def explained() -> list[tuple[str, float, str, float]]:
    """Figure, as published, how it is counted, and what that gives; parameters in 10^6, multiply-adds in 10^9."""
    found, extra = counted(), element_by_element()
    parameters, passes = found[BASE]
    base, way = MULTIPLY_ADDS * 1e9, "two layers over output channels"
    branch = 2 * 64 * 64 * 9
    branches = found["CFSNet"][1] - passes + branch * (SIDE // 2) ** 2 + extra["cfsnet"]
    couplings = 2 * 64**2
    return [
        ("base, multiply-adds", MULTIPLY_ADDS, "biases and ReLUs", (passes + extra["biases"] + extra["relus"]) / 1e9),
        ("AdaFM, % more", MORE["AdaFM"], "biases", 100 * (found["AdaFM"][1] - passes + extra["adafm"]) / base),
        ("FTN, parameters", PARAMETERS["FTN"], way, (parameters + over_outputs(1)[0]) / 1e6),
        ("FTN, % more", MORE["FTN"], f"{way}, no taps", 100 * over_outputs(1)[1] / base),
        ("FTN, 16 groups, parameters", PARAMETERS["FTN, 16 groups"], way, (parameters + over_outputs(16)[0]) / 1e6),
        ("FTN, 16 groups, % more", MORE["FTN, 16 groups"], f"{way}, no taps", 100 * over_outputs(16)[1] / base),
        (
            "CFSNet, parameters",
            PARAMETERS["CFSNet"],
            "18 branches, biases",
            (found["CFSNet"][0] + branch + couplings + 18 * 2 * 64) / 1e6,
        ),
        ("CFSNet, % more", MORE["CFSNet"], "18 branches, biases, ReLUs, couplings", 100 * branches / base),
    ]


def main() -> None:
    report = Report("paper_costs", "The FTN paper's cost table", TEXT)
    found = counted()
    rows = []
    for name, (parameters, operations) in found.items():
        published = MULTIPLY_ADDS * (1 + MORE[name] / 100)
        known = PARAMETERS.get(name)
        rows.append(
            {
                "network": name,
                "10^6 parameters, published": f"{known:.2f}" if known else "–",
                "ours": f"{parameters / 1e6:.3f}",
                "difference": f"{parameters / 1e4 / known - 100:+.2f} %" if known else "–",
                "10^9 multiply-adds, published": f"{published:.2f}",
                "ours ": f"{operations / 1e9:.3f}",
                "difference ": f"{operations / 1e7 / published - 100:+.2f} %",
                "more than the base, published": f"{MORE[name]:+.2f} %",
                "ours  ": f"{100 * (operations / found[BASE][1] - 1):+.2f} %",
            }
        )
    report.table("A level of each method", rows)
    report.table(
        "What the published figures are made of",
        [
            {"figure": figure, "published": f"{published:.2f}", "counted": how, "gives": f"{value:.4g}"}
            for figure, published, how, value in explained()
        ],
    )
    report.save()


if __name__ == "__main__":
    main()
