"""The pipeline's other paths: batch norm, fixed and clipped noise, a reference from scratch."""

import json

import numpy as np
import pytest
from sandbox import Sandbox

from ftn_core.continuous import ContinuousDenoiser
from ftn_core.data.store import Store


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    changes = {
        "network.name": "resnet",
        "network.depth": 5,
        "train.noise": "fixed",
        "data.clip_noise": True,
        "data.sigmas": [0.2, 0.5],
        "levels.from_scratch": [0.5],
        "transitions.ftn": {"groups": 16},
    }
    sandbox = Sandbox(tmp_path_factory.mktemp("variant") / "project", **changes)
    sandbox.dvc("repro", "evaluate")
    return sandbox


def test_the_levels_carry_their_own_statistics(sandbox):
    denoiser = ContinuousDenoiser.load(sandbox.root / "models/denoisers/ftn.safetensors")
    (level,) = denoiser.levels
    base = denoiser.base.state_dict()
    assert len(level.statistics) == 2 * 3
    assert all(not np.array_equal(value, base[name]) for name, value in level.statistics.items())
    assert level.options == {"groups": 16}


def test_fixed_noise_lies_on_disk_and_is_clipped(sandbox):
    noisy = Store(sandbox.root / "data/noisy/0.5/train")
    assert len(noisy) == 2
    assert noisy[0].min() == 0 and noisy[0].max() == 1


def test_the_reference_stands_in_the_table(sandbox):
    assert "\n| from scratch at 0.5 |" in (sandbox.root / "results/table.md").read_text()
    rows = json.loads((sandbox.root / "results/metrics.json").read_text())["psnr"]
    assert rows["base"]["0.2"] == rows["ftn"]["0.2"]
    assert rows["base"]["0.5"] != rows["ftn"]["0.5"]
