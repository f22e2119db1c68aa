"""`ftn export`: at every level the ONNX file computes in onnxruntime what the denoiser does in PyTorch."""

import hashlib
import itertools
import os
import re
import subprocess
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from forked_python import forked_python
from project import ROOT
from small_denoiser import DEJPEG, ENLARGED, PLEASING, small_denoiser

from ftn_core.data.task import DENOISING, Task
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.denoiser.level import AdaptedLevel
from ftn_core.denoiser.transition import build_transition
from ftn_core.runtime.network_file import build_network
from ftn_core.utils.errors import UserError
from serving.export.command import export_command
from serving.export.onnx_file import TOLERANCE, write_onnx

SIZES = [(31, 46), (40, 24), (17, 33), (3, 2), (1, 9)]


def denoiser(
    network: str, method: str, options: dict, task: Task = DENOISING, base: float = 0.2, levels=(0.5,), **more
) -> ContinuousDenoiser:
    """Fresh weights, moved at random so that each level has its own; ``more`` is the dial and its blend."""
    torch.manual_seed(0)
    spec = {"name": network, "channels": 8, "depth": 3 if network == "dncnn" else 1}
    plain = build_network(**spec).eval()
    torch.nn.init.normal_(list(plain.parameters())[-2], std=0.05)
    adapted = []
    for level in levels:
        transition = build_transition(method, plain, task.degradation.ratio(level, base), **options)
        for parameter in transition.parameters():
            parameter.data += 0.02 * torch.randn_like(parameter)
        means = {n: torch.rand_like(b) for n, b in plain.named_buffers() if b.is_floating_point()}
        adapted.append(AdaptedLevel(level, method, options, transition.requires_grad_(False), means))
    return ContinuousDenoiser(task, spec, plain.requires_grad_(False), base, adapted, **more)


# blending by energy takes the exporter longest: one of noise is enough
DENOISERS = {
    "ftn, noise, calibrated": lambda: denoiser(
        "unshuffle_net", "ftn", {"groups": 2}, levels=(0.1, 0.5),
        dial=[(0, -2), (0.1, -1), (0.2, 0), (0.3, 0.6), (0.5, 1)],
    ),
    "dni, jpeg, batch norm": lambda: denoiser("dncnn", "dni", {}, DEJPEG, 40, (10,), blend=[(0.25, 0.2), (0.5, 0.7)]),
    "adafm, jpeg": lambda: denoiser("adafm_net", "adafm", {"kernel": 5}, DEJPEG, 40, (10,)),
    "scale_mix, scale": lambda: denoiser("unshuffle_net", "scale_mix", {"mixes": 1, "groups": 2}, ENLARGED, 3, (2, 4)),
    "cfsnet, objectives": lambda: denoiser("unshuffle_net", "cfsnet", {}, PLEASING, 0, (1,)),
    "dni, objectives, instance norm": lambda: denoiser("transform_net", "dni", {}, PLEASING, 0, (1,)),
}  # fmt: skip


