"""Images of any size in bounded memory: equal windows that overlap by what the network can see."""

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

WINDOW = 1024
"""Height and width in pixels of the largest window: memory grows with its square, time shrinks with its side."""

AT_ONCE = {"cpu": 1, "cuda": 8}
"""Windows of that size in one pass: a CPU gains nothing from more."""


class Span(NamedTuple):
    """One window along one axis: the pixels read, and those of them that are kept."""

    start: int
    stop: int
    keep_from: int
    keep_to: int


def spans(length: int, radius: int, window: int) -> list[Span]:
    """Windows that cover ``length`` pixels, each kept pixel at least ``radius`` pixels from an inner edge.

    They begin at even pixels, as networks that work on 2 x 2 cells demand, and have one size, except that the last
    one lacks a pixel where ``length`` is odd. No window is longer than ``window``, but for one that must be to keep
    anything: at least ``4 * radius``.
    """
    window = max(window, 4 * radius, 2)
    window -= window % 2
    margin = radius + radius % 2
    if length <= window:
        return [Span(0, length, 0, length)]
    count = -(-(length - 2 * margin) // (window - 2 * margin))
    step = -(-(length - 2 * margin) // count)
    step += step % 2
    even = length + length % 2
    starts = [min(i * step, even - step - 2 * margin) for i in range(count)]
    stops = [min(start + step + 2 * margin, length) for start in starts]
    borders = [0, *(start + margin for start in starts[1:]), length]
    return [Span(*span) for span in zip(starts, stops, borders, borders[1:], strict=False)]


def tiled(
    network: Callable[[Tensor], Tensor], images: Tensor, radius: int, *, window: int = WINDOW, at_once: int = 1
) -> Tensor:
    """The network's output for ``N x 3 x H x W``, as if it had seen whole images, to within rounding.

    Args:
        radius: how far the network looks, in pixels: what lies farther from an output pixel does not change it.
        window: the largest window's side in pixels.
        at_once: as many windows of that size, or more of smaller ones, go through the network together.
    """
    count, _, height, width = images.shape
    if max(height, width) <= window and count * height * width <= at_once * window**2:
        return network(images)
    output = torch.empty_like(images)
    for group in _groups(images.shape, radius, window, at_once):
        batch = torch.stack([images[n, :, y.start : y.stop, x.start : x.stop] for n, y, x in group])
        for (n, y, x), tile in zip(group, network(batch), strict=True):
            rows, columns = (slice(s.keep_from - s.start, s.keep_to - s.start) for s in (y, x))
            output[n, :, y.keep_from : y.keep_to, x.keep_from : x.keep_to] = tile[:, rows, columns]
    return output


def _groups(shape: torch.Size, radius: int, window: int, at_once: int) -> Iterator[list[tuple[int, Span, Span]]]:
    """Windows of one size that go through the network together."""
    alike: dict[tuple[int, int], list[tuple[int, Span, Span]]] = defaultdict(list)
    rows, columns = (spans(side, radius, window) for side in shape[2:])
    for n, y, x in itertools.product(range(shape[0]), rows, columns):
        alike[y.stop - y.start, x.stop - x.start].append((n, y, x))
    for (height, width), places in alike.items():
        size = max(1, at_once * window**2 // (height * width))
        yield from (places[i : i + size] for i in range(0, len(places), size))
