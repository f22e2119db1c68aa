"""What `ftn` itself does, whatever the subcommand."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import torch
from PIL import Image
from small_denoiser import small_denoiser

from ftn_core.runtime.checkpoint import read_tensors, write_tensors

FTN = Path(sys.executable).with_name("ftn")


def test_it_says_its_version():
    assert subprocess.run([FTN, "--version"], capture_output=True, text=True).stdout == f"ftn {version('ftn')}\n"


def test_the_shell_completes_its_subcommands_and_options():
    for words, expected in (("ftn re", "restore\n"), ("ftn restore --ov", "--overwrite\n")):
        env = os.environ | {
            "_FTN_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" ")),
        }  # fmt: skip
        assert subprocess.run([FTN], env=env, capture_output=True, text=True).stdout == expected


@pytest.mark.parametrize("what", ["format", "tensor"])
def test_what_a_model_file_brings_into_a_message_is_cut(tmp_path, what):
    small_denoiser(tmp_path / "model")
    tensors, header = read_tensors(tmp_path / "model")
    if what == "format":
        header["format"] = "long" * 1_000_000
    else:
        tensors["base." + "long" * 250_000] = torch.zeros(1)
    write_tensors(tmp_path / "model", tensors, header)
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    command = [FTN, "restore", "a.png", "--model", "model"]
    refused = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert refused.returncode == 2 and len(refused.stderr) < 520
    assert refused.stderr.startswith("ftn: model is ") and refused.stderr.count("\n") == 1
