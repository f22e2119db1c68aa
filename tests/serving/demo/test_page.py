"""In a real browser, against the real server."""

import base64
import io
import re

import httpx
import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import expect

from ftn_core.degradations.degradation import Degradation
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.runtime.images import restore
from ftn_core.runtime.psnr import psnr
from serving.demo import pictures
from serving.demo.answer import to_uint8
from serving.http.file_restorer import FileRestorer

DESKTOP, PHONE = {"width": 1400, "height": 900}, {"width": 390, "height": 844}


class Opened:
    """One page and what a test does with it."""

    def __init__(self, page, address: str) -> None:
        self.page, self.requests, self.errors = page, [], []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(f"{address}/")
        page.wait_for_selector("#viewer .after[src]", timeout=30000)
        self.wait_until_stable()

    @property
    def dial(self):
        return self.page.locator("#level")

    @property
    def level(self) -> float:
        return float(self.page.input_value("#number"))

    def wait_until_stable(self) -> None:
        """Wait until nothing is drawn or done any more."""
        self.page.wait_for_selector("#viewer[aria-busy=false]", timeout=30000)

    def source(self, image: str) -> str:
        return self.page.locator(f"#viewer {image}").first.get_attribute("src")

    def picture(self, image: str = ".after", pane: int = 0) -> np.ndarray:
        source = self.page.locator(f"#viewer {image}").nth(pane).get_attribute("src")
        return np.array(Image.open(io.BytesIO(base64.b64decode(source.split(",")[1]))).convert("RGB"))

    def set_dial(self, level: float) -> None:
        self.page.fill("#number", str(level))
        self.page.press("#number", "Enter")
        self.wait_until_stable()

    def choose(self, box: str, option: str) -> None:
        options = self.page.locator(f"{box} option").all_inner_texts()
        self.page.select_option(box, label=next(text for text in options if option in text))
        self.wait_until_stable()

    def box(self, image: str = ".after") -> dict:
        """Where the picture lies on the screen."""
        return self.page.locator(f"#viewer {image}").first.bounding_box()

    @property
    def says(self):
        return self.page.locator("#says")


@pytest.fixture
def open_page(chromium, address):
    contexts = []

    def opened(viewport: dict = DESKTOP, **options) -> Opened:
        contexts.append(chromium.new_context(viewport=viewport, **options))
        return Opened(contexts[-1].new_page(), address)

    yield opened
    for context in contexts:
        context.close()


def expected(weights, level: float, strength: float, name: str = "chelsea") -> tuple[torch.Tensor, float]:
    """What the library restores of a sample that went through the model's degradation, and its PSNR."""
    photograph = next(p for p in pictures.samples().values() if p.name.startswith(name))
    picture = pictures.decode_picture(photograph.path)
    denoiser = ContinuousDenoiser.load(weights)
    scene = pictures.scene(picture, pictures.whole(picture), Degradation.of(denoiser.task.degradation), strength)
    restored = restore(denoiser.fold(denoiser.position(level)), scene.degraded)
    return restored, psnr(restored, scene.clean)


def test_it_opens_with_the_champion_and_shows_what_the_library_gives(open_page, project):
    page = open_page()
    restored, score = expected(project.versions["2"], page.level, 0.4)
    np.testing.assert_array_equal(page.picture(), to_uint8(restored))
    expect(page.page.locator("#title")).to_have_text("Noise strength")
    caption = page.page.locator("#viewer figcaption").first
    expect(caption).to_contain_text("ftn-denoiser 2 · champion")
    expect(caption).to_contain_text(f"{score:.2f} dB")


def test_the_picture_changes_while_the_dial_is_dragged(open_page, project):
    page = open_page()
    box = page.dial.bounding_box()
    middle = box["y"] + box["height"] / 2
    mouse = page.page.mouse
    mouse.move(box["x"] + box["width"] * 0.3, middle)
    mouse.down()
    seen = set()
    for step in range(25):
        mouse.move(box["x"] + box["width"] * (0.3 + 0.02 * step), middle)
        page.page.wait_for_timeout(40)
        seen.add(page.source(".after"))
    during = len(seen)
    mouse.up()
    page.wait_until_stable()
    assert during >= 4
    # the last value wins, whatever was skipped on the way
    np.testing.assert_array_equal(page.picture(), to_uint8(expected(project.versions["2"], page.level, 0.4)[0]))


