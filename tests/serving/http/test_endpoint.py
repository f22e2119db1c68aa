"""The application in this process: what it answers, and what it does with requests that do not end."""

import asyncio
import contextlib
import sys

import httpx
import pytest
import tifffile
from full_disk import full_disk
from leaving import rows_after_leaving
from pictures import KINDS, pixels
from small_denoiser import DEJPEG, small_denoiser
from starlette.applications import Starlette

from ftn_core.denoiser.denoiser import ContinuousDenoiser
from serving.files.level_argument import LevelArgument
from serving.files.pictures import write_picture
from serving.files.restore import Restoration
from serving.http import file_endpoint as module
from serving.http import file_restorer
from serving.http import receive as receiving
from serving.http.endpoint import MAX_REQUESTS, restore_routes


@pytest.fixture(scope="module")
def denoiser(weights, expected):
    return ContinuousDenoiser.load(weights)


@pytest.fixture
def app(denoiser):
    return Starlette(routes=restore_routes(denoiser, max_pixels=10_000))


def client(app):
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service")


def ask(app, body, query="", **headers):
    async def send():
        async with client(app) as session:
            return await session.post(f"/restore{query}", content=body, headers=headers)

    return asyncio.run(send())


def picture(folder, kind="png-8-3", size=(21, 34)):
    suffix, channels, depth, _, write = KINDS[kind]
    path = folder / f"picture{suffix}"
    write(path, pixels(channels, depth, *size))
    return path


@pytest.mark.parametrize("kind", ["png-16-4", "jpeg-3", "webp-lossless-4", "tiff-16-1", "tiff-8-tiff_lzw"])
@pytest.mark.parametrize("level", ["0.3", "auto", ""])
def test_the_answer_is_the_file_that_ftn_restore_writes(app, weights, tmp_path, kind, level):
    source = picture(tmp_path, kind)
    argument = LevelArgument.parse(level) if level else None
    assert Restoration([str(source)], level=argument, model=str(weights), out=tmp_path / "out").run() == 0
    answer = ask(app, source.read_bytes(), f"?sigma={level}" if level else "")
    assert answer.status_code == 200 and answer.content == (tmp_path / "out" / source.name).read_bytes()
    assert answer.headers["content-type"] == f"image/{kind.split('-')[0]}"
    sigma = float(answer.headers["ftn-sigma"])
    assert sigma == 0.3 if level == "0.3" else 0 <= sigma <= 0.5


def test_the_level_in_the_answer_is_within_the_dial(app, tmp_path):
    assert ask(app, picture(tmp_path).read_bytes(), "?sigma=2").headers["ftn-sigma"] == "0.5"


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("?sigma=abc", 400, "sigma abc: a number"),
        ("?sigma=51", 400, "on the scale of 8 bits that is 51/255"),
        ("?sgima=0.2", 400, "unknown parameter 'sgima': there is only sigma"),
        ("?sigma=0.1&sigma=0.2", 400, "sigma is given 2 times"),
        ("?sigma=%1b%0a", 400, r"sigma \x1b\n: a number"),
    ],
)
def test_a_wrong_query_is_said(app, tmp_path, query, status, words):
    answer = ask(app, picture(tmp_path).read_bytes(), query)
    assert (answer.status_code, answer.text.count("\n")) == (status, 1) and words in answer.text


def test_what_is_wrong_with_a_body_is_said(app, tmp_path):
    good = picture(tmp_path).read_bytes()
    large = picture(tmp_path, size=(100, 101)).read_bytes()
    for body, status, words in (
        (b"", 400, "the body is empty"),
        (b"hello", 400, "no PNG, JPEG, TIFF, WebP or BMP picture"),
        (good[:-100], 400, "damaged, truncated"),
        (large, 413, "101 x 100 pixels: a picture may have 10,000"),
    ):
        answer = ask(app, body)
        assert (answer.status_code, answer.text.count("\n")) == (status, 1) and words in answer.text
        assert str(tmp_path) not in answer.text
    assert ask(app, good, **{"Content-Type": "multipart/form-data; boundary=x"}).status_code == 415


def test_damaged_metadata_are_the_pictures_fault(app, tmp_path):
    path = picture(tmp_path, "tiff-16-3")
    with tifffile.TiffFile(path, mode="r+") as file:
        file.pages[0].tags["ResolutionUnit"].overwrite(255)
    answer = ask(app, path.read_bytes(), "?sigma=0.3")
    assert answer.status_code == 400 and answer.text.startswith("its metadata are damaged")


@pytest.mark.parametrize(("kind", "what"), [("png-8-3", "request"), ("png-8-3", "answer"), ("tiff-16-3", "answer")])
def test_on_a_full_disk_it_says_so_and_goes_on(app, tmp_path, monkeypatch, kind, what):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    body = picture(tmp_path, kind).read_bytes()
    with monkeypatch.context() as patched:
        if what == "answer":
            patched.setattr(file_restorer, "write_picture", full_disk()(write_picture))
        with full_disk() if what == "request" else contextlib.nullcontext():
            answer = ask(app, body, "?sigma=0.3")
    assert (answer.status_code, answer.text) == (507, "the server's disk is full: try again later\n")
    assert ask(app, body, "?sigma=0.3").status_code == 200
    assert not list((tmp_path / "temporary").iterdir())


