"""Servers that are told to end, as by systemd or a closed terminal: real processes, and nothing of theirs stays."""

import io
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from forked_python import forked_python
from PIL import Image
from project import ROOT
from small_denoiser import small_denoiser


def start(command: str, folder: Path, python: str = sys.executable) -> subprocess.Popen[str]:
    small_denoiser(folder / "model.safetensors")
    own = {"PYTHONPATH": str(ROOT), "TMPDIR": str(folder), "MLFLOW_DISABLE_TELEMETRY": "true"}
    options = ["--no-browser"] if command == "demo" else []
    return subprocess.Popen(
        [python, "-m", "serving.command", command, "--model", "model.safetensors", "--port", "0", *options],
        cwd=folder, env=os.environ | own, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def told(process: subprocess.Popen[str], number: int) -> tuple[int, str]:
    process.send_signal(number)
    try:
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    return process.returncode, output


def open_picture(process: subprocess.Popen[str], picture: bytes) -> tuple[str, str]:
    """The page's address, and the picture's key."""
    line = next(line for line in process.stdout if "The page is at " in line)
    address = line.split("The page is at ")[1].split(";")[0]
    answer = httpx.post(f"{address}/pictures?name=a.jpg", content=picture, timeout=60)
    return address, answer.json()["key"]


@pytest.mark.parametrize(
    ("command", "number"), [("demo", signal.SIGTERM), ("demo", signal.SIGHUP), ("serve", signal.SIGTERM)]
)
def test_while_it_serves(tmp_path, command, number):
    process = start(command, tmp_path, forked_python())
    if command == "demo":
        open_picture(process, (ROOT / "docs/images/photo.jpg").read_bytes())
        assert len(list(tmp_path.glob("ftn-*/*"))) == 1
    else:
        next(line for line in process.stdout if "http://" in line)
    code, output = told(process, number)
    assert code == 143 and "Traceback" not in output, output
    assert not list(tmp_path.glob("ftn-*"))


def test_while_it_restores_nothing_is_called_an_error(tmp_path):
    process = start("demo", tmp_path, forked_python())
    file = io.BytesIO()
    Image.new("RGB", (5000, 4000)).save(file, "BMP")  # takes longer than what a server that ends waits
    address, key = open_picture(process, file.getvalue())
    chosen = {"picture": key, "model": httpx.get(f"{address}/start").json()["first"], "level": "0.3", "job": "1"}
    with ThreadPoolExecutor() as threads:
        threads.submit(httpx.get, f"{address}/save", params=chosen, timeout=60)
        while httpx.get(f"{address}/progress?job=1").json() is None:
            assert process.poll() is None
        code, output = told(process, signal.SIGINT)
    assert (code, output) == (130, "") and not list(tmp_path.glob("ftn-*"))


def test_while_it_loads(tmp_path):
    process = start("demo", tmp_path)
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("ftn-*")):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.001)
    code, output = told(process, signal.SIGTERM)
    assert code == 143 and "Traceback" not in output and not list(tmp_path.glob("ftn-*")), output


def test_what_nohup_has_ignored_stays_ignored(tmp_path):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = start("serve", tmp_path)
    finally:
        signal.signal(signal.SIGHUP, before)
    next(line for line in process.stdout if "http://" in line)
    process.send_signal(signal.SIGHUP)
    assert told(process, signal.SIGTERM) == (143, "")
