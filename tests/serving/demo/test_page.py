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

DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


class Opened:
    """One page and what a test does with it."""

    def __init__(self, page, address: str, query: str = "") -> None:
        self.page, self.requests, self.errors = page, [], []
        self._waiting = set()
        page.on("request", self._note_request)
        for ending in ("requestfinished", "requestfailed"):
            page.on(ending, lambda request: self._waiting.discard(request))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(f"{address}/{query}")
        page.wait_for_function("document.querySelector('#viewer .after')?.src?.startsWith('data:')", timeout=30000)
        self.wait_until_stable()

    def _note_request(self, request) -> None:
        self.requests.append(request.url)
        if "/queue/" in request.url:
            self._waiting.add(request)

    @property
    def dial(self):
        return self.page.locator("#dial input[type=range]")

    @property
    def level(self) -> float:
        return float(self.dial.input_value())

    def wait_until_stable(self) -> None:
        """Wait until no event is in the server's queue and the picture has not changed for a while.

        On a busy machine the end of an event was once never reported, for a reason that is not known. So 20 s without
        any change are enough, too.
        """
        last, unchanged = None, 0
        while unchanged < 80:
            now = self.source(".after") + self.page.inner_text("#viewer")
            if now == last and not self._waiting:
                return
            unchanged = unchanged + 1 if now == last else 0
            last = now
            self.page.wait_for_timeout(250)
        self._waiting.clear()

    def source(self, image: str) -> str:
        return self.page.locator(f"#viewer {image}").first.get_attribute("src")

    def picture(self, image: str = ".after") -> np.ndarray:
        return np.array(Image.open(io.BytesIO(base64.b64decode(self.source(image).split(",")[1]))).convert("RGB"))

    def set_dial(self, level: float) -> None:
        number = self.page.locator("#dial input[type=number]")
        number.fill(str(level))
        number.press("Enter")
        self.wait_until_stable()

    def choose(self, box: str, option: str, warning: str = "") -> None:
        """``warning``: what the page says of it for a few seconds."""
        self.page.click(f"{box} input")
        self.page.locator("[role=option]").filter(has_text=option).first.click()
        if warning:
            expect(self.page.get_by_text(warning)).to_be_visible()
        self.wait_until_stable()

    def transform(self) -> str:
        return self.page.locator("#viewer .after").first.evaluate("image => getComputedStyle(image).transform")


@pytest.fixture
def open_page(chromium, address):
    contexts = []

    def opened(query: str = "", viewport: dict = DESKTOP, **options) -> Opened:
        contexts.append(chromium.new_context(viewport=viewport, **options))
        return Opened(contexts[-1].new_page(), address, query)

    yield opened
    for context in contexts:
        context.close()


def expected(weights, level: float, strength: float, name: str = "chelsea") -> tuple[torch.Tensor, float]:
    """What the library restores of a sample that went through the model's degradation, and its PSNR."""
    photograph = next(p for p in pictures.samples().values() if p.name.startswith(name))
    picture = pictures.decode_picture(photograph.path)
    denoiser = ContinuousDenoiser.load(weights)
    scene = pictures.scene(
        picture, pictures.window(picture, 0.5, 0.5), Degradation.of(denoiser.task.degradation), strength
    )
    restored = restore(denoiser.fold(denoiser.position(level)), scene.degraded)
    return restored, psnr(restored, scene.clean)


def test_it_opens_with_the_champion_and_shows_what_the_library_gives(open_page, project):
    page = open_page()
    restored, score = expected(project.versions["2"], page.level, 0.4)
    np.testing.assert_array_equal(page.picture(), to_uint8(restored))
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
    reached = ""
    for _ in range(40):
        page.page.keyboard.press("Tab")
        reached += page.page.evaluate(
            """() => { const at = document.activeElement, ids = [];
            for (let e = at; e; e = e.parentElement) ids.push(e.id);
            return [at.className, at.getAttribute('aria-label') || at.innerText, ...ids].join(' ') + '\\n' }"""
        )
    names = "frame divider Zoom.in Zoom.out Whole.picture dial find download sample upload reference degrade strength"
    for name in [*names.split(), "model", "other"]:
        assert re.search(rf"\b{name}\b", reached), f"{name} is not reached by Tab:\n{reached}"


