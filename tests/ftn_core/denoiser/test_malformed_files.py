"""Model files that are damaged or made to harm: each is one clear line that names the file."""

import json
import resource
import struct
import subprocess
import sys
from functools import reduce
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from small_denoiser import small_denoiser

from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.denoiser.transition import build_transition
from ftn_core.runtime.checkpoint import read_tensors, write_tensors
from ftn_core.runtime.network_file import TrainedNetwork, build_network
from ftn_core.utils.errors import UserError

NAN, INF = float("nan"), float("inf")
DELETE = "(deleted)"
HEADERS = [
    ("format", "ftn-denoiser/99"), ("format", 3), ("format", DELETE),
    ("task", DELETE), ("task", "noise"), ("task.degradation", [{"name": "fog"}]), ("task.degradation", [3]),
    ("task.degradation", [{"name": "noise", "sigma": 9, "clip": False}]),
    ("task.degradation", [{"name": "noise", "sigma": "level", "clip": False}] * 2),
    ("task.objectives", ["faithful"]), ("task.objectives", [1, 2]),
    ("network", DELETE), ("network", []), ("network.name", "no_such_net"), ("network.name", "../../x"),
    ("network.channels", -8), ("network.channels", "8"), ("network.channels", 8.5), ("network.depth", DELETE),
    ("network.depth", 10_000_000), ("network.depth", True), ("network.width", 8), ("network.depth", 64),
    ("level", "x"), ("level", NAN), ("level", -0.2), ("level", 0), ("level", None), ("level", [0.2]), ("level", 0.5),
    ("levels", {}), ("levels", [1]), ("levels", []), ("levels.0.value", "strong"), ("levels.0.value", INF),
    ("levels.0.method", "no_such"), ("levels.0.method", DELETE), ("levels.0.options", {"groups": 0}),
    ("levels.0.options", {"groups": 1, "other": 2}), ("levels.0.options", {}), ("levels.0.options", []),
    ("dial", DELETE), ("dial", [[0.2, 0, 1]]), ("dial", [[0.2, 0], [0.5, 7]]), ("dial", [[0.2, NAN]]),
    ("dial", [[0.2, 1], [0.5, 0]]), ("dial", [[5, 1]]), ("blend", 3), ("blend", [[0.5, 2]]), ("more", 1),
]  # fmt: skip
TENSORS = {
    "NaN": lambda weights: weights.fill_(NAN),
    "one infinite": lambda weights: weights.view(-1).index_fill_(0, torch.tensor(0), INF),
    "beyond 32 bits": lambda weights: weights.double().fill_(1e300),
    "whole numbers": lambda weights: weights.int(),
    "complex": lambda weights: weights.to(torch.complex64),
    "another shape": lambda weights: weights[..., :1],
}


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("good") / "good.safetensors"
    small_denoiser(path)
    return path


def refused(path: Path, load=ContinuousDenoiser.load) -> str:
    with pytest.raises(UserError) as caught:
        load(path)
    message = str(caught.value)
    assert str(path) in message and len(message.splitlines()) == 1
    return message


@pytest.mark.parametrize(("key", "value"), HEADERS, ids=[f"{key}={str(value)[:30]}" for key, value in HEADERS])
def test_a_malformed_header(key, value, good, tmp_path):
    tensors, header = read_tensors(good)
    *above, last = [int(part) if part.isdigit() else part for part in key.split(".")]
    place = reduce(lambda part, name: part[name], above, header)
    if value is DELETE:
        del place[last]
    else:
        place[last] = value
    write_tensors(tmp_path / "bad", tensors, header)
    refused(tmp_path / "bad")


def test_levels_that_are_not_sorted(good, tmp_path):
    tensors, header = read_tensors(good)
    header["levels"] = [header["levels"][0], header["levels"][0] | {"value": 0.4}]
    write_tensors(tmp_path / "bad", tensors, header)
    assert "from weak to strong" in refused(tmp_path / "bad")


@pytest.mark.parametrize(("method", "options"), [("cfsnet", {}), ("dynamic_net", {"after": [1], "width": 1})])
def test_branches_in_a_body_of_several_widths(method, options, good, tmp_path):
    """Every tensor is as the network's: it would fail while it restores, and blame the picture."""
    _, header = read_tensors(good)
    header["network"] = {"name": "transform_net", "channels": 8, "depth": 1}
    header["levels"][0] |= {"method": method, "options": options}
    base = build_network(**header["network"])
    parts = {"base": base, "level1": build_transition(method, base, 2.5, **options)}
    tensors = {f"{part}.{name}": value for part in parts for name, value in parts[part].state_dict().items()}
    write_tensors(tmp_path / "bad", tensors, header)
    assert f"{method} needs a body of one width" in refused(tmp_path / "bad")


