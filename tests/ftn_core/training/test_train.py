from pathlib import Path

import pytest
import torch
import yaml
from project import ROOT

from ftn_core.data.task import DENOISING, DegradationSpec
from ftn_core.parameters import parse_parameters
from ftn_core.training.batches import FreshNoise
from ftn_core.training.fabric import make_fabric
from ftn_core.training.train import initial_network, noise_at, plan_from_scratch, write_curve

TRAIN = parse_parameters(yaml.safe_load((ROOT / "params.yaml").read_text())).train
FIXED = TRAIN.model_copy(update={"noise": "fixed"})


@pytest.mark.parametrize(
    ("steps", "train", "noise"),
    [
        (DENOISING.degradation.steps, TRAIN, FreshNoise(0.5, clip=False)),
        ([{"name": "noise", "sigma": "level", "clip": True}], TRAIN, FreshNoise(0.5, clip=True)),
        ([{"name": "noise", "sigma": 0.1, "clip": False}], TRAIN, FreshNoise(0.1, clip=False)),
        ([], TRAIN, FreshNoise(0.0, clip=False)),
        ([{"name": "jpeg", "quality": "level"}], TRAIN, None),
        (DENOISING.degradation.steps, FIXED, None),
    ],
)
def test_noise_is_drawn_anew_where_it_can_be_and_the_parameters_want_it(steps, train, noise):
    assert noise_at(DegradationSpec(steps), 0.5, train) == noise


def test_a_plan_from_scratch_is_that_of_the_parameters_but_for_its_steps():
    plan = plan_from_scratch(TRAIN, 77)
    assert plan.steps == 77 and plan.lr == TRAIN.lr and plan.schedule == TRAIN.schedule
    assert (plan.batch_size, plan.crop, plan.validations) == (TRAIN.batch_size, TRAIN.crop, TRAIN.validations)


def test_fresh_weights_are_a_function_of_the_seed():
    spec, fabric = {"name": "resnet", "channels": 8, "depth": 5}, make_fabric(1)
    first, again, other = (initial_network(spec, seed, fabric).head.weight for seed in (3, 3, 4))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_a_curve_is_a_line_for_each_validation(tmp_path: Path):
    rows = [
        {"step": 2, "loss": 0.5, "val_score": 20.0, "lr": 0.1},
        {"step": 4, "loss": 0.25, "val_score": 21.5, "lr": 0},
    ]
    write_curve(tmp_path / "deep/er.csv", rows)
    assert (tmp_path / "deep/er.csv").read_bytes() == b"step,loss,val_score,lr\n2,0.5,20.0,0.1\n4,0.25,21.5,0\n"