def test_zoom_and_place_stay_while_the_dial_moves(open_page):
    page = open_page()
    whole = page.transform()
    page.page.locator("#viewer .frame").first.focus()
    for key in ("+", "+", "ArrowRight", "ArrowDown"):
        page.page.keyboard.press(key)
    page.page.click("#viewer .in")
    zoomed, before = page.transform(), page.source(".after")
    assert zoomed != whole and re.match(r"matrix\(8, 0, 0, 8", zoomed)
    page.set_dial(0.5)
    assert page.source(".after") != before
    assert page.transform() == zoomed
    page.page.click("#viewer .fit")
    assert page.transform() == whole


def test_the_wheel_zooms_about_the_pointer_and_dragging_moves(open_page):
    page = open_page()
    box = page.page.locator("#viewer .frame").first.bounding_box()
    x, y = box["x"] + 0.25 * box["width"], box["y"] + 0.25 * box["height"]
    page.page.mouse.click(x, y)
    page.page.mouse.wheel(0, -400)
    page.page.wait_for_timeout(200)
    scale, dx = page.page.locator("#viewer .after").first.evaluate(
        "image => { const m = new DOMMatrix(getComputedStyle(image).transform); return [m.a, m.e] }"
    )
    assert scale > 2
    assert dx + scale * 0.25 * box["width"] == pytest.approx(0.25 * box["width"], abs=2)  # what was under it still is
    before = page.transform()
    page.page.mouse.down()
    page.page.mouse.move(x - 40, y - 20, steps=4)
    page.page.mouse.up()
    assert page.transform() != before


def test_the_divider_follows_mouse_and_keyboard(open_page):
    page = open_page()
    frame = page.page.locator("#viewer .frame").first
    box = frame.bounding_box()
    page.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.8)
    page.page.mouse.down()
    page.page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + box["height"] * 0.8, steps=5)
    page.page.mouse.up()
    cut = page.page.locator("#viewer .layer.cut").first
    assert float(re.search(r"([\d.]+)%\)", cut.evaluate("e => getComputedStyle(e).clipPath"))[1]) == pytest.approx(
        80, abs=1
    )
    assert page.transform() == "matrix(1, 0, 0, 1, 0, 0)"  # the picture itself was not moved
    # on the left of it the screen shows the input, on the right the restored one
    page.page.locator("#viewer .divider").first.focus()
    page.page.keyboard.press("Home")
    restored = np.array(Image.open(io.BytesIO(frame.screenshot())).convert("RGB")).astype(float)
    page.page.keyboard.press("End")
    given = np.array(Image.open(io.BytesIO(frame.screenshot())).convert("RGB")).astype(float)
    for screen, image in ((restored, ".after"), (given, ".before")):
        assert screen[:, 60:-60].mean(axis=(0, 1)) == pytest.approx(page.picture(image).mean(axis=(0, 1)), abs=6)


def test_side_by_side_with_another_model(open_page, project):
    page = open_page()
    page.choose("#other", "dni")
    second = page.page.locator("#viewer .pane").nth(1)
    expect(second).to_be_visible()
    expect(second.locator("figcaption")).to_contain_text("dni")
    content = second.locator(".after").get_attribute("src").split(",")[1]
    second_picture = np.array(Image.open(io.BytesIO(base64.b64decode(content))))
    np.testing.assert_array_equal(second_picture, to_uint8(expected(project.files["dni"], page.level, 0.4)[0]))
    page.page.click("#viewer .in")
    transforms = page.page.locator("#viewer .after").evaluate_all("all => all.map(e => getComputedStyle(e).transform)")
    assert transforms[0].split(",")[:4] == transforms[1].split(",")[:4] != ["matrix(1", " 0", " 0", " 1"]
    page.choose("#other", "nothing")
    expect(second).to_be_hidden()


def test_a_version_is_picked_from_the_registry(open_page, project):
    page = open_page()
    page.choose("#model", "ftn-denoiser 1")
    expect(page.page.locator("#viewer figcaption").first).to_contain_text("ftn-denoiser 1")
    np.testing.assert_array_equal(page.picture(), to_uint8(expected(project.versions["1"], page.level, 0.4)[0]))


