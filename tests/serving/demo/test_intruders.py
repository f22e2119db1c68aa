"""What a stranger's request gets from the real page: no file of this machine, no page fetched by the server."""

import io
import json
import socket
from pathlib import Path

import httpx
import pytest
from PIL import Image

from serving.demo import pictures

UPLOADED = {"_type": "gradio.FileData"}


class Visitor:
    """A program that talks to the page as a browser does."""

    def __init__(self, address: str) -> None:
        self.http = httpx.Client(base_url=address, timeout=60)
        config = self.http.get("/config").json()
        parts = {part["props"].get("elem_id"): part for part in config["components"]}
        self._events = {tuple(target): event["id"] for event in config["dependencies"] for target in event["targets"]}
        self._upload, self._dial = (
            (parts[name]["id"], kind) for name, kind in (("upload", "upload"), ("dial", "change"))
        )
        self._model = parts["model"]["props"]["value"]

    def upload(self, name: str, content: bytes) -> str:
        return self.http.post("/gradio_api/upload", files={"files": (name, content)}).json()[0]

    def open(self, file: object) -> tuple[bool, str]:
        """Open a picture as if it were this visitor's upload: whether the page does, and what it says."""
        return self._ask(self._upload, file, self._model)

    def restore(self) -> tuple[bool, str]:
        """Restore the picture that is open."""
        return self._ask(self._dial, None, False, 0.2, 0.5, 0.5, self._model, "none", 0.3)

    def _ask(self, event: tuple[int, str], *data: object) -> tuple[bool, str]:
        join = {"data": data, "fn_index": self._events[event], "session_hash": "stranger"}
        self.http.post("/gradio_api/queue/join", json=join).raise_for_status()
        with self.http.stream("GET", "/gradio_api/queue/data", params={"session_hash": "stranger"}) as stream:
            for line in stream.iter_lines():
                message = json.loads(line.removeprefix("data: ")) if line else {}
                if message.get("msg") == "process_completed":
                    return message["success"], json.dumps(message["output"])
        raise AssertionError("no answer")


@pytest.fixture(scope="module")
def visitor(address):
    return Visitor(address)


def file(path: object, **more: object) -> dict[str, object]:
    return {"path": str(path), "meta": UPLOADED, **more}


def photograph(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 30), (9, 80, 200)).save(path, "PNG")
    return path.read_bytes()


def test_a_visitors_own_upload_is_opened_and_restored(visitor, tmp_path):
    done, says = visitor.open(file(visitor.upload("mine.png", photograph(tmp_path / "x.png"))))
    assert done and "mine.png" in says
    done, says = visitor.restore()
    assert done and "data:image/webp" in says


@pytest.mark.parametrize("place", ["outside.png", ".hidden/private.png", "gradio/other.png"])
def test_a_picture_of_this_machine_stays_here(visitor, tmp_path, place):
    photograph(tmp_path / place)
    (tmp_path / place).chmod(0o600)
    assert not visitor.open(file(tmp_path / place))[0]


def test_a_picture_of_the_project_and_a_sample_by_its_path_stay_here(visitor, project):
    photograph(project.root / "photographs/own.png")
    for path in (
        project.root / "photographs/own.png",
        "photographs/own.png",
        next(iter(pictures.samples().values())).path,
    ):
        assert not visitor.open(file(path))[0]


def test_a_link_and_dots_lead_out_of_no_upload(visitor, tmp_path):
    photograph(tmp_path / "there.png")
    uploaded = Path(visitor.upload("mine.png", photograph(tmp_path / "x.png")))
    up = "../" * len(uploaded.parts)
    assert not visitor.open(file(f"{uploaded.parent}/{up}{tmp_path}/there.png"))[0]


@pytest.mark.parametrize("route", ["file=", "file/", "proxy=", "stream/", "custom_component/"])
def test_no_route_hands_out_a_file(visitor, tmp_path, project, route):
    secret = photograph(tmp_path / "there.png")
    (project.root / ".env").write_text("SECRET=1")
    for path in (tmp_path / "there.png", project.root / "mlflow.db", project.root / ".env", "/etc/passwd", "mlflow.db"):
        answer = visitor.http.get(f"/gradio_api/{route}{path}")
        assert answer.status_code in (403, 404) and secret not in answer.content


def test_the_server_fetches_no_address(visitor, project):
    """Gradio itself refuses private addresses only, so a public one is asked for, too."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        own = f"http://127.0.0.1:{server.getsockname()[1]}/a.png"
        for url in (own, "http://203.0.113.1/a.png"):
            done, says = visitor.open(file(url))
            assert not done and "fetches nothing" in says
            assert not visitor.open(file("a.png", url=url))[0]
            for route in ("file=", "proxy="):
                assert visitor.http.get(f"/gradio_api/{route}{url}").status_code == 404
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize(
    "path",
    ["docs", "openapi.json", "gradio_api/openapi.json", "gradio_api/vibe-code", "gradio_api/component_server",
     "gradio_api/process_recording", "gradio_api/deep_link", "monitoring", "gradio_api/runs"],
)  # fmt: skip
def test_what_the_page_does_not_use_is_not_there(visitor, path):
    assert [visitor.http.request(method, f"/{path}").status_code for method in ("GET", "POST")] == [404, 404]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "192.0.2.1", "localhost@evil.example", ""])
def test_a_foreign_host_is_refused(visitor, host):
    answer = visitor.http.get("/", headers={"Host": host})
    assert answer.status_code == 400 and "--allowed-host" in answer.text
    assert visitor.http.get("/health", headers={"Host": "localhost:1"}).status_code == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:1"])
def test_another_site_changes_nothing_and_reads_nothing(visitor, origin):
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30)).save(buffer, "PNG")
    foreign = {"Origin": origin}
    for path in ("/restore", "/gradio_api/upload", "/gradio_api/queue/join"):
        assert visitor.http.post(path, content=buffer.getvalue(), headers=foreign).status_code == 403
    assert "access-control-allow-origin" not in visitor.http.get("/config", headers=foreign).headers
    own = {"Origin": str(visitor.http.base_url).rstrip("/")}
    assert visitor.http.post("/restore?sigma=0.2", content=buffer.getvalue(), headers=own).status_code == 200
