"""``ftn models`` as a person and as a program call it."""

import json
import subprocess

import pytest
from forked_python import forked_python
from project import ROOT
from small_registry import add_versions
from typer.testing import CliRunner

from ftn_core.utils.errors import UserError
from registry import promotions
from serving.models.command import models_app

MODEL = "ftn-denoiser"


@pytest.fixture
def store(client):
    """Three versions: champion, better, and one that the gate has failed; the third was measured elsewhere."""
    add_versions(client, MODEL, 4)
    for number, psnr, gate in (("1", 28.0, "passed"), ("2", 28.25, "passed"), ("3", 20.0, "failed")):
        tags = {
            "ftn.gate": gate, "ftn.method": "ftn", "ftn.levels": "[0.2, 0.5]", "ftn.parameters": "117932",
            "ftn.psnr": json.dumps({"0.2": psnr, "0.5": psnr - 4}), "ftn.bytes": "700000",
            "ftn.data": "a" if number < "3" else "b", "ftn.gate.gain": f"{gate}: gain over the degraded input",
        }  # fmt: skip
        for key, value in tags.items():
            client.set_model_version_tag(MODEL, number, key, value)
    promotions.promote(client, MODEL, "1", "gate", "first")
    return client


def ftn(*arguments):
    """What a subcommand prints; a mistake is raised."""
    result = CliRunner().invoke(models_app, arguments)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def test_list_and_show(store):
    lines = ftn("list").splitlines()
    assert lines[0].split() == ["version", "alias", "registered", "method", "levels", "dB", "at", "them", "gate"]
    assert [line.split()[0] for line in lines[1:]] == ["4", "3", "2", "1"]
    assert lines[4].endswith("sigma 0.2 (51), 0.5 (128)  28.00 24.00  passed") and "champion" in lines[4]
    assert "not judged" in lines[1]
    versions = json.loads(ftn("list", "--json"))
    assert versions[3]["aliases"] == ["champion"] and versions[3]["tags"]["ftn.gate"] == "passed"
    output = ftn("show", "champion")
    assert "models:/ftn-denoiser/1" in output and "117,932" in output and "28.00 dB" in output and "0.70 MB" in output
    assert "–" in ftn("show", "4")


def test_compare(store):
    lines = ftn("compare", "champion", "2").splitlines()
    assert lines[1].split() == ["PSNR", "at", "sigma", "0.2", "(51/255)", "28.00", "28.25", "+0.25", "dB"]
    assert not any("different photographs" in line for line in lines)
    assert "different photographs" in ftn("compare", "1", "3")
    rows = json.loads(ftn("compare", "1", "4", "--json"))["rows"]
    assert rows[0] == {"what": "PSNR at sigma 0.2 (51/255)", "a": 28.0, "b": None, "unit": "dB", "digits": 2}


QUALITY = {
    "ftn.quantity": "quality",
    "ftn.ends": "[]",
    "ftn.levels": "[40, 10]",
    "ftn.psnr": '{"40": 32.5, "10": 28.25}',
}
OBJECTIVE = {
    "ftn.quantity": "objective", "ftn.ends": '["faithful", "pleasing"]', "ftn.levels": "[0, 1]",
    "ftn.psnr": '{"0": 28.5, "1": 26.5}',
}  # fmt: skip


@pytest.mark.parametrize(
    ("tags", "levels", "at"),
    [
        (QUALITY, "quality 40, 10 32.50 28.25", "PSNR at quality 40"),
        (OBJECTIVE, "objective 0 (faithful), 1 (pleasing) 28.50 26.50", "PSNR at objective 1 (pleasing)"),
    ],
    ids=["quality", "objective"],
)
def test_levels_are_shown_in_their_own_quantity_and_quantities_are_not_compared(store, tags, levels, at):
    for number in ("3", "4"):
        for key, value in tags.items():
            store.set_model_version_tag(MODEL, number, key, value)
    assert levels in " ".join(ftn("list").splitlines()[1].split())
    assert at in ftn("show", "4")
    lines = ftn("compare", "3", "4").splitlines()
    first = next(iter(json.loads(tags["ftn.psnr"]).values()))
    assert f"{first:.2f}" in lines[1] and not any("different tasks" in line for line in lines)
    output = ftn("compare", "1", "4")
    assert "they are for different tasks, whose PSNR cannot be compared: of sigma (standard deviation" in output
    assert "PSNR at" not in output


def test_promote_rollback_history(store):
    assert ftn("promote", "2", "--why", "sharper") == "ftn-denoiser: version 2 is champion, after version 1\n"
    assert "already" in ftn("promote", "champion")
    for arguments, words in (
        (["promote", "3"], "the gate says failed (gain over the degraded input)"),
        (["promote", "4"], "the gate says not judged"),
        (["promote", "3", "--force"], "--force needs --why"),
    ):
        with pytest.raises(UserError) as error:
            ftn(*arguments)
        assert words in str(error.value)
    assert "version 3 is champion" in ftn("promote", "3", "--force", "--why", "a demo")
    store.delete_model_version(MODEL, "2")
    assert ftn("rollback") == "ftn-denoiser: version 1 is champion again, after version 3\n"
    lines = ftn("history").splitlines()
    assert [line.split()[2:5] for line in lines[1:]] == [
        ["none", "1", "gate"], ["1", "2", "promote"], ["2", "3", "promote"], ["3", "1", "rollback"],
    ]  # fmt: skip
    assert lines[3].endswith("forced: a demo")
    store.set_registered_model_alias(MODEL, "champion", "4")
    assert ftn("history").splitlines()[-1].startswith("champion now: version 4, moved by means that keep no record, or")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rollback"], "ftn-denoiser has no earlier champion to go back to"),
        (["list", "--name", "other"], "there is no model other in sqlite:///"),
        (["lineage", "none"], "no version with the alias none, there is champion"),
    ],
)
def test_what_is_not_there_is_named(store, arguments, words):
    with pytest.raises(UserError, match=words):
        ftn(*arguments)


def test_to_look_creates_no_database(store, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/none.db")
    with pytest.raises(UserError, match="does not exist: `make repro`"):
        ftn("list")
    assert not (tmp_path / "none.db").exists()


MISTAKES = [
    ("show 9", None, "ftn-denoiser has no version 9: there is 1, 2, 3, 4"),
    ("compare 1 champoin", None, "ftn-denoiser has no version with the alias champoin, did you mean champion?"),
    ("list", "http://ada:secret@127.0.0.1:9", "MLflow at http://127.0.0.1:9 does not answer"),
    ("list", "postgresql://ada:secret@127.0.0.1:9/x", "MLflow at postgresql://127.0.0.1:9/x does not answer"),
    ("list", "mysql://ada:secret@127.0.0.1:9/x", "MLFLOW_TRACKING_URI is mysql://127.0.0.1:9/x: "),
]


def test_a_mistake_is_one_line_and_exit_code_2(store, monkeypatch):
    started = []
    for arguments, uri, _ in MISTAKES:
        if uri:
            monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        started += [subprocess.Popen(
            [forked_python(), "-m", "serving.command", "models", *arguments.split()],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )]  # fmt: skip
    for (_, _, message), process in zip(MISTAKES, started, strict=True):
        out, errors = process.communicate(timeout=60)  # MLflow would try a database for two minutes
        assert (process.returncode, out) == (2, ""), errors
        (line,) = errors.splitlines()
        assert line.startswith(f"ftn: {message}") and "secret" not in line
