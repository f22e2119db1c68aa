"""The schema refuses values or passes them on as they are, so stages depend on the values alone (utils/neutral.py)."""

import shutil

import pytest
import yaml
from project import ROOT

from flows import presets
from ftn_core.parameters import Parameters, load_parameters
from ftn_core.parameters.section import Section

PRESETS = [f"{path.stem}-{variant}" for path in sorted((ROOT / "presets").glob("*.yaml")) for variant in ("cpu", "gpu")]


def test_params_yaml_is_read_as_it_is_written():
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    assert load_parameters(ROOT / "params.yaml").model_dump(by_alias=True) == values


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_read_as_it_is_written(name, tmp_path, monkeypatch):
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copytree(ROOT / "presets", tmp_path / "presets")
    monkeypatch.chdir(tmp_path)
    presets.apply(name)
    values = yaml.safe_load((tmp_path / "params.yaml").read_text())
    assert load_parameters(tmp_path / "params.yaml").model_dump(by_alias=True) == values


def test_nothing_has_a_default():
    def below(kind):
        return {kind, *(found for child in kind.__subclasses__() for found in below(child))}

    models = below(Section)
    assert Parameters in models
    filled = [f"{model.__name__}.{n}" for model in models for n, f in model.model_fields.items() if not f.is_required()]
    assert filled == []
