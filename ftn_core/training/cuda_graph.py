"""A training step as a CUDA graph. Without it, launching kernels one by one dominates the steps of small networks."""

from collections.abc import Callable

import torch
from torch import Tensor


class GraphedStep:
    """Runs ``step`` eagerly a few times, then captures it once and replays the graph.

    ``step`` takes and returns tensors of fixed shapes on the GPU, and sets gradients to None before it computes them.
    It reads everything else that changes (learning rate, running statistics) from tensors with fixed addresses.
    """

    EAGER_STEPS = 3
    """Eager training steps: libraries choose kernels and optimisers create state, which cannot be captured."""

    def __init__(self, step: Callable[..., Tensor]) -> None:
        self._step = step
        self._eager = self.EAGER_STEPS
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, *inputs: Tensor) -> Tensor:
        """Run one step and return its output. The next call overwrites the output."""
        if self._eager:
            self._eager -= 1
            return self._on_side_stream(inputs)
        if self._graph is None:
            self._static_inputs = [x.clone() for x in inputs]
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph):
                self._output = self._step(*self._static_inputs)
        for static, x in zip(self._static_inputs, inputs, strict=True):
            static.copy_(x)
        self._graph.replay()
        return self._output

    def _on_side_stream(self, inputs: tuple[Tensor, ...]) -> Tensor:
        # PyTorch requires that warm-up steps before a capture run on a side stream
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            output = self._step(*inputs)
        torch.cuda.current_stream().wait_stream(stream)
        return output
