"""Restoring needs what `pip install .` brings, without extras, and nothing that Windows lacks."""

import subprocess
import sys
from importlib.metadata import PackageNotFoundError, packages_distributions, requires

import numpy as np
import pytest
from forked_python import forked_python
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from PIL import Image
from project import ROOT
from small_denoiser import small_denoiser

HIDE = """
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {hidden!r}:
            raise ModuleNotFoundError(f"hidden: {{name}}", name=name.partition(".")[0])

sys.meta_path.insert(0, Hidden())
for name in {hidden!r}:
    sys.modules.pop(name, None)
import os
import torch, psutil  # they have versions of their own for each system
for name in ("sched_getaffinity", "sysconf", "setsid", "killpg", "fork", "getuid"):
    delattr(os, name)
from serving.command import main
main()
"""
POSIX_ONLY = {"fcntl", "termios", "pty", "grp"}


def closure(package: str) -> set[str]:
    """A distribution and all that it requires, without extras."""
    found, queue = set(), [canonicalize_name(package)]
    while queue:
        name = queue.pop()
        if name in found:
            continue
        try:
            needed = [Requirement(text) for text in requires(name) or ()]
        except PackageNotFoundError:
            continue
        found.add(name)
        queue += [canonicalize_name(r.name) for r in needed if not r.marker or r.marker.evaluate({"extra": ""})]
    return found


def ftn(folder, *arguments, python=sys.executable):
    light = closure("ftn")
    assert {"torch", "numpy", "typer"} <= light and not {"mlflow", "prefect", "dvc", "starlette"} & light
    extra = {m for m, names in packages_distributions().items() if not light & {*map(canonicalize_name, names)}}
    hidden = {m for m in extra if m not in sys.stdlib_module_names and not m.startswith("_")} | POSIX_ONLY
    return subprocess.run(
        [python, "-c", HIDE.format(hidden=hidden), *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/nowhere"},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def folder(tmp_path):
    small_denoiser(tmp_path / "model.safetensors")
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)).save(tmp_path / "photo.png")
    return tmp_path


def test_pictures_of_8_and_16_bits_are_restored_by_the_released_model(folder):
    deep = np.random.default_rng(0).integers(0, 2**16, (30, 40), np.uint16)
    Image.fromarray(deep).save(folder / "deep.png")
    Image.fromarray(deep).save(folder / "deep.tif")
    done = ftn(folder, "restore", "photo.png", "deep.png", "deep.tif")
    assert done.returncode == 0 and done.stdout.startswith("model: photo, "), done.stdout + done.stderr
    assert len(list(folder.glob("*.restored.*"))) == 3


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (("demo", "--port", "0"), "serve"),
        (("models", "list"), "pipeline"),
        (("export", "model.onnx", "--model", "model.safetensors"), "export"),
    ],
)
def test_what_needs_more_says_which_extra(folder, arguments, extra):
    (folder / "mlflow.db").touch()
    done = ftn(folder, *arguments, python=forked_python())
    assert done.returncode == 2
    assert f"pip install 'ftn[{extra}]'" in done.stderr and "Traceback" not in done.stderr
