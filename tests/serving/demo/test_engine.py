"""Without a browser: what is computed is what the library computes."""

import base64
import io
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
from serving.demo.answer import Answers, Setting, to_uint8, to_url
from serving.demo.denoisers import LoadedDenoiser
from serving.demo.pictures import OpenedPicture, Window

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
    assert torch.equal(loaded.restore_in_copy(noisy, sigma), restore(folded(sigma), noisy))


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
    part = Window(7, 11, 20, 30)
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
    known = pictures.scene(pictures.with_reference(picture, other), pictures.whole(picture))
    torch.testing.assert_close(known.clean, 1 - known.degraded)
    with pytest.raises(UserError, match=r"c\.png is 8 × 8 pixels, but a\.png is 81 × 60"):
        pictures.with_reference(picture, OpenedPicture("c.png", np.zeros((3, 8, 8), np.uint8)))


def test_large_pictures_are_cut_at_full_resolution():
    large = OpenedPicture("l", np.zeros((3, 1000, 500), np.uint8))
    assert pictures.window(large, 1.0, 1.0) == Window(360, 0, 640, 500)
    assert pictures.window(large, 0.0, 0.5) == Window(180, 0, 640, 500)
    small = OpenedPicture("s", np.zeros((3, 64, 80), np.uint8))
    assert pictures.window(small, 0.3, 0.9) == pictures.whole(small)


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
    setting = Setting(picture, 0.3, 0.5, 0.5, tuple(map(str, files)), 0.4)
    answers = Answers()
    answer = answers(setting, {str(files[0]): "first"}, with_input=False)
    view = pictures.scene(picture, pictures.whole(picture), Degradation.of(DENOISING.degradation), 0.3)
    for seed, pane in enumerate(answer["panes"]):
        expected = restore(folded(0.4, seed), view.degraded)
        assert pane["score"] == f"{psnr(expected, view.clean):.2f} dB"
        assert pane["after"] == to_url(expected)
    assert [pane["name"] for pane in answer["panes"]] == ["first", str(files[1])]
    assert "before" not in answer and "before" in answers(setting, {}, with_input=True)
    assert len(answers.milliseconds) == 2


def test_a_file_that_is_written_anew_is_loaded_anew(tmp_path):
    file, noisy = tmp_path / "d.safetensors", torch.rand(1, 3, 16, 16)
    denoisers = Answers().denoisers
    make_denoiser(0).save(file)
    first = denoisers(str(file))
    assert denoisers(str(file)) is first
    make_denoiser(1).save(file)
    assert torch.equal(denoisers(str(file)).restore(noisy, 0.2), restore(folded(0.2, 1), noisy))


@pytest.mark.parametrize("sigma", [0.1, 0.3, 0.5])
def test_the_automatic_level_is_near(sigma):
    smooth = np.broadcast_to(np.linspace(40, 200, 128).astype(np.uint8), (3, 128, 128))
    noisy = pictures.scene(
        OpenedPicture("s", smooth), Window(0, 0, 128, 128), Degradation.of(DENOISING.degradation), sigma
    ).degraded
    assert abs(estimate_sigma(noisy) - sigma) < 0.02


def test_a_dial_goes_from_nothing_to_do_to_the_last_level_in_its_own_quantity():
    falling = LoadedDenoiser(make_denoiser(0, DEJPEG, (40, 10)))
    assert controls.dial_slider(falling, 23.0) == {
        "minimum": 10, "maximum": 100, "step": 1, "value": 23, "label": "Dial: JPEG quality (quality)",
        "elem_classes": ["falling"],
    }  # fmt: skip
    assert controls.dial_slider(falling, 0.4)["value"] == 25  # that was of another quantity
    assert controls.dial_ends(falling)["value"] == '<div class="ends"><span>100</span><span>10</span></div>'
    assert not controls.find_button(falling)["visible"] and controls.strength_slider(falling, 20)["visible"]
    assert controls.degrade_checkbox(falling)["label"] == "Degrade it first: JPEG compression"

    free = LoadedDenoiser(make_denoiser(0, PLEASING, (0, 1)))
    assert "<span>0 (faithful)</span><span>1 (pleasing)</span>" in controls.dial_ends(free)["value"]
    assert controls.dial_slider(free, 0.333)["value"] == 0.33 and controls.dial_slider(free, 0.0)["elem_classes"] == []
    assert not controls.strength_slider(free, 0.5)["visible"]
    assert controls.degrade_checkbox(free)["label"].endswith("JPEG compression at quality 10")
    style = LoadedDenoiser(make_denoiser(0, Task(DegradationSpec([]), ("<b>waves", "stripes")), (0, 1)))
    assert not controls.degrade_checkbox(style)["visible"] and "&lt;b&gt;waves" in controls.dial_ends(style)["value"]

    noise = LoadedDenoiser(make_denoiser(0))
    assert controls.find_button(noise) == {"value": "Find sigma", "visible": True}
    assert controls.nearest_step(noise, 0.9) == 0.6 and controls.nearest_step(noise, 0.3511) == 0.35
