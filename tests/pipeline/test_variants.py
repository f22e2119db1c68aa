"""The pipeline's other paths: batch norm, fixed and clipped noise, every method, chains, baselines.

In it every kind of stage runs at least once, with an audit hook on ``open``: a stage opens no file of the project that
dvc.yaml does not declare for it. What dvc.yaml declares is read from ``dvc.lock``.
"""

import html
import json
import re

import numpy as np
import pytest
import yaml
from audited import Audited
from project import ROOT
from sandbox import Sandbox
from style import STYLE

from ftn_core.data.store import Store
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.evaluation.records.baselines import Baselines
from ftn_core.evaluation.records.costs import Costs
from ftn_core.evaluation.records.evaluation import Evaluation

METHODS = ["ftn-16", "adafm", "dni", "dni-continuous"]
STAGES = [
    name
    for name, stage in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].items()
    if "python -m tasks" in stage.get("cmd", "")
]


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    changes = {
        "network.name": "resnet",
        "network.depth": 5,
        "train.noise": "fixed",
        "degradation": [{"name": "noise", "sigma": "level", "clip": True}],
        "data.levels": [0.05, 0.2, 0.3, 0.5],
        "levels.adapted": [0.05, 0.5],
        "levels.methods": METHODS,
        "levels.between": [0.3],
        "levels.chains": ["dni"],
        "levels.from_scratch": [0.5],
        "levels.noise_conditioned": [0.5],
        "levels.lines": [0.5],
        "transitions.dni-continuous": {
            "method": "dni",
            "lr": 0.001,
            "supervision": "continuous",
            "rescale": False,
        },
    }
    return Audited(tmp_path_factory.mktemp("variant"), **changes)


@pytest.fixture(scope="module")
def sandbox(pipeline):
    return pipeline.sandbox


@pytest.mark.parametrize("method", METHODS)
def test_the_levels_carry_their_own_statistics(sandbox, method):
    denoiser = ContinuousDenoiser.load(sandbox.root / f"models/denoisers/{method}.safetensors")
    base = denoiser.base.state_dict()
    assert [level.value for level in denoiser.levels] == [0.05, 0.5]  # one on each side of the base
    for level in denoiser.levels:
        assert len(level.statistics) == 2 * 3
        assert all(not np.array_equal(value, base[name]) for name, value in level.statistics.items())


def test_options_travel_with_the_level(sandbox):
    denoiser = ContinuousDenoiser.load(sandbox.root / "models/denoisers/ftn-16.safetensors")
    assert denoiser.levels[0].options == {"groups": 16, "biases": False}


def test_fixed_noise_lies_on_disk_and_is_clipped(sandbox):
    noisy = Store(sandbox.root / "data/degraded/0.5/train")
    assert len(noisy) == 2
    assert noisy[0].min() == 0 and noisy[0].max() == 1


def test_a_chain_has_the_levels_between_and_the_last_one_of_its_method(sandbox):
    chain = Evaluation.read(sandbox.root / "results/methods/dni-chain.json")
    plain = Evaluation.read(sandbox.root / "results/methods/dni.json")
    assert chain.trained == [0.05, 0.2, 0.3, 0.5] and plain.trained == [0.05, 0.2, 0.5]
    assert set(chain.scores) == set(plain.scores) == {0.05, 0.3, 0.5}  # at 0.2 they are the base
    assert chain.scores[0.5] == plain.scores[0.5]
    assert [dict(chain.dial)[level] for level in (0, 0.05, 0.2, 0.3, 0.5)] == [-2, -1, 0, 1, 2]


def test_continuous_supervision_is_another_training(sandbox):
    level, continuous = (
        Evaluation.read(sandbox.root / f"results/methods/{name}.json") for name in ("dni", "dni-continuous")
    )
    assert level.scores[0.5] != continuous.scores[0.5]


def test_every_row_stands_in_the_table(sandbox):
    table = (sandbox.root / "results/table.md").read_text()
    others = ["base alone", "from scratch, one network a level", "noise-conditioned up to 0.5"]
    for name in [*others, *METHODS, "dni-chain", "line-0.5"]:
        assert f"\n| {name} |" in table
    assert "0.3 (76)*" in table and "†" in table
    baselines = Baselines.read(sandbox.root / "results/baselines.json")
    assert baselines.from_scratch == {0.2: "base", 0.5: "from scratch at 0.5"}
    assert baselines.scores["base"][0.5] != baselines.scores["from scratch at 0.5"][0.5]


