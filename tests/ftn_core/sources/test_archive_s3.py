"""Archives in a real S3 server."""

import hashlib
import io
import re
import socket
import threading
import zipfile
from dataclasses import replace

import pytest
from PIL import Image
from s3 import ADMIN, READER, User, without_ambient_credentials

from ftn_core.parameters.data import Archive
from ftn_core.sources.archive import archive_photographs
from ftn_core.sources.download import download
from ftn_core.utils.errors import UserError

CONTENT = bytes(range(256)) * 20_000
BUCKET = "archives"
URL = f"s3://{BUCKET}/some folder/photos+1.zip"


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Proxy:
    """Passes bytes on to a server; ``ranges`` holds the Range of each request, ``cut`` after how many bytes of the
    answer each connection to come is dropped."""

    def __init__(self, endpoint):
        host, port = endpoint.removeprefix("http://").split(":")
        self.target = host, int(port)
        self.cut, self.ranges = [], []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(self.target)
            limit = self.cut.pop(0) if self.cut else None
            threading.Thread(target=self._requests, args=(client, server), daemon=True).start()
            threading.Thread(target=self._answers, args=(server, client, limit), daemon=True).start()

    def _requests(self, client, server):
        while data := client.recv(1 << 16):
            found = re.search(rb"\r\nRange: (\S+)\r\n", data, re.IGNORECASE)
            self.ranges.append(found[1].decode() if found else None)
            server.sendall(data)

    @staticmethod
    def _answers(server, client, limit):
        while data := server.recv(1 << 16):
            client.sendall(data[:limit])
            if limit is not None and (limit := limit - len(data)) <= 0:
                break
        for s in (server, client):
            s.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.listener.close()


@pytest.fixture
def bucket(s3):
    client = s3.bucket(BUCKET)
    client.put_object(Bucket=BUCKET, Key=URL.split("/", 3)[3], Body=CONTENT)
    return client


@pytest.fixture
def proxy(s3):
    proxy = Proxy(s3.endpoint)
    yield proxy
    proxy.close()


@pytest.fixture
def come_as(s3, bucket, tmp_path, monkeypatch):
    """Sets what boto3 reads: the user, and an endpoint other than the server itself."""

    def come_as(user=READER, endpoint=s3.endpoint):
        without_ambient_credentials(monkeypatch, tmp_path)
        for name, value in replace(s3, endpoint=endpoint).environment(user).items():
            monkeypatch.setenv(name, value)

    come_as()
    return come_as


def fetch(target, url=URL, expected=None, delay=0.0):
    return download(url, expected or sha256(CONTENT), target, delay=delay)


def test_a_whole_object(come_as, tmp_path):
    assert fetch(tmp_path / "new" / "a").read_bytes() == CONTENT
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a"]


def test_a_killed_download_goes_on_where_it_was(come_as, proxy, tmp_path):
    come_as(endpoint=proxy.endpoint)
    (tmp_path / "a.part").write_bytes(CONTENT[:1000])
    assert fetch(tmp_path / "a").read_bytes() == CONTENT
    assert proxy.ranges == ["bytes=1000-"]


def test_dropped_connections_are_resumed(come_as, proxy, tmp_path, capsys):
    come_as(endpoint=proxy.endpoint)
    proxy.cut = [700_000, 500_000]
    assert fetch(tmp_path / "a").read_bytes() == CONTENT
    first, second, third = proxy.ranges
    assert first is None
    assert 600_000 < int(second[6:-1]) < 700_000 < 1_000_000 < int(third[6:-1]) < 1_200_000
    assert "the connection ended before the answer did; trying again" in capsys.readouterr().out


def test_a_complete_part_is_only_checked(come_as, proxy, tmp_path):
    come_as(endpoint=proxy.endpoint)
    (tmp_path / "a.part").write_bytes(CONTENT)
    assert fetch(tmp_path / "a").read_bytes() == CONTENT
    assert proxy.ranges == [f"bytes={len(CONTENT)}-"]


