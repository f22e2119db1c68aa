"""Tests of what only a GPU can show; without one they skip."""

import pytest
import torch


def on_cuda(test):
    skip = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU")
    return pytest.mark.cuda(skip(test))
