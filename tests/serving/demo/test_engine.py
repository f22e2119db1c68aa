"""Without a browser: what is computed is what the library computes."""

import base64
import io
import os
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from PIL import Image
from small_denoiser import CAMERA, DEJPEG, ENLARGED, PLEASING

from ftn_core.data.task import DENOISING, DegradationSpec, Task
from ftn_core.degradations.degradation import Degradation
from ftn_core.noise_level.estimate import estimate_sigma
from ftn_core.runtime.images import restore, to_image
from ftn_core.runtime.psnr import psnr
from ftn_core.utils.errors import UserError
from serving.demo import controls, pictures
from serving.demo.answer import Answers, to_uint8, to_url
from serving.demo.denoisers import DenoiserCache, LoadedDenoiser
from serving.demo.open_pictures import KEPT, OpenPictures
from serving.demo.pictures import OpenedPicture, Part
from serving.demo.setting import Setting

from .conftest import make_denoiser


@pytest.fixture
def picture():
    return OpenedPicture("a.png", np.random.default_rng(0).integers(0, 256, (3, 60, 81), dtype=np.uint8))


def folded(sigma, seed=0):
    denoiser = make_denoiser(seed)
    return denoiser.fold(denoiser.position(sigma))


@pytest.mark.parametrize("sigma", [0.0, 0.2, 0.31, 0.6, 2.0])
def test_a_loaded_denoiser_gives_what_the_library_gives(sigma):
    noisy = torch.rand(1, 3, 33, 40)
    loaded = LoadedDenoiser(make_denoiser(0))
    loaded.restore(noisy, 0.5)
    assert torch.equal(loaded.restore(noisy, sigma), restore(folded(sigma), noisy))
    assert torch.equal(restore(loaded.at(sigma), noisy), restore(folded(sigma), noisy))


@pytest.mark.parametrize(
    ("task", "levels", "nothing"),
    [(DENOISING, (0.2, 0.6), 0), (CAMERA, (0.05, 0.2), 0), (DEJPEG, (40, 10), 100), (ENLARGED, (2, 4), 1)],
    ids=["noise", "camera noise", "jpeg", "downscaling"],
)
def test_at_its_beginning_the_dial_shows_the_picture_as_it_is(picture, task, levels, nothing):
    loaded = LoadedDenoiser(make_denoiser(0, task, levels))
    assert controls.nearest_step(loaded, nothing) == nothing == loaded.ends[0]
    as_it_is = to_image(picture.pixels)
    assert torch.equal(loaded.restore(as_it_is, nothing), as_it_is)
    assert not torch.equal(loaded.restore(as_it_is, levels[0]), as_it_is)


def test_threads_that_share_one_denoiser_do_not_mix_their_levels():
    loaded, noisy = LoadedDenoiser(make_denoiser(0)), torch.rand(1, 3, 64, 64)
    sigmas = [0.2 + 0.4 * i / 40 for i in range(41)] * 3
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda sigma: loaded.restore(noisy, sigma), sigmas))
    for sigma, restored in zip(sigmas, found, strict=True):
        assert torch.equal(restored, restore(folded(sigma), noisy))


@pytest.mark.parametrize(("task", "level"), [(DENOISING, 0.4), (CAMERA, 0.1), (DEJPEG, 20), (PLEASING, 0.5)])
def test_a_picture_goes_through_the_models_own_degradation_and_a_part_shows_the_whole(picture, task, level):
    part = Part(11, 7, 30, 20)
    whole = pictures.scene(picture, pictures.whole(picture), Degradation.of(task.degradation), level)
    view = pictures.scene(picture, part, Degradation.of(task.degradation), level)
    assert torch.equal(whole.degraded, to_image(Degradation.of(task.degradation)(picture.pixels, level)))
    assert torch.equal(view.degraded, whole.degraded[(slice(None), *part.slices)])
    assert torch.equal(whole.clean, to_image(picture.pixels)) and not torch.equal(whole.clean, whole.degraded)


def test_what_is_clean_is_known_only_where_it_can_be(picture):
    assert pictures.scene(picture, pictures.whole(picture)).clean is None
    assert pictures.scene(picture, pictures.whole(picture), Degradation(()), 0.5).clean is None
    assert (
        pictures.scene(picture, pictures.whole(picture), Degradation.of(DENOISING.degradation), 0.1).clean is not None
    )
    other = OpenedPicture("b.png", 255 - picture.pixels)
    known = pictures.scene(picture, pictures.whole(picture), reference=other)
    torch.testing.assert_close(known.clean, 1 - known.degraded)
    with pytest.raises(UserError, match=r"c\.png is 8 × 8 pixels, but a\.png is 81 × 60"):
        pictures.scene(
            picture, pictures.whole(picture), reference=OpenedPicture("c.png", np.zeros((3, 8, 8), np.uint8))
        )


@pytest.mark.parametrize(
    ("asked", "got"),
    [((10, 20, 30, 40), (10, 20, 30, 40)), ((70, 0, 30, 1e9), (51, 0, 30, 60)), ((-5, -5, 0, 0), (0, 0, 1, 1)),
     ((1e300, -1e300, 8.4, 8.6), (73, 0, 8, 9))],
)  # fmt: skip
def test_a_part_lies_in_its_picture_whatever_is_asked(picture, asked, got):
    assert Part.within(picture, *asked) == Part(*got)