def test_no_name_that_a_request_brings_is_opened(app, tmp_path):
    opened: list[str] = []
    recording = True
    sys.addaudithook(lambda event, what: opened.append(str(what[0])) if event == "open" and recording else None)
    good = picture(tmp_path).read_bytes()
    named = {"Content-Disposition": 'attachment; filename="/planted.png"', "Content-Location": "../planted.png"}
    form = b'--b\r\nContent-Disposition: form-data; name="f"; filename="planted.png"\r\n\r\n' + good + b"\r\n--b--\r\n"
    statuses = [
        ask(app, good, **named).status_code,
        ask(app, good, "?sigma=../planted").status_code,
        ask(app, good, "?file=/planted").status_code,
        ask(app, good, "/../planted.png").status_code,
        ask(app, form, **{"Content-Type": "multipart/form-data; boundary=b"}).status_code,
    ]
    recording = False
    assert statuses == [200, 400, 400, 404, 415]
    assert any(name.endswith("/received") for name in opened) and not any("planted" in name for name in opened)


def test_a_model_of_another_quantity_needs_its_own_level(tmp_path):
    app = Starlette(routes=restore_routes(small_denoiser(tmp_path / "d", DEJPEG, (40, 10)), 10_000))
    body = picture(tmp_path).read_bytes()
    answer = ask(app, body, "?quality=20")
    assert answer.status_code == 200 and answer.headers["ftn-quality"] == "20"
    answer = ask(app, body)
    assert answer.status_code == 400 and answer.text.startswith("quality is needed, from 100 to 10: only the level of")


def test_a_body_that_is_or_becomes_too_large_is_not_read_to_its_end(app):
    sent = 0

    async def chunks():
        nonlocal sent
        while True:
            sent += 2**16
            yield b" " * 2**16

    answer = ask(app, chunks())
    assert answer.status_code == 413 and "bytes" in answer.text and sent < 5 * 2**20
    sent = 0
    assert ask(app, chunks(), **{"Content-Length": "5000000000"}).status_code == 413 and sent <= 2**17


async def silent():
    yield b"\x89PNG"
    await asyncio.sleep(3600)


def test_a_request_that_does_not_end_times_out(app, monkeypatch):
    monkeypatch.setattr(receiving, "RECEIVE_TIMEOUT", 0.05)
    answer = ask(app, silent())
    assert answer.status_code == 408 and "not come to its end" in answer.text


def test_requests_in_progress_are_bounded_and_their_places_and_files_freed(app, monkeypatch, tmp_path):
    good = picture(tmp_path).read_bytes()
    monkeypatch.setattr(receiving, "RECEIVE_TIMEOUT", 0.5)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()

    async def crowd():
        async with client(app) as session:
            waiting = [asyncio.create_task(session.post("/restore", content=silent())) for _ in range(MAX_REQUESTS)]
            await asyncio.sleep(0.2)
            crowded = await session.post("/restore", content=good)
            gone = [answer.status_code for answer in await asyncio.gather(*waiting)]
            return crowded, gone, await session.post("/restore", content=good)

    crowded, gone, after = asyncio.run(crowd())
    assert crowded.status_code == 429 and "try again" in crowded.text and crowded.headers["retry-after"] == "1"
    assert gone == [408] * MAX_REQUESTS and after.status_code == 200
    assert not list((tmp_path / "temporary").iterdir())


@pytest.mark.parametrize("way", ["leaves", "does not read"])
def test_a_client_that_leaves_or_does_not_read_keeps_no_place(app, monkeypatch, tmp_path, way):
    good = picture(tmp_path).read_bytes()
    monkeypatch.setattr(module, "SEND_TIMEOUT", 0.1)
    scope = {"type": "http", "method": "POST", "path": "/restore", "query_string": b"", "headers": []}

    async def receive():
        if way == "leaves":
            return {"type": "http.disconnect"}
        received.append(1)
        if len(received) > 1:
            await asyncio.sleep(3600)
        return {"type": "http.request", "body": good, "more_body": False}

    async def send(message):
        await asyncio.sleep(3600)

    received: list[int] = []

    async def many():
        for _ in range(MAX_REQUESTS + 1):
            received.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(5):
                    await app(scope, receive, send)

    asyncio.run(many())
    assert ask(app, good).status_code == 200


def test_a_picture_whose_client_leaves_is_not_restored_to_its_end(denoiser, tmp_path):
    app = Starlette(routes=restore_routes(denoiser, max_pixels=10**6))
    tall = picture(tmp_path, size=(6000, 16)).read_bytes()
    scope = {"type": "http", "method": "POST", "path": "/restore", "query_string": b"sigma=0.3", "headers": []}
    assert len(rows_after_leaving(app, scope, tall, file_restorer)) == 1
    assert ask(app, tall, "?sigma=0.3").status_code == 200


def test_an_error_of_the_network_is_raised_and_not_blamed_on_the_caller(app, denoiser, tmp_path, monkeypatch):
    def broken(*_):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(type(denoiser), "fold", broken)
    with pytest.raises(RuntimeError, match="out of memory"):
        ask(app, picture(tmp_path).read_bytes(), "?sigma=0.3")