def test_wrong_hash_is_refused_and_removed(come_as, tmp_path):
    with pytest.raises(UserError, match=f"SHA-256 {sha256(CONTENT)}, expected {'0' * 64}: removed"):
        fetch(tmp_path / "a", expected="0" * 64)
    assert list(tmp_path.iterdir()) == []


def test_an_object_that_changes_between_the_parts_is_not_taken(come_as, bucket, proxy, tmp_path):
    come_as(endpoint=proxy.endpoint)
    proxy.cut = [700_000] + [0] * 5  # no further answer: given up with what has arrived
    with pytest.raises(UserError, match="run again to go on from"):
        fetch(tmp_path / "a")
    assert 600_000 < (tmp_path / "a.part").stat().st_size < 700_000
    new = CONTENT[::-1]
    bucket.put_object(Bucket=BUCKET, Key=URL.split("/", 3)[3], Body=new)
    with pytest.raises(UserError, match="removed"):
        fetch(tmp_path / "a", expected=sha256(new))
    assert fetch(tmp_path / "a", expected=sha256(new)).read_bytes() == new


@pytest.mark.parametrize(
    ("user", "url", "message"),
    [
        (READER, f"s3://{BUCKET}/missing.zip", "no such object in bucket archives"),
        (READER, "s3://missing/a.zip", "missing bucket: there is no bucket missing"),
        (User("nobody", "planted-secret"), URL, "bad key id"),
        (User(ADMIN.key, "planted-secret"), URL, "wrong secret"),
    ],
)
def test_what_cannot_pass_is_final_at_once(come_as, proxy, tmp_path, capsys, user, url, message):
    come_as(user, proxy.endpoint)
    with pytest.raises(UserError, match=f"data.archive: cannot read s3://.*{message}") as caught:
        fetch(tmp_path / "a", url, delay=60)
    assert len(proxy.ranges) == 1
    assert "planted" not in str(caught.value) + capsys.readouterr().out


def test_without_credentials(come_as, tmp_path, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(UserError, match=r"no credentials found: looked at AWS_ACCESS_KEY_ID .*~/\.aws/credentials"):
        fetch(tmp_path / "a", delay=60)
    monkeypatch.setenv("AWS_PROFILE", "absent")
    with pytest.raises(UserError, match="no profile absent"):
        fetch(tmp_path / "a", delay=60)


def test_nobody_listens(come_as, tmp_path):
    come_as(endpoint="http://user:planted@127.0.0.1:1")
    with pytest.raises(UserError, match=r"failed: unreachable: the connection was refused.*from 0 bytes") as caught:
        fetch(tmp_path / "a")
    assert "planted" not in str(caught.value)


def test_archive_source_from_address_to_photographs(come_as, bucket, tmp_path):
    picture, stream = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (32, 32), "red").save(picture, "PNG")
    with zipfile.ZipFile(stream, "w") as file:
        file.writestr("train/a.png", picture.getvalue())
    bucket.put_object(Bucket=BUCKET, Key="set.zip", Body=stream.getvalue())
    archive = Archive(url=f"s3://{BUCKET}/set.zip", sha256=sha256(stream.getvalue()), terms="CC0")
    (photograph,) = archive_photographs(archive, downloads=tmp_path, include=["**"], val_fraction=0, test_fraction=0)
    assert (photograph.name, photograph.source) == ("train/a.png", "archive set.zip")
    assert photograph.path.read_bytes() == picture.getvalue()


@pytest.mark.parametrize("url", ["s3://bucket", "s3://bucket/", "s3:///key", "s3://key:secret@bucket/key", "ftp://a/b"])
def test_addresses_that_are_refused(url):
    with pytest.raises(ValueError, match="url"):
        Archive(url=url, sha256="0" * 64, terms="CC0")