def test_the_dial_answers_to_the_keyboard(open_page, project):
    page = open_page()
    before, level = page.source(".after"), page.level
    page.dial.focus()
    for _ in range(5):
        page.page.keyboard.press("ArrowRight")
    page.wait_until_stable()
    assert page.level == pytest.approx(level + 5 * 0.005)
    assert page.source(".after") != before
    page.page.keyboard.press("End")
    page.wait_until_stable()
    assert page.level == 0.6
    np.testing.assert_array_equal(page.picture(), to_uint8(expected(project.versions["2"], 0.6, 0.4)[0]))


def test_everything_is_reached_with_tab(open_page):
    page = open_page()
    reached = []
    for _ in range(24):
        page.page.keyboard.press("Tab")
        reached.append(page.page.evaluate("document.activeElement.id || document.activeElement.className"))
    order = [
        "frame",
        "divider",
        "out",
        "in",
        "fit",
        "one",
        "original",
        "number",
        "level",
        "auto",
        "download",
        "picture",
    ]
    order += ["open", "reference", "degrade", "strength", "model", "other"]
    assert [name for name in reached if name in order][: len(order)] == order


def test_zoom_and_place_stay_while_the_dial_moves(open_page):
    page = open_page()
    whole = page.box()
    page.page.locator("#viewer .frame").first.focus()
    for key in ("+", "ArrowRight", "ArrowDown"):
        page.page.keyboard.press(key)
    page.page.click("#in")
    zoomed, before = page.box(), page.source(".after")
    assert zoomed["width"] == pytest.approx(4 * whole["width"])
    page.set_dial(0.5)
    assert page.source(".after") != before
    assert page.box() == zoomed
    page.page.click("#fit")
    assert page.box() == whole
    page.page.click("#one")
    assert page.box()["width"] == pytest.approx(451)  # a pixel of the picture is a pixel of the screen
    expect(page.page.locator("#zoom")).to_have_text("100 %")


def test_the_wheel_zooms_about_the_pointer_and_dragging_moves(open_page):
    page = open_page()
    box = page.page.locator("#viewer .frame").first.bounding_box()
    whole = page.box()
    x, y = box["x"] + 0.25 * box["width"], box["y"] + 0.25 * box["height"]
    page.page.mouse.move(x, y)
    page.page.mouse.wheel(0, -400)
    page.page.wait_for_function(
        "width => document.querySelector('#viewer .after').clientWidth > 2 * width", arg=whole["width"]
    )
    zoomed = page.box()
    assert (x - zoomed["x"]) / zoomed["width"] == pytest.approx((x - whole["x"]) / whole["width"], abs=0.01)
    page.page.mouse.down()
    page.page.mouse.move(x - 40, y - 20, steps=4)
    page.page.mouse.up()
    assert page.box()["x"] == pytest.approx(zoomed["x"] - 40, abs=1)
    assert page.box()["y"] == pytest.approx(zoomed["y"] - 20, abs=1)


def test_the_divider_follows_mouse_and_keyboard(open_page):
    page = open_page()
    frame = page.page.locator("#viewer .frame").first
    box, whole = frame.bounding_box(), page.box()
    page.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.8)
    page.page.mouse.down()
    page.page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + box["height"] * 0.8, steps=5)
    page.page.mouse.up()
    cut = page.page.locator("#viewer .cut").first.evaluate("e => getComputedStyle(e).clipPath")
    assert float(re.search(r"([\d.]+)%\)", cut)[1]) == pytest.approx(80, abs=1)
    assert page.box() == whole  # the picture itself was not moved
    # on the left of it the screen shows the input, on the right the restored one
    page.page.locator("#viewer .divider").first.focus()
    page.page.keyboard.press("Home")
    restored = colours(page)
    page.page.keyboard.press("End")
    given = colours(page)
    page.page.keyboard.press("Home")
    page.page.locator("#original").focus()
    page.page.keyboard.down("Enter")  # hold it to see the input
    held = colours(page)
    page.page.keyboard.up("Enter")
    after, before = (page.picture(image).mean(axis=(0, 1)) for image in (".after", ".before"))
    assert np.abs(after - before).max() > 12
    for screen, image in ((restored, after), (given, before), (held, before), (colours(page), after)):
        assert screen == pytest.approx(image, abs=6)


