"""`ftn restore` as a user calls it: real processes where signals and exit codes matter, else within this one."""

import errno
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from forked_python import forked_python
from pictures import KINDS, pixels
from PIL import Image
from project import ROOT
from small_denoiser import DEJPEG, PLEASING, small_denoiser

import serving.files.job_runner
import serving.files.restore
from ftn_core.utils.errors import UserError
from ftn_core.words.labels import label
from serving.files.inputs import CONTACT_SHEET
from serving.files.level_argument import LevelArgument
from serving.files.restore import Restoration

MODEL = "model.safetensors"
at = LevelArgument.parse


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where the command is called: a model, and a folder `in` for pictures."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    small_denoiser(Path(MODEL))
    Path("in").mkdir()
    return tmp_path


def make_pictures(count: int, side: int = 40) -> None:
    for i in range(count):
        Image.fromarray(pixels(3, np.uint8, side, side, i)).save(f"in/{i:03}.png")


def start(*arguments: str, python: str = "") -> subprocess.Popen:
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    return subprocess.Popen(
        [python or forked_python(), "-m", "serving.command", "restore", *arguments], env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def wait(process: subprocess.Popen) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def results() -> set[str]:
    """Whole ones: each can be read to its end."""
    found = (
        {path.name for path in Path("out").glob("*") if not path.name.startswith(".")}
        if Path("out").exists()
        else set()
    )
    for name in found:
        with Image.open(f"out/{name}") as image:
            image.load()
    return found


def test_damaged_ones_are_named_at_the_end_and_the_rest_is_done(folder, capsys):
    make_pictures(12)
    good = Path("in/000.png").read_bytes()
    Path("in/003.png").write_bytes(good[:300])
    Path("in/007.png").write_bytes(b"no picture")
    flipped = bytearray(good)
    flipped[200] ^= 1
    Path("in/011.png").write_bytes(flipped)
    code, out, err = wait(start("in", "--out", "out", "--model", MODEL, "--level", "51/255"))
    assert code == 1
    assert "9 restored, 3 failed:" in out
    named = re.findall(r"^  in/(\d+)\.png: (.+)$", err, re.MULTILINE)
    assert [name for name, _ in named] == ["003", "007", "011"] and "no PNG" in named[1][1]
    assert results() == {f"{i:03}.png" for i in range(12)} - {"003.png", "007.png", "011.png"}
    assert "Traceback" not in err and not list(Path("out").glob(".*"))

    # again: nothing is redone, and what was repaired is done
    times = {path: path.stat().st_mtime_ns for path in Path("out").iterdir()}
    Path("in/003.png").write_bytes(good)
    assert Restoration(["in"], out=Path("out"), model=MODEL, level=at("0.2")).run() == 1
    assert "1 restored, 9 were there already" in capsys.readouterr().out
    assert all(path.stat().st_mtime_ns == t for path, t in times.items())


def test_what_fails_is_blamed_on_what_failed(folder, monkeypatch, capsys):
    make_pictures(2)
    KINDS["tiff-16-3"][4](Path("in/002.tif"), pixels(3, np.uint16))
    with tifffile.TiffFile("in/002.tif", mode="r+") as file:
        file.pages[0].tags["ResolutionUnit"].overwrite(255)
    restore = serving.files.restore.restore_in_bands

    def broken(network, picture, progress):
        if picture.pixels.shape[0] == 40 and not broken_before:
            broken_before.append(1)
            raise RuntimeError("CUDA out of memory\nand more")
        return restore(network, picture, progress)

    broken_before: list[int] = []
    monkeypatch.setattr(serving.files.restore, "restore_in_bands", broken)
    assert Restoration(["in"], out=Path("out"), model=MODEL, level=at("0.2")).run() == 1
    first, last = capsys.readouterr().err.splitlines()
    assert first == "  in/000.png: could not be restored (CUDA out of memory)"
    assert last.startswith("  in/002.tif: its metadata are damaged and cannot be written again (")
    assert results() == {"001.png"}


@pytest.mark.parametrize("kill, code", [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_interrupted_it_goes_on_where_it_was(folder, kill, code):
    make_pictures(20, side=500)
    arguments = ("in", "--out", "out", "--model", MODEL, "--level", "0.3")
    process = start(*arguments, python=sys.executable)
    while len(list(Path("out").glob("[!.]*"))) < 2:
        assert process.poll() is None, process.communicate()
        time.sleep(0.002)
    sent = time.monotonic()
    process.send_signal(kill)
    found, out, err = wait(process)
    assert found == code and time.monotonic() - sent < 5
    done = results()
    assert 2 <= len(done) < 20
    if kill == signal.SIGINT:
        assert f"{len(done)} restored" in out and f"with {20 - len(done)} to go" in err
        assert "Traceback" not in err and not list(Path("out").glob(".*"))
    times = {name: Path("out", name).stat().st_mtime_ns for name in done}
    assert Restoration([arguments[0]], out=Path("out"), model=MODEL, level=at("0.3")).run() == 0
    assert results() == {f"{i:03}.png" for i in range(20)}
    assert all(Path("out", name).stat().st_mtime_ns == t for name, t in times.items())
    partial = list(Path("out").glob(".*"))
    assert kill == signal.SIGKILL or not partial


def test_partial_files_are_removed_when_nobody_can_be_writing_them_any_more(folder):
    """Another machine may be, so that its process ids say nothing."""
    make_pictures(1)
    old, new, other = (Path(name) for name in ("in/.ftn-0.partial", "in/.ftn-1.partial", "in/.cat.1.partial"))
    for path in (old, new, other):
        path.touch()
    for path in (old, other):
        os.utime(path, (time.time() - 3700,) * 2)
    assert Restoration(["in"], model=MODEL).run() == 0
    assert [path.exists() for path in (old, new, other)] == [False, True, True]


def test_a_name_that_becomes_too_long_fails_alone(folder, capsys):
    make_pictures(2)
    long = Path(f"in/{'x' * 246}.png")
    Path("in/001.png").rename(long)
    assert Restoration(["in"], model=MODEL).run() == 1
    said = capsys.readouterr()
    assert "1 restored, 1 failed:" in said.out and "File name too long" in said.err
    assert Restoration(["in"], model=MODEL, out=Path("out")).run() == 0 and results() == {"000.png", long.name}


def test_one_that_memory_cannot_hold_is_named_and_the_next_is_done(folder, capsys, monkeypatch):
    """As a container's limit allows: it would end the run without a word."""
    make_pictures(2)
    Image.fromarray(pixels(3, np.uint8, 400, 300, 0)).save("in/000.png")
    monkeypatch.setattr("serving.files.pictures.free_memory", lambda: 1_000_000)
    assert Restoration(["in"], model=MODEL, out=Path("out")).run() == 1
    assert "in/000.png: 300 x 400 pixels need" in capsys.readouterr().err and results() == {"001.png"}


def test_a_gif_in_a_folder_is_named_and_a_bmp_restored(folder, capsys):
    picture = Image.fromarray(pixels(3, np.uint8, 40, 40, 0))
    picture.save("in/a.bmp")
    picture.save("in/b.gif")
    assert Restoration(["in"], model=MODEL).run() == 1
    said = capsys.readouterr()
    assert "1 restored, 1 failed:" in said.out and "in/b.gif: no PNG, JPEG, TIFF, WebP or BMP picture" in said.err
    with Image.open("in/a.restored.bmp") as image:
        assert image.format == "BMP" and image.size == (40, 40)


def test_a_users_mistake_is_one_line_and_exit_code_2(folder):
    make_pictures(1)
    code, out, err = wait(start("in/000.png", "--model", MODEL, "--level", "0.2x"))
    assert (code, out) == (2, "")
    assert err == "ftn: --level 0.2x: a number, for sigma and grain also one such as 51/255, or auto is needed\n"


@pytest.mark.parametrize("arguments", [[""], ["in", "--out", ""], ["in", "--model="]])
def test_an_empty_argument_does_not_stand_for_all_that_is_here(folder, arguments):
    """What ``ftn restore "$UNSET"`` gives."""
    make_pictures(1)
    code, out, err = wait(start(*arguments))
    assert (code, out) == (2, "") and err.endswith(" is empty: is a variable of the shell not set?\n")
    assert [path.name for path in Path("in").iterdir()] == ["000.png"]


def test_a_picture_given_as_a_model_is_not_called_one_to_delete(folder):
    make_pictures(1)
    message = refused(model="in/000.png")
    assert "in/000.png is no file of ftn's, or damaged" in message and "delete" not in message


def refused(*paths: str, **options) -> str:
    with pytest.raises(UserError) as error:
        Restoration(paths or ["in"], **options)
    message = str(error.value)
    assert "\n" not in message
    return message


def test_the_released_model_is_the_default_and_another_can_be_set(folder, monkeypatch):
    make_pictures(1)
    assert Restoration(["in"]).name == "photo"
    monkeypatch.setenv("FTN_MODEL", MODEL)
    assert Restoration(["in"]).name == MODEL
    assert Restoration(["in"], model="photo").name == "photo"


def test_without_a_registry_the_remedy_is_named_and_none_is_made(folder, monkeypatch):
    make_pictures(1)
    message = refused(model="champion")
    assert "mlflow.db does not exist" in message and "photo, ffdnet" in message and "none yet" in message
    assert "mlflow.db does not exist" in refused(model="models:/ftn-denoiser/3")
    assert not Path("mlflow.db").exists()
    Path("models/denoisers").mkdir(parents=True)
    small_denoiser(Path("models/denoisers/scale-mix.safetensors"))
    monkeypatch.setenv("FTN_MODEL", "champion")
    assert "which has scale-mix" in refused()
    assert "has scale-mix" in refused(method="nothing")
    assert Restoration(["in"], method="scale-mix").name == "models/denoisers/scale-mix.safetensors"
    assert "two ways" in refused(method="scale-mix", model=MODEL)


@pytest.mark.parametrize("content", [None, b"", b"no model", b"\x10\0\0\0\0\0\0\0{}              "])
def test_a_model_that_is_none_is_named(folder, content):
    make_pictures(1)
    if content is not None:
        Path("bad.safetensors").write_bytes(content)
    assert "bad.safetensors" in refused(model="bad.safetensors")


def test_a_folder_is_no_model(folder):
    make_pictures(1)
    assert "in" in refused(model="in")


def test_nowhere_to_write_is_said_before_any_work(folder):
    make_pictures(1)
    Path("file").touch()
    assert "file" in refused(model=MODEL, out=Path("file/out"))


def test_a_full_disk_ends_the_run_and_says_what_is_done(folder, monkeypatch):
    make_pictures(30)
    write, written = serving.files.job_runner.write_picture, []

    def full(picture, array, path):
        written.append(path)
        if len(written) > 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(picture, array, path)

    monkeypatch.setattr(serving.files.job_runner, "write_picture", full)
    with pytest.raises(UserError, match=r"No space left on device.* 4 are done"):
        Restoration(["in"], out=Path("out"), model=MODEL).run()
    assert len(written) < 30 and len(results()) == 4 and not list(Path("out").glob(".*"))


def test_nothing_is_overwritten_unless_told(folder, capsys):
    make_pictures(2)
    Path("in/000.restored.png").write_text("mine")
    assert Restoration(["in"], model=MODEL, level=at("0.2")).run() == 0
    assert Path("in/000.restored.png").read_text() == "mine"
    assert "1 restored, 1 were there already and stay" in capsys.readouterr().out
    assert Restoration(["in"], model=MODEL, level=at("0.2"), overwrite=True).run() == 0
    with Image.open("in/000.restored.png") as image:
        image.load()
    assert sorted(path.name for path in Path("in").iterdir()) == [
        "000.png", "000.restored.png", "001.png", "001.restored.png",
    ]  # fmt: skip


def test_the_level_that_is_found_is_said(folder, capsys):
    clean = np.full((200, 200, 3), 0.5) + 0.15 * np.random.default_rng(0).standard_normal((200, 200, 3))
    Image.fromarray((255 * clean.clip(0, 1)).astype(np.uint8)).save("in/a.png")
    assert Restoration(["in"], model=MODEL).run() == 0
    sigma = re.search(r"in/a.png: found sigma (\S+)", capsys.readouterr().out)
    assert sigma and float(sigma[1]) == pytest.approx(0.15, rel=0.2)


def test_a_weak_level_that_is_found_may_be_texture(folder, capsys):
    noise = np.random.default_rng(0).standard_normal((200, 200, 3))
    for name, sigma in (("weak", 4 / 255), ("strong", 20 / 255)):
        Image.fromarray((255 * (0.5 + sigma * noise).clip(0, 1)).round().astype(np.uint8)).save(f"in/{name}.png")
    assert Restoration(["in"], model=MODEL).run() == 0
    lines = {line.split(":")[0]: line for line in capsys.readouterr().out.splitlines() if ": found sigma" in line}
    assert lines["in/weak.png"].endswith("weak: it may be fine texture, and --level 0 leaves a picture as it is")
    assert "weak" not in lines["in/strong.png"].split("found")[1]


def test_a_sigma_beyond_the_levels_is_said_once(folder, capsys):
    make_pictures(3)
    assert Restoration(["in"], model=MODEL, level=at("0.9")).run() == 0
    assert capsys.readouterr().err.count("beyond the dial: sigma 0.5 (128/255) is used") == 1
    highest = [Path(f"in/{i:03}.restored.png").read_bytes() for i in range(3)]
    assert Restoration(["in"], model=MODEL, alpha=1.0, overwrite=True).run() == 0
    assert [Path(f"in/{i:03}.restored.png").read_bytes() for i in range(3)] == highest


@pytest.mark.parametrize(
    ("task", "levels", "words", "alone"),
    [
        (DEJPEG, (40, 10), ["quality 40, 10", "dial: quality 22.5"], "quality (JPEG quality), from 100 to 10"),
        (PLEASING, (0, 1), ["objective 0 (faithful), 1 (pleasing)", "dial: objective 0.4"], "from 0 (faithful) to 1"),
    ],
    ids=["jpeg", "objective"],
)
def test_a_dial_of_another_quantity(folder, capsys, task, levels, words, alone):
    make_pictures(1)
    denoiser = small_denoiser(Path(MODEL), task, levels)
    level = words[1].split()[-1]
    assert Restoration(["in"], model=MODEL, level=at(level)).run() == 0
    out = capsys.readouterr().out
    assert all(word in out for word in words)
    restored = Path("in/000.restored.png").read_bytes()
    first, last = denoiser.span
    alpha = (denoiser.position(float(level)) - first) / (last - first)
    assert Restoration(["in"], model=MODEL, alpha=alpha, overwrite=True).run() == 0
    assert Path("in/000.restored.png").read_bytes() == restored
    capsys.readouterr()
    assert Restoration(["in"], model=MODEL, contact_sheet=True).run() == 0
    step = (last - first) / (5 if first else 4)  # what is shown as it is, is no stop
    assert (
        f"as it is, then at {task.quantity.name} {label(task.quantity, denoiser.level_at(last - 4 * step))}, "
        in capsys.readouterr().out
    )
    for options in ({}, {"level": at("auto")}):
        assert "--level is needed" in refused(model=MODEL, **options)
        assert alone in refused(model=MODEL, **options)


def test_a_contact_sheet_is_one_picture_of_all_stops(folder):
    make_pictures(1)
    assert Restoration(["in"], model=MODEL, contact_sheet=True, out=Path("out")).run() == 0
    with Image.open(f"out/000{CONTACT_SHEET}.png") as image:
        assert image.width == 6 * 40
        assert (np.asarray(image)[-40:, :40] == pixels(3, np.uint8, 40, 40, 0)).all()


def test_a_files_name_cannot_control_the_terminal(folder):
    make_pictures(1)
    Path("in/000.png").rename("in/\x1b[2J.png")
    Path("in/\x1b]0;title\x07.png").write_bytes(b"no picture")
    code, out, err = wait(start("in", "--out", "out", "--model", MODEL))
    assert code == 1 and r"in/\x1b[2J.png: found" in out and r"in/\x1b]0;title\x07.png: " in err
    code, out, refusal = wait(start("in/\x1b[2Jnowhere.png", "--model", MODEL))
    assert code == 2 and r"\x1b[2Jnowhere" in refusal
    assert "\x1b" not in out + err + refusal
