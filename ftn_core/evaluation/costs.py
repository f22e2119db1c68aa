"""Costs of a network relative to its base: parameters, multiply-adds and time."""

import statistics
import time
from collections.abc import Callable, Iterable
from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.evaluation.records.costs import Cost

SIDE = 256
"""Height and width, in pixels, of the image on which passes are counted and timed."""


def cost_of_network(network: nn.Module, base: nn.Module, device: torch.device, rounds: int = 15) -> Cost:
    """The cost of a network without a dial; its time is relative to the base's, over ``rounds`` passes of each."""
    ratios = _time_ratios(network, base, device, rounds)
    quarters = statistics.quantiles(ratios, n=4)
    return Cost(
        parameters=count(network.parameters()),
        extra_parameters=0.0,
        multiply_adds=multiply_adds(lambda: network(_image(device))),
        level_multiply_adds=0,
        time=statistics.median(ratios),
        time_spread=(quarters[2] - quarters[0]) / 2,
    )


def cost_of_denoiser(denoiser: ContinuousDenoiser, device: torch.device, rounds: int = 15) -> Cost:
    """The cost of a base with adapted levels, at a position between two of them.

    The cost of a level is the mean over all adapted levels. PyTorch counts matrix products and convolutions, so a
    transition's elementwise operations are left out.
    """
    network = denoiser.fold(0.5)
    base = count(denoiser.base.parameters())
    state = dict(denoiser.base.named_parameters())
    learned = [count(level.transition.parameters()) for level in denoiser.levels]
    counted = [multiply_adds(partial(level.transition, state)) for level in denoiser.levels]
    return cost_of_network(network, denoiser.base, device, rounds).model_copy(
        update={
            "extra_parameters": statistics.fmean(learned) / base,
            "level_multiply_adds": round(statistics.fmean(counted)),
        }
    )


def count(tensors: Iterable[Tensor]) -> int:
    """The number of elements in all tensors."""
    return sum(tensor.numel() for tensor in tensors)


def _image(device: torch.device) -> Tensor:
    return torch.full((1, 3, SIDE, SIDE), 0.5, device=device).contiguous(memory_format=torch.channels_last)


@torch.inference_mode()
def multiply_adds(run: Callable[[], object]) -> int:
    """Multiply-adds of all matrix products and convolutions in a call; elementwise operations are not counted."""
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops() // 2  # a multiply-add counts as two operations


@torch.inference_mode()
def _time_ratios(network: nn.Module, base: nn.Module, device: torch.device, rounds: int) -> list[float]:
    """Ratios of the times of single passes. Passes of both networks alternate, so that other load slows both."""
    x = _image(device)

    def seconds(module: nn.Module) -> float:
        start = time.perf_counter()
        module(x)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter() - start

    for module in (network, base) * 2:
        seconds(module)
    ratios = []
    for i in range(rounds):
        if i % 2:
            ours, theirs = seconds(network), seconds(base)
        else:
            theirs, ours = seconds(base), seconds(network)
        ratios.append(ours / theirs)
    return ratios