def colours(page: Opened) -> np.ndarray:
    """The mean colour of the picture on the screen."""
    screen = Image.open(io.BytesIO(page.page.screenshot(clip=page.box(".before")))).convert("RGB")
    return np.array(screen).astype(float)[60:-60, 60:-60].mean(axis=(0, 1))


def test_comparison_with_another_model(open_page, project):
    page = open_page()
    page.choose("#other", "dni")
    second = page.page.locator("#viewer .pane").nth(1)
    expect(second.locator("figcaption")).to_contain_text("dni (this project)")
    np.testing.assert_array_equal(page.picture(pane=1), to_uint8(expected(project.files["dni"], page.level, 0.4)[0]))
    page.page.click("#in")
    places = page.page.locator("#viewer .after").evaluate_all("all => all.map(e => e.getAttribute('style'))")
    assert places[0] == places[1]
    page.choose("#other", "nothing")
    expect(second).to_be_hidden()


def test_two_pictures_lie_so_that_they_are_seen_largest(open_page, tmp_path):
    page = open_page()
    page.choose("#other", "dni")
    for name, size, beside in (("wide.png", (900, 300), False), ("high.png", (300, 900), True)):
        Image.effect_noise(size, 30).convert("RGB").save(tmp_path / name)
        open_files(page, tmp_path / name)
        first, second = (frame.bounding_box() for frame in page.page.locator("#viewer .frame").all())
        assert (first["y"] == second["y"]) == beside and (first["x"] == second["x"]) != beside


def test_a_version_is_picked_from_the_registry(open_page, project):
    page = open_page()
    page.choose("#model", "ftn-denoiser 1")
    expect(page.page.locator("#viewer figcaption").first).to_contain_text("ftn-denoiser 1")
    np.testing.assert_array_equal(page.picture(), to_uint8(expected(project.versions["1"], page.level, 0.4)[0]))


def test_degradation_and_photograph_are_chosen(open_page, project):
    page = open_page()
    page.choose("#picture", "coffee")
    page.page.click("#degrade")
    page.wait_until_stable()
    assert " dB" not in page.page.inner_text("#viewer")  # it is as it is: what is clean is not known
    page.page.click("#degrade")
    page.page.locator("#strength").focus()
    page.page.keyboard.press("End")
    page.wait_until_stable()
    restored, score = expected(project.versions["2"], page.level, 0.6, "coffee")
    np.testing.assert_array_equal(page.picture(), to_uint8(restored))
    assert f"{score:.2f} dB" in page.page.inner_text("#viewer")


def test_a_dial_of_quality_falls_from_left_to_right(open_page, project):
    page = open_page()
    page.choose("#other", "dni")
    page.choose("#model", "jpeg")
    expect(page.says).to_have_text(re.compile("One dial cannot set both: they are of quality .* and sigma"))
    expect(page.page.locator("#viewer .pane")).to_have_count(1)
    expect(page.page.locator("#auto")).to_be_hidden()
    expect(page.page.locator("#title")).to_have_text("JPEG quality")
    expect(page.page.locator("#degrading")).to_contain_text("Degrade it first: JPEG compression")
    assert (page.page.inner_text("#first"), page.page.inner_text("#last")) == ("100", "10")
    assert page.level == 25  # sigma's place means nothing here
    restored, score = expected(project.files["jpeg"], 25, 25)
    np.testing.assert_array_equal(page.picture(), to_uint8(restored))
    assert f"{score:.2f} dB" in page.page.inner_text("#viewer")

    page.dial.focus()
    page.page.keyboard.press("ArrowRight")
    assert page.level == 24
    box = page.dial.bounding_box()
    page.page.mouse.click(box["x"] + 0.95 * box["width"], box["y"] + box["height"] / 2)
    assert page.level < 16
    page.page.mouse.click(box["x"] + 0.05 * box["width"], box["y"] + box["height"] / 2)
    page.wait_until_stable()
    assert page.level > 90
    np.testing.assert_array_equal(page.picture(), to_uint8(expected(project.files["jpeg"], page.level, 25)[0]))


def test_a_dial_of_objectives_is_free_of_how_the_picture_is_degraded(open_page, project):
    page = open_page()
    page.choose("#model", "objective")
    assert (page.page.inner_text("#first"), page.page.inner_text("#last")) == ("0 (faithful)", "1 (pleasing)")
    expect(page.page.locator("#strength")).to_be_hidden()
    expect(page.page.locator("#degrading")).to_contain_text("JPEG compression at quality 10")
    page.set_dial(1)
    np.testing.assert_array_equal(page.picture(), to_uint8(expected(project.files["objective"], 1, 0)[0]))