def test_degradation_and_photograph_are_chosen(open_page, project):
    page = open_page()
    page.choose("#sample", "coffee")
    page.page.click("#degrade input")
    page.wait_until_stable()
    assert " dB" not in page.page.inner_text("#viewer")  # it is as it is: what is clean is not known
    page.page.click("#degrade input")
    page.page.locator("#strength input[type=range]").focus()
    page.page.keyboard.press("End")
    page.wait_until_stable()
    restored, score = expected(project.versions["2"], page.level, 0.6, "coffee")
    np.testing.assert_array_equal(page.picture(), to_uint8(restored))
    assert f"{score:.2f} dB" in page.page.inner_text("#viewer")


def test_a_dial_of_quality_falls_from_left_to_right(open_page, project):
    page = open_page()
    page.choose("#other", "dni")
    page.choose("#model", "jpeg", warning="One dial cannot set both: they are of quality (JPEG quality)")
    expect(page.page.locator("#viewer .pane").nth(1)).to_be_hidden()
    expect(page.page.locator("#find")).to_be_hidden()
    expect(page.page.locator("#dial")).to_contain_text("Dial: JPEG quality (quality)")
    expect(page.page.locator("#degrade")).to_contain_text("Degrade it first: JPEG compression")
    left, right = page.page.locator(".ends span").all()
    assert (left.inner_text(), right.inner_text()) == ("100", "10")
    assert left.bounding_box()["x"] < right.bounding_box()["x"]
    assert page.level == 25  # sigma's place means nothing here
    expect(page.page.get_by_text("less than minimum")).to_have_count(0)
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
    expect(page.page.locator("#ends")).to_contain_text("0 (faithful)")
    expect(page.page.locator("#ends")).to_contain_text("1 (pleasing)")
    expect(page.page.locator("#strength")).to_be_hidden()
    expect(page.page.locator("#degrade")).to_contain_text("JPEG compression at quality 10")
    page.set_dial(1)
    np.testing.assert_array_equal(page.picture(), to_uint8(expected(project.files["objective"], 1, 0)[0]))


def test_the_find_button_sets_the_dial(open_page):
    page = open_page()
    page.set_dial(0.6)
    page.page.click("#find")
    page.page.wait_for_function("document.querySelector('#dial input[type=range]').value < 0.5")
    assert page.level == pytest.approx(0.4, abs=0.04)
    expect(page.page.get_by_text(re.compile(r"Found sigma 0\.[34]"))).to_be_visible()


