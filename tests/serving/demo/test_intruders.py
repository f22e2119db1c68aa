"""What a stranger's request gets from the real page: no file of this machine, and no answer for another site."""

import io

import httpx
import numpy as np
import pytest
from PIL import Image

from serving.demo import pictures


class Visitor:
    """A program that talks to the page as a browser does."""

    def __init__(self, address: str) -> None:
        self.http = httpx.Client(base_url=address, timeout=60)
        self.model = self.http.get("/start").json()["first"]

    def upload(self, name: str, content: bytes) -> httpx.Response:
        return self.http.post("/pictures", params={"name": name}, content=content)

    def ask(self, path: str, picture: object, **more: object) -> httpx.Response:
        query = {"picture": picture, "model": self.model, "level": 0.3, "left": 0, "top": 0, "width": 40, "height": 30}
        return self.http.get(path, params=query | {"scale": 1} | more)


@pytest.fixture(scope="module")
def visitor(address):
    return Visitor(address)


def photograph() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), (9, 80, 200)).save(buffer, "PNG")
    return buffer.getvalue()


READING = ("/picture", "/view", "/preview", "/level", "/save")


def test_a_visitors_own_upload_is_opened_and_restored(visitor):
    opened = visitor.upload("../mine.png", photograph()).json()
    assert (opened["name"], opened["width"], opened["height"]) == ("mine.png", 40, 30)
    assert [visitor.ask(path, opened["key"]).status_code for path in READING] == [200] * len(READING)
    assert visitor.ask("/view", opened["key"]).json()["panes"][0]["after"].startswith("data:image/webp;base64,")


def test_a_picture_of_this_machine_stays_here(visitor, project, tmp_path):
    (tmp_path / "own.png").write_bytes(photograph())
    (project.root / "own.png").write_bytes(photograph())
    sample = next(iter(pictures.samples().values())).path
    for picture in (
        tmp_path / "own.png",
        "own.png",
        sample,
        f"../{tmp_path}/own.png",
        f"file://{tmp_path}/own.png",
        "",
    ):
        for path in READING:
            answer = visitor.ask(path, picture)
            assert answer.status_code == 400 and "open it again" in answer.text
        reference = visitor.ask("/view", "chelsea (held out)", reference=picture)
        assert reference.status_code == 400 or not picture


@pytest.mark.parametrize(
    "model", ["registered/1.safetensors", "/etc/passwd", "models:/other/1", "http://127.0.0.1/x", ""]
)
def test_only_the_models_that_are_offered_are_loaded(visitor, model):
    for path in READING[1:]:
        assert "does not offer that model" in visitor.ask(path, "chelsea (held out)", model=model).text
    assert visitor.http.get("/controls", params={"model": model}).status_code == 400


@pytest.mark.parametrize(
    "wrong", [{"level": "x"}, {"level": "nan"}, {"strength": "inf"}, {"left": "1e999"}, {"scale": ""}]
)
def test_a_wrong_number_is_one_line(visitor, wrong):
    answer = visitor.ask("/view", "chelsea (held out)", **wrong)
    assert answer.status_code == 400 and "must be a number" in answer.text


@pytest.mark.parametrize("part", [(-9, -9, 1e9, 1e9), (1e12, 0, 5, 5), (0, 0, 0, 0)])
def test_a_part_beyond_the_picture_is_answered_within_it(visitor, part):
    sides = dict(zip(("left", "top", "width", "height"), part, strict=True))
    assert visitor.ask("/view", "chelsea (held out)", **sides).status_code == 200


@pytest.mark.parametrize(("content", "status"), [(b"", 400), (b"no picture", 400)])
def test_what_is_no_picture_is_refused_and_not_kept(visitor, content, status):
    answer = visitor.upload("x.png", content)
    assert answer.status_code == status and answer.text.count("\n") == 1


@pytest.mark.parametrize(
    "path", ["docs", "openapi.json", "page.html", "../server.py", "mlflow.db", "etc/passwd", "page.py"]
)
def test_what_the_page_does_not_use_is_not_there(visitor, path):
    assert visitor.http.get(f"/{path}").status_code == visitor.http.post(f"/{path}").status_code == 404


def test_the_page_lets_the_browser_load_from_its_own_server_alone(visitor):
    assert visitor.http.get("/").headers["content-security-policy"].startswith("default-src 'self'; ")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "192.0.2.1", "localhost@evil.example", ""])
def test_a_foreign_host_is_refused(visitor, host):
    answer = visitor.http.get("/", headers={"Host": host})
    assert answer.status_code == 400 and "--allowed-host" in answer.text
    assert visitor.http.get("/health", headers={"Host": "localhost:1"}).status_code == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:1"])
def test_another_site_changes_nothing_and_reads_nothing(visitor, origin):
    foreign = {"Origin": origin}
    for path in ("/restore", "/pictures"):
        assert visitor.http.post(path, content=photograph(), headers=foreign).status_code == 403
    assert "access-control-allow-origin" not in visitor.http.get("/start", headers=foreign).headers
    own = {"Origin": str(visitor.http.base_url).rstrip("/")}
    assert visitor.http.post("/restore?sigma=0.2", content=photograph(), headers=own).status_code == 200


def test_a_file_that_cannot_be_written_in_its_own_format_is_saved_as_png(visitor):
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "GIF")
    answer = visitor.ask("/save", visitor.upload("ä b.gif", buffer.getvalue()).json()["key"])
    assert Image.open(io.BytesIO(answer.content)).format == "PNG"
    assert answer.headers["Ftn-Name"] == "%C3%A4%20b-restored-sigma-0.3.png"
