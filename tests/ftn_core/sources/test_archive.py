import hashlib
import io
import re
import stat
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from PIL import Image

from ftn_core.parameters.data import Archive
from ftn_core.sources import archive as module
from ftn_core.sources import space
from ftn_core.sources.archive import archive_photographs
from ftn_core.sources.download import download
from ftn_core.sources.extract import extract
from ftn_core.utils.errors import UserError

CONTENT = bytes(range(256)) * 20_000


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Server:
    """A real HTTP server whose manners the test decides; ``requests`` holds the Range of each request."""

    def __init__(self, content=CONTENT):
        self.content = content
        self.ranges = True
        self.cut = []  # for each request to come: after how many bytes the connection drops
        self.statuses = []  # for each request to come: an error to answer
        self.requests = []
        self.length = None  # what it says the length is, instead of the truth
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.answer(self)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/photos.zip"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, handler):
        wanted = handler.headers.get("Range")
        self.requests.append(wanted)
        if self.statuses:
            handler.send_error(self.statuses.pop(0))
            return
        body = self.content
        if wanted and self.ranges:
            start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1])
            if start >= len(body):
                handler.send_error(416)
                return
            body = body[start:]
            handler.send_response(206)
            handler.send_header("Content-Range", f"bytes {start}-{len(self.content) - 1}/{len(self.content)}")
        else:
            handler.send_response(200)
        handler.send_header("Content-Length", self.length or str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[: self.cut.pop(0)] if self.cut else body)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()


def fetch(server, target, expected=None):
    return download(server.url, expected or sha256(server.content), target, delay=0)


def test_a_whole_file(server, tmp_path):
    target = tmp_path / "new" / "a.zip"
    assert fetch(server, target).read_bytes() == CONTENT
    assert [path.name for path in target.parent.iterdir()] == ["a.zip"]
    fetch(server, target)
    assert server.requests == [None]


def test_a_killed_download_goes_on_where_it_was(server, tmp_path):
    (tmp_path / "a.part").write_bytes(CONTENT[:1000])
    assert fetch(server, tmp_path / "a").read_bytes() == CONTENT
    assert server.requests == ["bytes=1000-"]


def test_a_dropped_connection_is_resumed(server, tmp_path):
    server.cut = [70_000, 50_000]
    assert fetch(server, tmp_path / "a").read_bytes() == CONTENT
    assert server.requests == [None, "bytes=70000-", "bytes=120000-"]


def test_a_server_without_ranges_starts_over(server, tmp_path):
    server.ranges = False
    server.cut = [70_000]
    (tmp_path / "a.part").write_bytes(b"old")
    assert fetch(server, tmp_path / "a").read_bytes() == CONTENT
    assert server.requests == ["bytes=3-", "bytes=70000-"]


def test_many_drops_are_survived_while_there_is_progress(server, tmp_path):
    server.cut = [100_000] * 12
    assert fetch(server, tmp_path / "a").read_bytes() == CONTENT
    assert len(server.requests) == 13


def test_no_progress_is_given_up_and_what_arrived_is_kept(server, tmp_path):
    server.ranges = False
    server.cut = [50_000] * 20
    with pytest.raises(UserError, match="after 50000 of 5120000 bytes: run again to go on from 50000 bytes"):
        fetch(server, tmp_path / "a")
    assert len(server.requests) == 6
    assert (tmp_path / "a.part").read_bytes() == CONTENT[:50_000]


def test_a_complete_part_is_only_checked(server, tmp_path):
    (tmp_path / "a.part").write_bytes(CONTENT)
    assert fetch(server, tmp_path / "a").read_bytes() == CONTENT
    assert server.requests == [f"bytes={len(CONTENT)}-"]


def test_wrong_hash_is_refused_and_removed(server, tmp_path):
    with pytest.raises(UserError, match=f"SHA-256 {sha256(CONTENT)}, expected {'0' * 64}: removed"):
        fetch(server, tmp_path / "a", "0" * 64)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_fetched_again(server, tmp_path):
    (tmp_path / "a").write_bytes(b"damaged")
    assert fetch(server, tmp_path / "a").read_bytes() == CONTENT


def test_not_found_is_final_and_unavailable_is_not(server, tmp_path):
    server.statuses = [503, 429]
    assert fetch(server, tmp_path / "a").read_bytes() == CONTENT
    server.statuses = [404]
    with pytest.raises(UserError, match=r"data\.archive: http://127.*answers 404"):
        fetch(server, tmp_path / "b")
    assert len(server.requests) == 4


def test_a_length_that_is_no_number_is_no_length(server, tmp_path):
    server.length = "abc"
    assert fetch(server, tmp_path / "a").read_bytes() == CONTENT