@pytest.fixture
def large(tmp_path):
    """A picture larger than what is shown."""
    pixels = np.random.default_rng(0).integers(0, 256, (700, 900, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "large.png")
    return tmp_path / "large.png"


def upload(page: Opened, button: str, path) -> None:
    with page.page.expect_file_chooser() as chooser:
        page.page.click(button)
    chooser.value.set_files(path)


def test_a_large_upload_is_cut_in_view_and_whole_in_the_download(open_page, project, large, tmp_path):
    page = open_page()
    expect(page.page.locator("#across")).to_be_hidden()
    upload(page, "#upload", large)
    expect(page.page.locator("#about")).to_contain_text("640 × 640 of them are shown")
    page.wait_until_stable()
    assert page.picture().shape == (640, 640, 3)
    before = page.picture(".before")
    np.testing.assert_array_equal(before, np.array(Image.open(large))[30:670, 130:770])
    page.page.locator("#across input[type=range]").focus()
    page.page.keyboard.press("End")
    page.wait_until_stable()
    np.testing.assert_array_equal(page.picture(".before"), np.array(Image.open(large))[30:670, 260:900])
    with page.page.expect_download() as download:
        page.page.click("#download")
    assert download.value.suggested_filename == f"large-restored-sigma-{page.level:g}.png"
    denoiser = ContinuousDenoiser.load(project.versions["2"])
    whole = pictures.scene(picture := pictures.decode_picture(large), pictures.whole(picture)).degraded
    result = np.array(Image.open(download.value.path()))
    np.testing.assert_array_equal(result, to_uint8(restore(denoiser.fold(denoiser.position(page.level)), whole)))
    assert " dB" not in page.page.inner_text("#viewer")
    upload(page, "#reference", large)
    expect(page.page.locator("#viewer")).to_contain_text(" dB")


def test_an_upload_is_restored_at_the_level_found_at_once(open_page, project, tmp_path):
    page = open_page()
    noise = np.random.default_rng(0).normal(0, 40, (200, 300, 3))
    Image.fromarray((128 + noise).clip(0, 255).astype(np.uint8)).save(tmp_path / "evening.png")
    upload(page, "#upload", tmp_path / "evening.png")
    expect(page.page.locator("#about")).to_contain_text("evening.png")
    page.wait_until_stable()
    assert page.level == pytest.approx(40 / 255, abs=0.04)
    picture = pictures.decode_picture(tmp_path / "evening.png")
    denoiser = ContinuousDenoiser.load(project.versions["2"])
    view = pictures.scene(picture, pictures.whole(picture)).degraded
    restored = restore(denoiser.fold(denoiser.position(page.level)), view)
    np.testing.assert_array_equal(page.picture(), to_uint8(restored))
    box = page.page.locator("#sample input")
    assert box.input_value() == ""
    page.choose("#sample", "chelsea")  # which was open before
    expect(page.page.locator("#about")).to_contain_text("chelsea")
    assert "chelsea" in box.input_value()


def test_a_bad_file_is_named_and_changes_nothing(open_page, tmp_path):
    page = open_page()
    before = page.source(".after")
    (tmp_path / "holiday.png").write_bytes(b"this is no picture")
    upload(page, "#upload", tmp_path / "holiday.png")
    expect(page.page.get_by_text("holiday.png cannot be used: not a readable image")).to_be_visible()
    page.wait_until_stable()
    assert page.source(".after") == before
    page.set_dial(0.25)
    assert page.source(".after") != before


def contrast(page, selector: str) -> float:
    """WCAG's contrast of an element's text with what is behind it."""
    colours = page.locator(selector).first.evaluate(
        """e => { const text = getComputedStyle(e).color; let b = e;
        while (b && /rgba\\(.*, 0\\)|transparent/.test(getComputedStyle(b).backgroundColor)) b = b.parentElement;
        return [text, getComputedStyle(b || document.body).backgroundColor] }"""
    )

    def luminance(colour: str) -> float:
        channels = [float(x) / 255 for x in re.findall(r"[\d.]+", colour)[:3]]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))

    low, high = sorted(map(luminance, colours))
    return (high + 0.05) / (low + 0.05)


TEXTS = (
    "#title h1",
    "#viewer .name",
    "#viewer .status",
    "#viewer .tools .fit",
    "#dial span",
    "#find",
    "#about p",
    "#strength span",
    ".ends span",
)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_it_is_legible(open_page, theme, viewport):
    page = open_page(f"?__theme={theme}", viewport, has_touch=viewport is PHONE, is_mobile=viewport is PHONE).page
    background = page.evaluate(
        "getComputedStyle(document.querySelector('.gradio-container').parentElement).backgroundColor"
    )
    assert (sum(map(float, re.findall(r"\d+", background)[:3])) < 200) == (theme == "dark")
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    for selector in TEXTS:
        assert contrast(page, selector) >= 4.5, selector
        assert page.locator(selector).first.evaluate("e => parseFloat(getComputedStyle(e).fontSize)") >= 12, selector
    for selector in ("#viewer .frame", "#dial"):  # both at once, without scrolling
        box = page.locator(selector).first.bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= viewport["height"], selector


def test_fingers_set_the_dial_on_a_phone(open_page):
    page = open_page("", PHONE, has_touch=True, is_mobile=True)
    before, box = page.source(".after"), page.dial.bounding_box()
    page.page.touchscreen.tap(box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2)
    page.wait_until_stable()
    assert page.level > 0.5 and page.source(".after") != before


def test_nothing_is_asked_of_anyone_else(open_page, address):
    page = open_page()
    page.choose("#sample", "coffee")
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
