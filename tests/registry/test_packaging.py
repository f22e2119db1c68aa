"""A registered model carries the code that it runs with, and no more."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import mlflow
import numpy as np
import pytest
from forked_python import forked_python
from mlflow.artifacts import download_artifacts
from mlflow.pyfunc import scoring_server
from project import ROOT
from small_registry import package_denoiser
from starlette.testclient import TestClient

from registry.packaging import MODEL_FILE, code_of, identity

NETWORK, METHOD = "unshuffle_net", "ftn"


@pytest.fixture(scope="module")
def model(weights, expected, tmp_path_factory):
    """Folder of a packed model."""
    folder = tmp_path_factory.mktemp("packed")
    link = folder / "row.safetensors"  # as DVC makes it with cache.type symlink
    link.symlink_to(weights)
    uri = f"sqlite:///{folder}/mlflow.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        mlflow.set_tracking_uri(uri)
        patch.chdir(ROOT)
        experiment = mlflow.MlflowClient().create_experiment("e", (folder / "artifacts").as_uri())
        with mlflow.start_run(experiment_id=experiment):
            info = package_denoiser(link)
        return Path(download_artifacts(info.model_uri, dst_path=str(folder / "model")))


def packed(model: Path) -> set[str]:
    """Files below the model's code folder that are not empty, without the bytecode that loading it writes."""
    files = [file for file in (model / "code").rglob("*") if file.is_file() and file.stat().st_size]
    return {str(file.relative_to(model / "code")) for file in files if file.suffix != ".pyc"}


def test_a_model_packs_its_own_network_and_method_and_no_other(model):
    files = packed(model) | {MODEL_FILE}
    assert files == set(code_of(NETWORK, [METHOD]))
    assert (model / Path(MODEL_FILE).name).read_bytes() == (ROOT / MODEL_FILE).read_bytes()
    for folder, own in (("networks", NETWORK), ("transitions", METHOD)):
        assert [file for file in files if f"/{folder}/" in file] == [f"ftn_core/{folder}/{own}.py"]
    parts = {file.split("/")[1] for file in files if file.startswith("ftn_core/")}
    assert parts == {"__init__.py", "data", "denoiser", "networks", "parameters", "runtime", "transitions", "utils"}
    assert {file for file in files if file.startswith("registry/")} == {
        "registry/model/arguments.py", "registry/model/denoiser_model.py", "registry/model/own_code.py",
    }  # fmt: skip


LOAD = """
import importlib.util, json, sys
from pathlib import Path

folder = Path(sys.argv[1])
if len(sys.argv) == 3:  # a project that is installed is not on this machine
    sys.meta_path[:] = [finder for finder in sys.meta_path if "__editable__" not in getattr(finder, "__module__", "")]
    assert not any(importlib.util.find_spec(name) for name in ("ftn_core", "registry", "serving", "tasks"))
import mlflow
import numpy as np

model = mlflow.pyfunc.load_model(str(folder))
images = np.random.default_rng(0).random((1, 21, 30, 3), np.float32)
np.save("restored.npy", model.predict(images, {"sigma": 0.35}))
code = (folder / "code").resolve()
paths = [Path(module.__file__).resolve() for module in sys.modules.values() if getattr(module, "__file__", None)]
print(json.dumps([str(path.relative_to(code)) for path in paths if path.is_relative_to(code)]))
"""


def load(model: Path, folder: Path, *options: str, **env: str) -> set[str]:
    """Load the model in a process of its own and use it. Returns the files of its code that were imported."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW", "PYTHONPATH"))}
    done = subprocess.run(
        [forked_python(), "-c", LOAD, str(model), *options],
        cwd=folder, env=clean | env, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture
def restored(tmp_path, expected):
    """Check what the process wrote."""

    def check() -> None:
        images = np.random.default_rng(0).random((1, 21, 30, 3), np.float32)
        np.testing.assert_allclose(np.load(tmp_path / "restored.npy"), expected(images, 0.35), atol=1e-6)

    return check


def test_a_model_works_where_the_project_is_not_installed_and_imports_all_that_it_packs(model, tmp_path, restored):
    imported = load(model, tmp_path, "not installed")
    restored()
    assert packed(model) == {file for file in imported if (model / "code" / file).stat().st_size}


def test_a_model_prefers_its_own_code_to_an_installed_project(model, tmp_path, restored):
    for package in ("ftn_core", "registry"):
        (tmp_path / "project" / package).mkdir(parents=True)
        (tmp_path / "project" / package / "__init__.py").write_text("raise ImportError('another version')\n")
    load(model, tmp_path, PYTHONPATH=str(tmp_path / "project"))
    restored()


LOAD_TWO = """
import sys
import mlflow

