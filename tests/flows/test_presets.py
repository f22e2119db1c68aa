import shutil
import subprocess
import sys

import pytest
import yaml
from project import ROOT

from flows import presets
from ftn_core.parameters import load_parameters
from ftn_core.utils.errors import UserError


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copytree(ROOT / "presets", tmp_path / "presets")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_committed_parameters_are_the_quick_preset(project):
    before = (project / "params.yaml").read_bytes()
    assert presets.apply("quick") == presets.apply("quick-cpu") == []
    assert (project / "params.yaml").read_bytes() == before


@pytest.mark.parametrize("name", [f"{p.stem}-{v}" for p in (ROOT / "presets").glob("*.yaml") for v in ("cpu", "gpu")])
def test_every_preset_is_accepted_and_the_way_back_is_exact(project, name):
    before = (project / "params.yaml").read_bytes()
    presets.apply(name)
    load_parameters(project / "params.yaml")
    presets.apply("quick")
    assert (project / "params.yaml").read_bytes() == before


def test_the_preset_of_the_parameters_is_known_whatever_else_was_changed(project):
    assert presets.current_preset() == "quick-cpu"
    presets.apply("paper-gpu")
    path = project / "params.yaml"
    path.write_text(path.read_text().replace("source: sample", "source: folder"))
    assert presets.current_preset() == "paper-gpu"
    path.write_text(path.read_text().replace("depth:", "depth: 1 #"))
    assert presets.current_preset() is None


def test_variants_differ_in_steps_and_batch_only():
    for name in {name.rsplit("-", 1)[0] for name in presets.known()}:
        presets.apply(f"{name}-cpu")
        changed = {change.split(":")[0] for change in presets.apply(f"{name}-gpu")}
        allowed = {f"{section}.{key}" for section in ("train", "finetune") for key in ("steps", "batch_size")}
        assert changed and changed <= allowed


def test_comments_and_other_values_stay(project):
    path = project / "params.yaml"
    path.write_text(path.read_text().replace("source: sample", "source: folder  # mine"))
    changes = presets.apply("paper-cpu")
    assert "network.name: unshuffle_net -> adafm_net" in changes
    text = path.read_text()
    assert "source: folder  # mine" in text and "# unshuffle_net | resnet" in text
    assert len(text.splitlines()) == len((ROOT / "params.yaml").read_text().splitlines())


def test_the_list_says_of_each_preset_what_it_is_for(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["presets"])
    presets.main()
    head, *lines = capsys.readouterr().out.splitlines()
    assert head == "make preset PRESET=NAME, where NAME ends with -cpu or -gpu:"
    assert [line.split()[0] for line in lines] == sorted(path.stem for path in (ROOT / "presets").glob("*.yaml"))
    assert "  photo       A dial for photographs, from 0 to 75/255: one line, trained for long with Muon" in lines
    assert all(20 < len(line) < 150 for line in lines)


def test_an_unknown_preset_is_refused_in_one_line():
    result = subprocess.run(
        [sys.executable, "-m", "flows.presets", "papre"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert (
        "no preset papre (known: camera-cpu, camera-gpu, dejpeg-cpu, " in result.stderr
        and result.stderr.count("\n") == 1
    )


def test_a_variant_that_sets_more_is_refused(project):
    path = project / "presets/start.yaml"
    values = yaml.safe_load(path.read_text())
    values["gpu"]["train"]["lr"] = 1.0
    path.write_text(yaml.safe_dump(values))
    with pytest.raises(UserError, match=r"start\.yaml: gpu must set steps and batch_size"):
        presets.apply("start-gpu")


def test_what_would_not_be_accepted_is_not_written(project):
    path = project / "presets/start.yaml"
    path.write_text(path.read_text().replace("depth: 7", "depth: 70"))
    before = (project / "params.yaml").read_bytes()
    with pytest.raises(UserError, match="depth"):
        presets.apply("start")
    assert (project / "params.yaml").read_bytes() == before