def test_uploads_have_secret_keys_and_go_when_nobody_looks_at_them(picture, tmp_path):
    opened = OpenPictures(tmp_path)
    (first, path), (second, other) = (opened.new("../../etc/passwd"), opened.new("b.png"))
    assert path.parent == tmp_path and len(first) > 20 and first != second
    for file in (path, other):
        Image.fromarray(picture.pixels.transpose(1, 2, 0)).save(file, "PNG")
    assert opened.open(first).name == "passwd" and opened.open(first) is opened.open(first)
    long_ago = time.time() - KEPT - 1
    for file in (path, other):
        os.utime(file, (long_ago, long_ago))
    opened.open(second)
    opened.new("c.png")
    assert not path.exists() and other.exists()
    for key in (first, "nowhere", "../b"):
        with pytest.raises(UserError, match="open it again"):
            opened.open(key)


def test_an_unreadable_file_is_named(tmp_path):
    (tmp_path / "x.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"^x\.png cannot be used: not a readable image"):
        pictures.decode_picture(tmp_path / "x.png")


def test_a_picture_reaches_the_browser_without_loss(picture):
    image = torch.from_numpy(picture.pixels)[None] / 255
    kind, content = to_url(image).split(",")
    assert kind == "data:image/webp;base64"
    decoded = np.array(Image.open(io.BytesIO(base64.b64decode(content))))
    np.testing.assert_array_equal(decoded, picture.pixels.transpose(1, 2, 0))
    np.testing.assert_array_equal(to_uint8(image), decoded)


def test_an_answer_tells_what_was_measured(picture, tmp_path):
    files = [tmp_path / f"{seed}.safetensors" for seed in (0, 1)]
    for seed, file in enumerate(files):
        make_denoiser(seed).save(file)
    answers = Answers(OpenPictures(tmp_path))
    key, path = answers.open_pictures.new("a.png")
    Image.fromarray(picture.pixels.transpose(1, 2, 0)).save(path, "PNG")
    setting, part = Setting(key, "", 0.3, tuple(map(str, files)), 0.4), pictures.whole(picture)
    answer = answers(setting, part, 1, {str(files[0]): "first"}, with_input=False)
    view = pictures.scene(picture, part, Degradation.of(DENOISING.degradation), 0.3)
    for seed, pane in enumerate(answer["panes"]):
        expected = restore(folded(0.4, seed), view.degraded)
        assert pane["score"] == f"{psnr(expected, view.clean):.2f} dB"
        assert pane["after"] == to_url(expected)
    assert [pane["name"] for pane in answer["panes"]] == ["first", str(files[1])]
    assert "before" not in answer and "before" in answers(setting, part, 0.5, {}, with_input=True)
    assert len(answers.milliseconds) == 2


def test_a_setting_takes_finite_numbers_and_models_that_are_offered():
    query = {"picture": "a", "model": "photo", "level": "0.3"}
    assert Setting.read(query, {"photo": ""}) == Setting("a", "", None, ("photo",), 0.3)
    for wrong in ({"level": "nan"}, {"level": ""}, {"strength": "inf"}, {"model": "/etc/passwd"}, {"other": "x"}):
        with pytest.raises(UserError):
            Setting.read(query | wrong, {"photo": ""})


def test_a_file_that_is_written_anew_is_loaded_anew(tmp_path):
    file, noisy = tmp_path / "d.safetensors", torch.rand(1, 3, 16, 16)
    denoisers = DenoiserCache()
    make_denoiser(0).save(file)
    first = denoisers(str(file))
    assert denoisers(str(file)) is first
    make_denoiser(1).save(file)
    assert torch.equal(denoisers(str(file)).restore(noisy, 0.2), restore(folded(0.2, 1), noisy))


@pytest.mark.parametrize("sigma", [0.1, 0.3, 0.5])
def test_the_automatic_level_is_near(sigma):
    smooth = np.broadcast_to(np.linspace(40, 200, 128).astype(np.uint8), (3, 128, 128))
    noisy = pictures.scene(
        OpenedPicture("s", smooth), Part(0, 0, 128, 128), Degradation.of(DENOISING.degradation), sigma
    ).degraded
    assert abs(estimate_sigma(noisy) - sigma) < 0.02


def test_a_dial_goes_from_nothing_to_do_to_the_last_level_in_its_own_quantity():
    falling = controls.controls(LoadedDenoiser(make_denoiser(0, DEJPEG, (40, 10))))
    assert falling == {
        "quantity": "quality (JPEG quality)", "title": "JPEG quality", "low": 10, "high": 100, "step": 1,
        "falling": True, "ends": ["100", "10"], "opening": 25, "auto": False, "degradation": "JPEG compression",
        "varied": True,
    }  # fmt: skip
    free = controls.controls(LoadedDenoiser(make_denoiser(0, PLEASING, (0, 1))))
    assert free["ends"] == ["0 (faithful)", "1 (pleasing)"] and free["title"] == "From faithful to pleasing"
    assert not free["falling"] and not free["varied"] and free["degradation"].endswith("JPEG compression at quality 10")
    style = LoadedDenoiser(make_denoiser(0, Task(DegradationSpec([]), ("<b>waves", "stripes")), (0, 1)))
    assert not controls.controls(style)["degradation"]
    noise = LoadedDenoiser(make_denoiser(0))
    assert controls.controls(noise)["title"] == "Noise strength" and controls.controls(noise)["auto"]
    assert controls.nearest_step(noise, 0.9) == 0.6 and controls.nearest_step(noise, 0.3511) == 0.35
