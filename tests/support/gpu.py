"""Tests of what only a GPU can show; without one they skip."""

import pytest
import torch
from torch import Tensor, nn


def on_cuda(test):
    skip = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU")
    return pytest.mark.cuda(skip(test))


def captured(network: nn.Module, x: Tensor) -> tuple[torch.cuda.CUDAGraph, Tensor]:
    """A pass as a CUDA graph, and the output that each replay overwrites. To be called in inference mode."""
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        network(x)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        output = network(x)
    return graph, output
