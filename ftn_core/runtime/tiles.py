"""Networks on images of any size in bounded memory: equal windows that overlap by the receptive field."""

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

WINDOW = 1024
"""Side of the largest window in pixels. Memory grows with its square; a larger side takes less time."""

AT_ONCE = {"cpu": 1, "cuda": 8}
"""Windows of that size in one pass. More than one is no faster on a CPU."""


class Span(NamedTuple):
    """One window along one axis: it reads ``start`` to ``stop``, and keeps ``keep_from`` to ``keep_to``."""

    start: int
    stop: int
    keep_from: int
    keep_to: int


def spans(length: int, radius: int, window: int) -> list[Span]:
    """Windows that cover ``length`` pixels. Each kept pixel is at least ``radius`` pixels from an inner edge.

    All windows have one size, but the last is a pixel shorter if ``length`` is odd. They begin at even pixels, because
    some networks work on cells of 2 x 2 pixels. No window is longer than ``window``, or than ``4 * radius`` if that is
    more: a shorter window would keep almost nothing.
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
    """The network's output for ``N x 3 x H x W``; it equals the output for whole images, up to rounding.

    Args:
        radius: of the network's receptive field, in pixels.
        window: side of the largest window, in pixels.
        at_once: windows of that size in one pass; of smaller windows, as many as have the same area.
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
    """Yield the windows of each pass: equal in size, each with the index of its image."""
    by_size: dict[tuple[int, int], list[tuple[int, Span, Span]]] = defaultdict(list)
    rows, columns = (spans(side, radius, window) for side in shape[2:])
    for n, y, x in itertools.product(range(shape[0]), rows, columns):
        by_size[y.stop - y.start, x.stop - x.start].append((n, y, x))
    for (height, width), places in by_size.items():
        size = max(1, at_once * window**2 // (height * width))
        yield from (places[i : i + size] for i in range(0, len(places), size))
