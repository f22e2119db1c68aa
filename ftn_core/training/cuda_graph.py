"""One training step as a CUDA graph: small networks' steps are else bound by launching kernels one by one."""

from collections.abc import Callable

import torch
from torch import Tensor


class GraphedStep:
    """Calls ``step`` a few times as it is, then captures it once and replays the capture.

    ``step`` takes and returns tensors of fixed shapes on the GPU, sets gradients to None before it computes them, and
    reads whatever else changes (learning rate, running statistics) from tensors that stay where they are.
    """

    EAGER_STEPS = 3
    """Real steps, in which libraries choose kernels and optimisers make their state: neither can be captured."""

    def __init__(self, step: Callable[..., Tensor]) -> None:
        self._step = step
        self._eager = self.EAGER_STEPS
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, *inputs: Tensor) -> Tensor:
        """What ``step`` would return; the next call overwrites it."""
        if self._eager:
            self._eager -= 1
            return self._beside(inputs)
        if self._graph is None:
            self._inputs = [x.clone() for x in inputs]
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph):
                self._output = self._step(*self._inputs)
        for held, x in zip(self._inputs, inputs, strict=True):
            held.copy_(x)
        self._graph.replay()
        return self._output

    def _beside(self, inputs: tuple[Tensor, ...]) -> Tensor:
        # on a stream of its own, as a capture demands of what it follows
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            output = self._step(*inputs)
        torch.cuda.current_stream().wait_stream(stream)
        return output