@pytest.mark.parametrize("name", ["base.tail.weight", "level1.transitions.0.weights.0"])
@pytest.mark.parametrize("change", TENSORS)
def test_weights_that_are_none(name, change, good, tmp_path):
    tensors, header = read_tensors(good)
    tensors[name] = TENSORS[change](tensors[name])
    write_tensors(tmp_path / "bad", tensors, header)
    refused(tmp_path / "bad")


@pytest.mark.parametrize("name", ["base.tail.weight", "level1.transitions.0.slope"])
def test_a_tensor_missing_or_left_over(name, good, tmp_path):
    tensors, header = read_tensors(good)
    write_tensors(tmp_path / "missing", {n: t for n, t in tensors.items() if n != name}, header)
    assert "missing" in refused(tmp_path / "missing")
    for other in (f"{name}.more", "other", "statistics1.x"):
        write_tensors(tmp_path / "more", tensors | {other: torch.ones(2)}, header)
        assert "left over" in refused(tmp_path / "more")


@pytest.mark.parametrize("text", ["{", "[]", "null", "[" * 100_000, '{"level": ' + "9" * 6000 + "}"])
def test_metadata_that_is_no_object(text, tmp_path):
    head = json.dumps({"__metadata__": {"ftn": text}}).encode()
    (tmp_path / "bad").write_bytes(struct.pack("<Q", len(head)) + head)
    refused(tmp_path / "bad")


@pytest.mark.parametrize("length", [0, 4, 8, 100, -1])
def test_a_truncated_file(length, good, tmp_path):
    (tmp_path / "bad").write_bytes(good.read_bytes()[:length])
    refused(tmp_path / "bad")


@pytest.mark.parametrize(
    ("network", "level"),
    [
        ({"name": "dncnn", "channels": 8, "depth": 10_000_000}, 0.2), ({"name": "dncnn", "channels": 8}, 0.2),
        ({"name": "x", "channels": 8, "depth": 3}, 0.2),
        ({"name": "dncnn", "channels": 8, "depth": 3, "inputs": 5}, 0.2),
        ({"name": "dncnn", "channels": 8, "depth": 3}, "x"), ({"name": "dncnn", "channels": 8, "depth": 3}, 0.2),
    ],
)  # fmt: skip
def test_a_network_of_one_level(network, level, tmp_path):
    write_tensors(tmp_path / "bad", {}, {"format": "ftn-network/1", "network": network, "level": level})
    refused(tmp_path / "bad", TrainedNetwork.load)


def refused_without_memory(path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB


def test_a_large_network_without_its_weights_takes_no_memory(tmp_path, good):
    tensors, header = read_tensors(good)
    header["network"] = {"name": "adafm_net", "channels": 512, "depth": 64}
    write_tensors(tmp_path / "bad", tensors, header)
    refused_without_memory(tmp_path / "bad")


def test_a_large_level_without_its_weights_takes_no_memory(tmp_path, good):
    _, header = read_tensors(good)
    header["network"] = {"name": "unshuffle_net", "channels": 256, "depth": 4}
    header["levels"][0] |= {"method": "dynamic_net", "options": {"after": [0.25, 0.5, 0.75, 1], "width": 8}}
    base = build_network(**header["network"]).state_dict()  # its level would take 0.8 GB
    write_tensors(tmp_path / "bad", {f"base.{name}": value.half() for name, value in base.items()}, header)
    refused_without_memory(tmp_path / "bad")


def test_large_weights_that_are_left_over_take_no_memory(tmp_path, good):
    _, header = read_tensors(good)
    size = 2**30  # in half precision
    more = {"base.more": {"dtype": "F16", "shape": [size // 2], "data_offsets": [0, size]}}
    head = json.dumps({"__metadata__": {"ftn": json.dumps(header)}} | more).encode()
    with (tmp_path / "bad").open("wb") as file:  # takes no room on the disk
        file.write(struct.pack("<Q", len(head)) + head)
        file.truncate(8 + len(head) + size)
    refused_without_memory(tmp_path / "bad")


def test_the_command_ends_with_code_2_and_writes_no_picture(good, tmp_path):
    tensors, header = read_tensors(good)
    write_tensors(tmp_path / "bad", tensors | {"base.tail.weight": tensors["base.tail.weight"] * NAN}, header)
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(tmp_path / "in.png")
    command = [str(Path(sys.executable).with_name("ftn")), "restore", "in.png", "--model", "bad", "--out", "out.png"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1) and "bad is damaged" in ended.stderr
    assert not (tmp_path / "out.png").exists()