@pytest.mark.parametrize("length", [None, "abc"])
def test_what_the_disk_has_no_room_for_is_refused_and_leaves_nothing(server, tmp_path, monkeypatch, length):
    server.length = length
    monkeypatch.setattr(space, "RESERVE", 1 << 60)
    with pytest.raises(UserError, match=r"data\.archive: http.*does not fit: .* GB left"):
        fetch(server, tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_more_than_any_set_of_photographs_is_refused(server, tmp_path, monkeypatch):
    server.length = "abc"
    monkeypatch.setattr(space, "MAX_BYTES", 10**6)
    with pytest.raises(UserError, match="is larger than 0 GB: use a smaller archive"):
        fetch(server, tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_nobody_listens(server, tmp_path):
    server.close()
    with pytest.raises(UserError, match="refused"):
        fetch(server, tmp_path / "a")


def test_file_urls(tmp_path):
    source = tmp_path / "source.zip"
    source.write_bytes(CONTENT)
    (tmp_path / "a.part").write_bytes(b"old")
    assert download(source.as_uri(), sha256(CONTENT), tmp_path / "a").read_bytes() == CONTENT
    with pytest.raises(UserError, match=r"cannot read file:.*missing"):
        download((tmp_path / "missing").as_uri(), "0" * 64, tmp_path / "b")


def picture():
    stream = io.BytesIO()
    Image.new("RGB", (32, 32), "red").save(stream, "PNG")
    return stream.getvalue()


def zipped(*names):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        for name in names:
            file.writestr(name, picture())
    return stream.getvalue()


def tarred(*names, **special):
    """Pictures, and members of other types: ``link=(tarfile.SYMTYPE, "target")``."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as file:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = len(picture())
            file.addfile(member, io.BytesIO(picture()))
        for name, (kind, target) in special.items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            file.addfile(member)
    return stream.getvalue()


def deflated(name):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, CONTENT[:5000])
    return stream.getvalue()


def flipped(data):
    """Damaged in the middle of the compressed bytes."""
    damaged = bytearray(data)
    damaged[60:64] = b"\xff\xff\xff\xff"
    return bytes(damaged)


@pytest.mark.parametrize(
    "data",
    [
        zipped("ok.png", "../evil.png"),
        zipped("/evil.png"),
        zipped("a/..\\..\\evil.png"),
        tarred("ok.png", "../evil.png"),
        tarred("x/../../evil.png"),
        tarred("a" * 300 + ".png"),
        zipped("ok.png", "a" * 300 + ".png"),
        tarred("a", "a/b"),
        zipped("a", "a/b"),
        zipped("a/b", "a"),
        b"neither zip nor tar",
        zipped("a.png")[:-30],
        tarred("a.png")[:-30],
        flipped(deflated("a.png")),
        flipped(tarred("a.png")),
    ],
)
def test_hostile_and_damaged_archives_leave_nothing(tmp_path, data):
    inside = tmp_path / "deep" / "er"
    inside.mkdir(parents=True)
    (inside / "a").write_bytes(data)
    with pytest.raises(UserError, match=r"data\.archive: a cannot be unpacked") as caught:
        extract(inside / "a", inside / "out")
    assert len(str(caught.value)) < 200 and "\n" not in str(caught.value)
    assert [path for path in tmp_path.rglob("*") if path != inside.parent] == [inside, inside / "a"]


def test_only_files_and_their_folders_are_unpacked(tmp_path):
    """A link could make a later member write elsewhere: CVE-2025-4517 got past tarfile's own filter."""
    (tmp_path / "secret").write_text("secret")
    special = {
        "link.png": (tarfile.SYMTYPE, "../secret"), "inside.png": (tarfile.SYMTYPE, "ok.png"),
        "hard.png": (tarfile.LNKTYPE, "../secret"), "pipe.png": (tarfile.FIFOTYPE, ""),
        "disk.png": (tarfile.BLKTYPE, ""), "folder": (tarfile.DIRTYPE, ""),
    }  # fmt: skip
    (tmp_path / "a").write_bytes(tarred("ok.png", **special))
    assert [path.name for path in extract(tmp_path / "a", tmp_path / "tar").iterdir()] == ["ok.png"]
    with zipfile.ZipFile(tmp_path / "b", "w") as file:
        link = zipfile.ZipInfo("link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(link, "../secret")
        file.writestr("sub/ok.png", picture())
    folder = extract(tmp_path / "b", tmp_path / "zip")
    assert [path.relative_to(folder).as_posix() for path in folder.rglob("*")] == ["sub", "sub/ok.png"]


def zeros(size):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file, file.open("zeros.png", "w") as member:
        for _ in range(size // 10**6):
            member.write(bytes(10**6))
    return stream.getvalue()


def long_header():
    """A tar file whose first header says that a name of a gigabyte follows."""
    member = tarfile.TarInfo("x")
    member.type, member.size = tarfile.GNUTYPE_LONGNAME, 10**9
    return member.tobuf(tarfile.GNU_FORMAT) + bytes(10_240)


@pytest.mark.parametrize(
    ("data", "limits", "message"),
    [
        (zeros(150 * 10**6), {}, "it unpacks to more than 115 MB"),
        (long_header(), {}, "a header of 1000000000 bytes"),
        (zipped("a.png", "b.png", "c.png"), {"extract.MAX_MEMBERS": 2}, "it has more than 2 members"),
        (tarred("a.png", "b.png", "c.png"), {"extract.MAX_MEMBERS": 2}, "it has more than 2 members"),
        (zipped("a.png"), {"space.RESERVE": 1 << 60}, "does not fit: "),
        (zipped("a.png"), {"space.MAX_BYTES": 10}, "is larger than"),
    ],
)
def test_an_archive_that_would_fill_disk_or_memory_leaves_nothing(tmp_path, monkeypatch, data, limits, message):
    for name, value in limits.items():
        monkeypatch.setattr(f"ftn_core.sources.{name}", value)
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(UserError, match=rf"data\.archive: a .*{message}"):
        extract(tmp_path / "a", tmp_path / "out")
    assert list(tmp_path.iterdir()) == [tmp_path / "a"]


def test_an_interrupted_unpacking_is_done_again(tmp_path, monkeypatch):
    (tmp_path / "a.zip").write_bytes(zipped("a.png", "b.png"))

    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(zipfile.ZipFile, "infolist", interrupt)
        with pytest.raises(KeyboardInterrupt):
            extract(tmp_path / "a.zip", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert sorted(path.name for path in extract(tmp_path / "a.zip", tmp_path / "out").iterdir()) == ["a.png", "b.png"]


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_archive_source_from_url_to_photographs(server, tmp_path, pack):
    server.content = pack("top/train/a.png", "top/test/b.png", "top/notes/c.txt", "other/d.png")
    archive = Archive(url=server.url, sha256=sha256(server.content), terms="CC0")

    def photographs():
        return list(
            archive_photographs(archive, downloads=tmp_path, include=["top/**"], val_fraction=0, test_fraction=0)
        )

    assert [(p.name, p.split, p.source, p.terms) for p in photographs()] == [
        ("top/test/b.png", "test", "archive photos.zip", "CC0"),
        ("top/train/a.png", "train", "archive photos.zip", "CC0"),
    ]
    assert photographs()[0].path.read_bytes() == picture()
    assert len(server.requests) == 1


@pytest.mark.parametrize("letter", ["a", "é", "写", "🎞", "%C3%A9"])
def test_a_long_name_of_an_archive_in_any_letters(server, tmp_path, letter):
    server.content = zipped("a.png")
    url = server.url.replace("photos", letter * 300)
    archive = Archive(url=url, sha256=sha256(server.content), terms="CC0")
    (found,) = archive_photographs(archive, downloads=tmp_path, include=["**"], val_fraction=0, test_fraction=0)
    assert found.path.read_bytes() == picture()
    target, folder = sorted(tmp_path.iterdir())
    assert target.name[:17] == f"{archive.sha256[:16]}-" and target.suffix == ".zip"
    assert folder.name == f"{target.name}.unpacked" and len(folder.name.encode()) < 200


def test_a_preset_reads_its_folder_of_photographs_only(server, tmp_path, monkeypatch):
    root = "BSR/BSDS500/data/images"
    server.content = tarred(f"{root}/train/1.png", f"{root}/val/2.png", f"{root}/test/3.png", "BSR/bench/x.png")
    preset = module._PRESETS["bsds500"]
    assert preset.root == root
    local = Archive(url=server.url, sha256=sha256(server.content), terms=preset.archive.terms)
    monkeypatch.setitem(module._PRESETS, "bsds500", module._Preset(local, preset.root))
    photographs = archive_photographs(
        "bsds500", downloads=tmp_path, include=["**"], val_fraction=0.1, test_fraction=0.1
    )
    assert [(p.name, p.split) for p in photographs] == [
        ("test/3.png", "test"),
        ("train/1.png", "train"),
        ("val/2.png", "val"),
    ]


def test_include_that_matches_nothing_in_the_archive(server, tmp_path):
    server.content = zipped("a.png")
    archive = Archive(url=server.url, sha256=sha256(server.content), terms="CC0")
    with pytest.raises(UserError, match=r"data\.include"):
        list(archive_photographs(archive, downloads=tmp_path, include=["x/**"], val_fraction=0, test_fraction=0))