mlflow.pyfunc.load_model(sys.argv[1])
mlflow.pyfunc.load_model(sys.argv[1])
try:
    mlflow.pyfunc.load_model(sys.argv[2])
except mlflow.exceptions.MlflowException as error:
    print(error.message)
"""


@pytest.mark.parametrize(
    ("file", "refused"), [("ftn_core/denoiser/denoiser.py", True), ("ftn_core/utils/errors.py", False)]
)
def test_one_process_runs_no_version_with_the_code_of_another(model, tmp_path, file, refused):
    other = tmp_path / "other"
    shutil.copytree(model, other)
    with (other / "code" / file).open("a") as edited:
        edited.write("\n# an edit\n")
    env = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW", "PYTHONPATH"))}
    done = subprocess.run(
        [forked_python(), "-c", LOAD_TWO, model, other],
        cwd=tmp_path, env=env, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert (f"this process has another version's {file}" in done.stdout) == refused


@pytest.fixture(scope="module")
def invocations(model):
    """Asks `/invocations` of the application that `mlflow models serve` runs. Returns status and answer."""
    client = TestClient(scoring_server.init(mlflow.pyfunc.load_model(str(model))))

    def ask(payload: object) -> tuple[int, dict]:
        answer = client.post("/invocations", json=payload)
        return answer.status_code, answer.json()

    return ask


def test_mlflow_serves_it_with_the_dial_in_params(invocations, expected):
    images = np.random.default_rng(0).random((1, 21, 30, 3), np.float32)
    for params, sigma in (({"params": {"sigma": 0.35}}, 0.35), ({}, 0.2)):
        status, answer = invocations({"inputs": images.tolist()} | params)
        assert status == 200
        np.testing.assert_allclose(np.array(answer["predictions"], np.float32), expected(images, sigma), atol=1e-6)


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({"inputs": [[[[0.5]]]]}, "Failed to enforce schema"),
        ({"inputs": [[[[128, 64, 255]]]]}, "divide 0 .. 255 by 255"),
        ({"inputs": [[[[0.5, 0.5, 0.5]]]], "params": {"sigma": 51}}, "sigma must be from 0 to 2"),
        ({"input": [[[[0.5, 0.5, 0.5]]]]}, "input"),
    ],
)
def test_mlflow_answers_wrong_arguments_with_400(invocations, payload, words):
    status, answer = invocations(payload)
    assert status == 400 and words in answer["message"]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A copy of the project's code as working directory."""
    for package in ("ftn_core", "registry"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "changes"),
    [
        ("ftn_core/report/table.py", False),
        ("ftn_core/words/card.py", False),
        ("ftn_core/training/loop.py", False),
        ("ftn_core/utils/errors.py", False),
        ("ftn_core/parameters/quantities.py", False),
        ("ftn_core/networks/dncnn.py", False),
        ("ftn_core/transitions/dni.py", False),
        ("registry/promotions.py", False),
        ("ftn_core/transitions/ftn.py", True),
        ("ftn_core/networks/unshuffle_net.py", True),
        ("ftn_core/denoiser/denoiser.py", True),
        ("registry/model/arguments.py", True),
    ],
)
def test_an_edit_changes_the_identity_only_if_it_can_change_results(project, weights, expected, file, changes):
    before = identity(weights, code_of(NETWORK, [METHOD]))
    with (project / file).open("a") as edited:
        edited.write("\n# an edit\n")
    assert (identity(weights, code_of(NETWORK, [METHOD])) != before) == changes


def test_other_weights_change_the_identity(project, weights, expected, tmp_path):
    other = tmp_path / "other.safetensors"
    other.write_bytes(weights.read_bytes() + b" ")
    code = code_of(NETWORK, [METHOD])
    assert identity(other, code) != identity(weights, code)