def test_auto_sets_the_dial_and_says_the_level_in_the_one_line_that_there_is(open_page):
    page = open_page()
    page.set_dial(0.6)
    for _ in range(3):
        page.page.click("#auto")
        page.wait_until_stable()
    assert page.level == pytest.approx(0.4, abs=0.04)
    expect(page.says).to_have_text(re.compile(r"^Found sigma 0\.[34]\d* \([\d.]+/255\)\.$"))
    page.dial.press("ArrowRight")
    expect(page.says).to_have_text("")  # what it said was of another level


def test_a_number_beyond_the_range_becomes_its_end_and_the_picture_follows(open_page, project):
    page = open_page()
    for typed, becomes in (("", 0.4), ("7", 0.6), ("0.123", 0.123), ("-1", 0)):
        page.set_dial(typed)
        assert page.level == becomes
        expect(page.says).to_have_text("The model goes from 0 (0) to 0.6 (153)." if typed in ("7", "-1") else "")
        np.testing.assert_array_equal(page.picture(), to_uint8(expected(project.versions["2"], becomes, 0.4)[0]))


def open_files(page: Opened, *paths) -> None:
    page.page.set_input_files("#files", paths)
    page.page.wait_for_function(
        "name => document.querySelector('#about').textContent.startsWith(name)", arg=paths[0].name
    )
    page.wait_until_stable()


RECORD = """selector => {
  const element = document.querySelector(selector);
  window.recorded = [];
  new MutationObserver(() => recorded.push(element.textContent)).observe(element, {childList: true});
}"""
"""Records every text that an element shows."""


