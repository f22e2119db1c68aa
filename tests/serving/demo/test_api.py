"""The page's requests in this process: what stays in the server's folder."""

import asyncio
import io

import httpx
import numpy as np
import pytest
from full_disk import full_disk
from leaving import rows_after_leaving
from PIL import Image
from starlette.applications import Starlette

from serving.demo import saving
from serving.demo.api import Api
from serving.http import file_endpoint


@pytest.fixture(scope="module")
def api(project, tmp_path_factory):
    return Api(str(project.files["dni"]), tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def app(api):
    return Starlette(routes=api.routes())


def ask(app, method, path, query, **more):
    async def send():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://page") as client:
            return await client.request(method, path, params=query, **more)

    return asyncio.run(send())


def photograph(height=30, width=40):
    buffer = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def opened(api, app):
    """A query for an upload, the only file in the folder."""
    key = ask(app, "POST", "/pictures", {"name": "a.png"}, content=photograph()).json()["key"]
    yield {"picture": key, "model": api.models.first, "level": 0.3}
    api.answers.open_pictures.forget(key)


@pytest.mark.parametrize(
    ("method", "asked", "status"),
    [("GET", None, 200), ("HEAD", None, 200), ("GET", "bytes=0-9", 206), ("GET", "bytes=0-1,5-9", 206),
     ("GET", "bytes=abc", 400), ("GET", "lines=1", 400), ("GET", "bytes=999999999-", 416)],
)  # fmt: skip
def test_no_result_stays_whatever_part_of_it_is_asked_for(api, app, opened, method, asked, status):
    answer = ask(app, method, "/save", opened, headers={"Range": asked} if asked else {})
    assert answer.status_code == status
    assert [path.name for path in api.answers.open_pictures.folder.iterdir()] == [opened["picture"]]


@pytest.mark.parametrize("way", ["is gone", "does not read"])
def test_no_result_stays_of_a_client_that(api, app, opened, monkeypatch, way):
    monkeypatch.setattr(file_endpoint, "SEND_TIMEOUT", 0.1)
    query = str(httpx.QueryParams(opened)).encode()
    scope = {"type": "http", "method": "GET", "path": "/save", "query_string": query, "headers": []}

    async def receive():
        if way == "does not read":
            await asyncio.sleep(3600)
        return {"type": "http.disconnect"}

    async def send(message):
        await asyncio.sleep(3600)

    asyncio.run(asyncio.wait_for(app(scope, receive, send), 60))
    assert [path.name for path in api.answers.open_pictures.folder.iterdir()] == [opened["picture"]]


NO_ROOM = (507, "the server's disk is full: try again later\n")


def test_an_upload_that_finds_no_room_does_not_stay(api, app, opened):
    pictures = api.answers.open_pictures
    with full_disk():
        answer = ask(app, "POST", "/pictures", {"name": "b.png"}, content=photograph())
    assert (answer.status_code, answer.text) == NO_ROOM
    assert [path.name for path in pictures.folder.iterdir()] == [*pictures._uploads] == [opened["picture"]]
    assert ask(app, "GET", "/picture", opened).status_code == 200


@pytest.mark.parametrize(("content", "status"), [(b"", 400), (b"no picture", 400), (photograph(8, 8), 400)])
def test_an_upload_that_is_refused_does_not_stay(api, app, opened, content, status):
    pictures = api.answers.open_pictures
    assert ask(app, "POST", "/pictures", {"name": "b.png"}, content=content).status_code == status
    assert [path.name for path in pictures.folder.iterdir()] == [*pictures._uploads] == [opened["picture"]]


def test_a_result_that_finds_no_room_does_not_stay(api, app, opened):
    with full_disk():
        answer = ask(app, "GET", "/save", opened)
    assert (answer.status_code, answer.text) == NO_ROOM
    assert [path.name for path in api.answers.open_pictures.folder.iterdir()] == [opened["picture"]]
    assert ask(app, "GET", "/save", opened).status_code == 200


def test_the_result_for_a_closed_page_is_not_made_to_its_end(api, app):
    key = ask(app, "POST", "/pictures", {"name": "a.png"}, content=photograph(6000, 16)).json()["key"]
    query = {"picture": key, "model": api.models.first, "level": 0.3}
    scope = {"type": "http", "method": "GET", "path": "/save", "headers": []}
    wanted = str(httpx.QueryParams(query)).encode()
    rows = rows_after_leaving(app, scope | {"query_string": wanted}, b"", saving)
    assert len(rows) == 1 and not api._progress
    assert ask(app, "GET", "/save", query).status_code == 200
    api.answers.open_pictures.forget(key)
    assert not list(api.answers.open_pictures.folder.iterdir())