def test_a_line_has_a_base_and_statistics_of_its_own(sandbox):
    line = ContinuousDenoiser.load(sandbox.root / "models/denoisers/line-0.5.safetensors")
    common = ContinuousDenoiser.load(sandbox.root / "models/denoisers/dni.safetensors")
    assert line.trained == [0.2, 0.5] and line.levels[0].method == "dni"
    assert len(line.levels[0].statistics) == 2 * 3
    assert not any(np.array_equal(line.state(0)[name], value) for name, value in common.state(0).items())
    scored = Evaluation.read(sandbox.root / "results/methods/line-0.5.json")
    assert scored.own_base and set(scored.scores) == {0.05, 0.2, 0.3, 0.5}


def test_costs_are_those_of_the_methods(sandbox):
    costs = Costs.read(sandbox.root / "results/costs.json").of
    assert costs["dni"].extra_parameters == costs["line-0.5"].extra_parameters == 1
    assert costs["dni"].multiply_adds == costs["ftn-16"].multiply_adds == costs["base"].multiply_adds
    assert costs["adafm"].multiply_adds > costs["base"].multiply_adds  # its 5x5 filters stay layers
    assert costs["ftn-16"].level_multiply_adds > costs["dni"].level_multiply_adds == 0


def test_the_page_needs_nothing_else(sandbox):
    page = (sandbox.root / "results/report.html").read_text()
    loaded = re.findall(r'(?:src|href)="(.{6})', page)
    assert loaded and all(address.startswith(("data:", "#")) for address in loaded)
    assert page.count("<img") > 8 and 'src="data:' in page


def test_the_report_says_what_made_it(sandbox):
    page = (sandbox.root / "results/report.html").read_text()
    named = {name: html.unescape(text) for name, text in re.findall("<dt>(.*?)</dt><dd>(.*?)</dd>", page)}
    assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?, \d{4}-\d\d-\d\d", named["commit"])
    assert (named["photographs"], named["seed"]) == ("2 train, 1 val, 1 test", "0")
    assert named["test photographs"] == "test/chelsea200.png"
    params = yaml.safe_load((sandbox.root / "params.yaml").read_text())
    for section in ("degradation", "network", "train", "finetune"):
        assert json.loads(named[section]) == params[section], section
    assert "<figcaption>Validation score over the steps of training" in page
    assert "<li>Best on average over sigma " in page


def test_experiments_are_compared_by_every_row(sandbox):
    rows = json.loads((sandbox.root / "results/metrics.json").read_text())["psnr"]
    assert set(rows) == {"base", "from scratch", "noise-conditioned up to 0.5", *METHODS, "dni-chain", "line-0.5"}
    assert rows["from scratch"].keys() == {"0.2", "0.5"}
    assert rows["base"]["0.2"] == rows["dni"]["0.2"]


def test_a_pipeline_may_have_a_line_alone(tmp_path):
    changes = {"levels.adapted": [], "levels.methods": [], "levels.lines": [0.5]}
    sandbox = Sandbox(
        tmp_path / "project", unused_rows=True, **changes, **{"train.optimizer": "muon", "network.channels": 16}
    )
    sandbox.untracked("report")
    sandbox.dvc("repro")
    assert json.loads((sandbox.root / "results/metrics.json").read_text())["psnr"].keys() == {"base", "line-0.5"}
    assert "line-0.5" in (sandbox.root / "results/card.md").read_text()


@pytest.fixture(scope="module")
def style(tmp_path_factory):
    """Only the stage ``loss``, for the loss that reads most: a style image, and features."""
    return Audited(tmp_path_factory.mktemp("style"), "loss", **STYLE)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_opens_only_what_it_declares(pipeline, stage):
    names = pipeline.names(stage)
    assert names
    for name in names:
        opened = pipeline.opened(name)
        assert f"tasks/{stage}.py" in opened and "params.yaml" in opened
        assert pipeline.undeclared(name) == set(), name


@pytest.mark.parametrize(
    ("name", "dependency", "file"),
    [
        ("train_base", "data/loss/base.safetensors", "data/loss/base.safetensors"),  # opened by safetensors
        ("evaluate@ftn-16", "data/photographs/test", "data/photographs/test/pixels.bin"),  # mapped into memory
        ("evaluate@ftn-16", "ftn_core/networks/resnet.py", "ftn_core/networks/resnet.py"),  # by its name
        ("report", "results/filters.npz", "results/filters.npz"),
        ("calibrate@ftn-16", "data/methods/ftn-16.py", "ftn_core/transitions/ftn.py"),
    ],
)
def test_a_dependency_that_were_not_declared_would_be_found(pipeline, name, dependency, file):
    assert file in pipeline.undeclared(name, but=dependency)


def test_the_stage_loss_declares_the_style_images_that_it_opens(style):
    assert style.undeclared("loss") == set()
    assert style.undeclared("loss", but="styles") == {"styles/mosaic.jpg", "styles/strokes.jpg"}