@pytest.fixture
def large(tmp_path):
    """A picture larger than what is restored while the dial moves and at rest, in a format with metadata."""
    pixels = np.random.default_rng(0).integers(0, 256, (2200, 2400, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "large.jpg", dpi=(123, 123), quality=90)
    return tmp_path / "large.jpg"


def test_a_large_picture_is_fitted_and_the_part_in_view_is_restored(open_page, project, large):
    page = open_page()
    open_files(page, large)
    page.set_dial(0.3)
    expect(page.page.locator("#measured")).to_contain_text("pixels restored")
    assert page.box(".whole")["height"] == pytest.approx(
        page.page.locator("#viewer .frame").first.bounding_box()["height"], abs=1
    )
    page.page.click("#one")
    page.wait_until_stable()
    frame = page.page.locator("#viewer .frame").first.bounding_box()
    shown, part = page.picture(".before"), page.box()
    assert shown.shape[0] >= frame["height"] and shown.shape[1] >= frame["width"] - 8  # at rest all that is seen
    expect(page.page.locator("#viewer .part").first).to_be_hidden()
    whole = page.box(".whole")
    left, top = round(part["x"] - whole["x"]), round(part["y"] - whole["y"])
    picture = pictures.decode_picture(large)
    given = picture.pixels[:, top : top + shown.shape[0], left : left + shown.shape[1]]
    np.testing.assert_array_equal(shown, given.transpose(1, 2, 0))
    # the thumbnail leads to the corner
    box = page.page.locator("#viewer .thumbnail").bounding_box()
    page.page.mouse.click(box["x"] + 1, box["y"] + 1)
    page.wait_until_stable()
    assert page.box(".whole")["x"] == pytest.approx(frame["x"], abs=1)
    np.testing.assert_array_equal(page.picture(".before")[:8, :8], picture.pixels[:, :8, :8].transpose(1, 2, 0))


def test_a_download_has_the_format_and_metadata_of_its_source(open_page, project, large, tmp_path):
    page = open_page()
    open_files(page, large)
    page.set_dial(0.3)
    page.page.evaluate(RECORD, "#download")
    with page.page.expect_download(timeout=60000) as download:
        page.page.click("#download")
    assert any(re.fullmatch(r"Restoring \d+ %", text) for text in page.page.evaluate("recorded"))
    assert download.value.suggested_filename == "large-restored-sigma-0.3.jpg"
    result = Image.open(download.value.path())
    assert result.format == "JPEG" and result.size == (2400, 2200) and result.info["dpi"] == (123, 123)
    FileRestorer(ContinuousDenoiser.load(project.versions["2"]), 10**7)(large, tmp_path / "restored", 0.3)
    assert download.value.path().read_bytes() == (tmp_path / "restored").read_bytes()
    expect(page.page.locator("#download")).to_have_text("Download")


def test_a_degraded_sample_is_downloaded_as_it_is_shown(open_page):
    page = open_page()
    with page.page.expect_download() as download:
        page.page.click("#download")
    assert download.value.suggested_filename == "chelsea-restored-sigma-0.4.png"
    np.testing.assert_array_equal(np.asarray(Image.open(download.value.path())), page.picture())


def noisy(path, sigma: float):
    noise = np.random.default_rng(0).normal(0, sigma, (200, 300, 3))
    Image.fromarray((128 + noise).clip(0, 255).astype(np.uint8)).save(path)
    return path


def test_what_is_opened_is_restored_at_the_level_found_at_once_and_the_list_says_its_name(open_page, project, tmp_path):
    page = open_page()
    page.set_dial(0.5)
    evening, night = noisy(tmp_path / "evening.png", 40), noisy(tmp_path / "night.gif", 80)
    open_files(page, evening, night)
    assert page.level == pytest.approx(40 / 255, abs=0.04)
    expect(page.says).to_have_text(re.compile("^Found sigma 0.1"))
    picture = pictures.decode_picture(evening)
    denoiser = ContinuousDenoiser.load(project.versions["2"])
    view = pictures.scene(picture, pictures.whole(picture)).degraded
    restored = restore(denoiser.fold(denoiser.position(page.level)), view)
    np.testing.assert_array_equal(page.picture(), to_uint8(restored))
    assert " dB" not in page.page.inner_text("#viewer")
    chosen = "document.querySelector('#picture').selectedOptions[0].textContent"
    assert page.page.evaluate(chosen) == "evening.png"
    page.choose("#picture", "night")
    assert page.level == pytest.approx(80 / 255, abs=0.06)
    page.choose("#picture", "chelsea")  # which was open before, and is again as it was
    expect(page.page.locator("#about")).to_contain_text("chelsea")
    assert page.level == 0.5 and "chelsea" in page.page.evaluate(chosen)
    with page.page.expect_download() as first, page.page.expect_download(lambda file: file is not first.value):
        page.page.click("#all")


def test_what_is_opened_has_the_level_found_also_after_a_model_that_finds_none(open_page, tmp_path):
    page = open_page()
    page.choose("#model", "jpeg")
    open_files(page, noisy(tmp_path / "evening.png", 40))
    page.choose("#model", "ftn-denoiser 2")
    assert page.level == pytest.approx(40 / 255, abs=0.04)
    expect(page.says).to_have_text(re.compile("^Found sigma 0.1"))


def test_psnr_is_measured_against_a_reference_of_the_same_size(open_page, tmp_path):
    page = open_page()
    evening = noisy(tmp_path / "evening.png", 40)
    open_files(page, evening)
    Image.new("RGB", (300, 200), (128,) * 3).save(tmp_path / "clean.png")
    Image.new("RGB", (30, 20)).save(tmp_path / "small.png")
    page.page.set_input_files("#clean", tmp_path / "small.png")
    expect(page.says).to_have_text("small.png is 30 × 20 pixels, but evening.png is 300 × 200")
    page.page.set_input_files("#clean", tmp_path / "clean.png")
    expect(page.page.locator("#viewer .score")).to_contain_text(" dB")


def test_files_are_dropped_on_the_page(open_page, tmp_path):
    page = open_page()
    data = base64.b64encode(noisy(tmp_path / "dropped.png", 40).read_bytes()).decode()
    page.page.evaluate(
        """data => { const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0)), files = new DataTransfer();
        files.items.add(new File([bytes], 'dropped.png'));
        const drop = new DragEvent('drop', { dataTransfer: files, bubbles: true, cancelable: true });
        document.body.dispatchEvent(drop); }""",
        data,
    )
    expect(page.page.locator("#about")).to_contain_text("dropped.png, 300 × 200 pixels")


def test_a_bad_file_is_named_and_changes_nothing(open_page, tmp_path):
    page = open_page()
    before = page.source(".after")
    (tmp_path / "holiday.png").write_bytes(b"this is no picture")
    page.page.set_input_files("#files", tmp_path / "holiday.png")
    expect(page.says).to_contain_text("holiday.png cannot be used: not a readable image")
    page.wait_until_stable()
    assert page.source(".after") == before
    page.set_dial(0.25)
    assert page.source(".after") != before


def contrast(page, selector: str, of: str = "color") -> float:
    """WCAG's contrast of an element's text, or of another colour of its own, with what is behind it."""
    colours = page.locator(selector).first.evaluate(
        """(e, of) => { const text = getComputedStyle(e)[of]; let b = e;
        while (b && /rgba\\(.*, 0\\)|transparent/.test(getComputedStyle(b).backgroundColor)) b = b.parentElement;
        return [text, getComputedStyle(b || document.body).backgroundColor] }""",
        of,
    )

    def luminance(colour: str) -> float:
        channels = [float(x) / 255 for x in re.findall(r"[\d.]+", colour)[:3]]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))

    low, high = sorted(map(luminance, colours))
    return (high + 0.05) / (low + 0.05)