def session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def image(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(1).random((1, 3, height, width), np.float32)


def in_torch(model: ContinuousDenoiser, level: float, pictures: list[np.ndarray]) -> list[np.ndarray]:
    network = model.fold(model.position(level))
    with torch.inference_mode():
        return [network(torch.from_numpy(picture)).numpy() for picture in pictures]


def assert_equal(restored: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(restored, expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("name", DENOISERS)
def test_the_whole_dial_is_in_the_file(name, tmp_path):
    model, path = DENOISERS[name](), tmp_path / "model.onnx"
    assert write_onnx(path, name, model) <= TOLERANCE
    run, pictures = session(path), [image(*size) for size in SIZES]
    stops = [model.level_at(position) for position in np.linspace(*model.span, 13)]
    beyond = [2 * stops[0] - stops[1], 2 * stops[-1] - stops[-2]]
    for level in (*stops, *model.trained, *beyond):
        for picture, expected in zip(pictures, in_torch(model, level, pictures), strict=True):
            (restored,) = run.run(None, {"image": picture, "level": np.array(level, np.float32)})
            assert_equal(restored, expected)
            assert level != model.nothing or (restored == picture).all()
    trained = [in_torch(model, level, pictures[:1])[0] for level in model.trained]
    assert all(np.abs(a - b).max() > 10 * TOLERANCE for a, b in itertools.pairwise(trained)), "nothing was compared"


def test_one_level(tmp_path):
    model, path = small_denoiser(tmp_path / "model.safetensors", DEJPEG, (40, 10)), tmp_path / "model.onnx"
    write_onnx(path, "small", model, level=60.0)
    run, picture = session(path), image(31, 46)
    assert {i.name: i.shape for i in run.get_inputs()} == {"image": [1, 3, "height", "width"]}
    (restored,) = run.run(None, {"image": picture})
    assert_equal(restored, in_torch(model, 60, [picture])[0])
    assert run.get_modelmeta().custom_metadata_map["level"] == "60.0"


def test_a_file_that_differs_is_not_written(tmp_path):
    model, path = small_denoiser(tmp_path / "model.safetensors", DEJPEG, (40, 10)), tmp_path / "model.onnx"
    path.write_text("earlier")
    for parameter in model.base.parameters():
        parameter.data *= 1000  # outputs far beyond 1: what is rounded off is more than the tolerance
    with pytest.raises(UserError, match=r"differs from PyTorch by \S+: .*model\.onnx is not written"):
        write_onnx(path, "small", model, level=20)
    assert path.read_text() == "earlier" and len(list(tmp_path.iterdir())) == 2


def start(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    return subprocess.run(
        [forked_python(), "-m", "serving.command", "export", *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_the_command_writes_a_file_for_one_size(tmp_path):
    model = small_denoiser(tmp_path / "model.safetensors")
    done = start(tmp_path, "model.onnx", "--model", "model.safetensors", "--size", "46x31")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "model: model.safetensors, sigma 0 (0) to 0.5 (128)"
    assert re.fullmatch(r"model\.onnx: level is an input, images of 46x31, \d+ kB", lines[1])
    assert re.fullmatch(r"largest difference from PyTorch at three levels: \S+", lines[2])
    run, picture = session(tmp_path / "model.onnx"), image(31, 46)
    assert {i.name: i.shape for i in run.get_inputs()} == {"image": [1, 3, 31, 46], "level": []}
    (restored,) = run.run(None, {"image": picture, "level": np.array(0.3, np.float32)})
    assert_equal(restored, in_torch(model, 0.3, [picture])[0])
    assert run.get_modelmeta().custom_metadata_map == {
        "quantity": "sigma", "weakest": "0.0", "strongest": "0.5", "source": "model.safetensors",
        "sha256": hashlib.sha256((tmp_path / "model.safetensors").read_bytes()).hexdigest(),
    }  # fmt: skip
    onnx.checker.check_model(tmp_path / "model.onnx", full_check=True)
    assert str(ROOT).encode() not in (tmp_path / "model.onnx").read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"model.onnx", "model.safetensors"}


def test_a_mistake_is_one_line_and_exit_code_2(tmp_path):
    done = start(tmp_path, "model.onnx", "--size", "30")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "ftn: --size 30: WIDTHxHEIGHT in pixels is needed, such as 640x480\n"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"size": "0x5"}, "--size 0x5"),
        ({"level": "auto"}, "give a number"),
        ({"level": "0.2x"}, "--level 0.2x"),
        ({"level": "7"}, "sigma must be from 0 to 2"),
        ({"model": "missing.safetensors"}, "missing.safetensors does not exist"),
        ({"method": "ftn"}, "two ways"),
        ({"out": Path("none/model.onnx")}, "its folder does not exist"),
        ({"out": Path()}, "it is a folder"),
        ({"model": "below.safetensors"}, "a dial with cfsnet below its base cannot be exported"),
        ({"model": "single.safetensors"}, "no dial"),
    ],
)
def test_refused_before_anything_is_written(options, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small_denoiser(Path("model.safetensors"))
    denoiser("unshuffle_net", "cfsnet", {}, levels=(0.1,)).save(Path("below.safetensors"))
    denoiser("unshuffle_net", "dni", {}, PLEASING, 0, ()).save(Path("single.safetensors"))
    with pytest.raises(UserError, match=words) as error:
        export_command(**{"out": Path("model.onnx"), "model": "model.safetensors"} | options)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.glob("*.onnx*"))