TEXTS = (
    "#viewer .name", "#measured", "#fit", "#title", "#auto", "#download", "#about", "#degrading label", "#first",
    "#model",
)  # fmt: skip


@pytest.mark.parametrize(("theme", "viewport"), [("light", DESKTOP), ("dark", PHONE)], ids=["desktop", "phone"])
def test_it_is_legible_and_the_dial_is_in_sight(open_page, theme, viewport, tmp_path):
    opened = open_page(viewport, color_scheme=theme, has_touch=viewport is PHONE, is_mobile=viewport is PHONE)
    page = opened.page
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(float, re.findall(r"\d+", background)[:3])) < 200) == (theme == "dark")
    for selector in TEXTS:
        assert contrast(page, selector) >= 4.5, selector
        assert page.locator(selector).first.evaluate("e => parseFloat(getComputedStyle(e).fontSize)") >= 12, selector
    assert contrast(page, "#level", "accentColor") >= 3  # its thumb
    for size in ((451, 300), (300, 900)):
        Image.effect_noise(size, 30).convert("RGB").save(tmp_path / f"{size[0]}.png")
        open_files(opened, tmp_path / f"{size[0]}.png")
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
        for selector in ("#viewer .frame", "#level", "#download"):  # all at once, without scrolling
            box = page.locator(selector).first.bounding_box()
            assert box["y"] >= 0 and box["y"] + box["height"] <= viewport["height"], selector
    page.locator("#other").scroll_into_view_if_needed()  # and while the settings are reached
    box = page.locator("#level").bounding_box()
    assert 0 <= box["y"] <= viewport["height"] - box["height"]


def test_fingers_set_the_dial_on_a_phone(open_page):
    page = open_page(PHONE, has_touch=True, is_mobile=True)
    before, box = page.source(".after"), page.dial.bounding_box()
    page.page.touchscreen.tap(box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2)
    page.wait_until_stable()
    assert page.level > 0.5 and page.source(".after") != before


def test_nothing_is_asked_of_anyone_else(open_page, address):
    page = open_page()
    page.choose("#picture", "coffee")
    page.set_dial(0.3)
    assert page.requests and not page.errors
    assert [url for url in page.requests if not url.startswith((address, "data:", "blob:"))] == []


def test_every_key_gives_the_picture_of_its_level(open_page):
    page = open_page()
    page.dial.focus()
    sources = []
    for key in ["ArrowRight", "ArrowLeft"] * 10:
        before = page.source(".after")
        page.page.keyboard.press(key)
        page.page.wait_for_function("before => document.querySelector('#viewer .after').src !== before", arg=before)
        sources.append(page.source(".after"))
    assert len(set(sources[::2])) == len(set(sources[1::2])) == 1


def test_programs_send_pictures_to_the_same_server_and_no_other_page_is_served(project, address):
    noisy = np.random.default_rng(0).integers(0, 256, (21, 34, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noisy).save(file, "PNG")
    answer = httpx.post(f"{address}/restore?sigma=0.5", content=file.getvalue(), timeout=60)
    assert answer.status_code == 200 and answer.headers["ftn-sigma"] == "0.5"
    denoiser = ContinuousDenoiser.load(project.versions["2"])
    image = torch.from_numpy(noisy).permute(2, 0, 1)[None] / 255
    restored = to_uint8(restore(denoiser.fold(denoiser.position(0.5)), image))
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(answer.content))), restored)
    assert httpx.post(f"{address}/restore?sigma=x", content=file.getvalue()).status_code == 400
    assert [httpx.get(f"{address}/{page}").status_code for page in ("docs", "redoc", "openapi.json")] == [404] * 3
