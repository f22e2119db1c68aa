"""Results and weights as a few files of bounded size, which is what a lent machine gives back."""

import hashlib
import json
import struct
import tarfile
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from benchmarks.gpu import GPU
from ftn_core.utils.errors import UserError
from ftn_core.utils.messages import say

CHUNK = 15 * 2**20
MOST = 4
"""Chunks at most: states of unfinished trainings are left out if there were more."""
KEPT = ("*.*", "spent", "done/*", "models/**/*", "results/**/*", "data/photographs/manifest.json", ".ftn/tracking/*")
STATES = ".ftn/resume/*"
INDEX = "index.json"


def write_archive(out: Path) -> None:
    """Replace the archive in ``out`` by one of all parts as they are now, if anything has changed."""
    parts = [folder for folder in sorted(GPU.iterdir()) if (folder / "spent").exists()]
    kept = _files(parts, KEPT)
    found = kept + _files(parts, (STATES,))
    packed = _pack(found)
    if len(packed) > MOST * CHUNK:
        packed = _pack(kept)
    digest = hashlib.sha256(packed).hexdigest()[:8]
    out.mkdir(parents=True, exist_ok=True)
    old = list(out.glob("gpu-*"))
    if any(digest in path.name for path in old):
        return
    # a kill leaves the old archive whole: its files go last
    for start in range(0, len(packed), CHUNK):
        name = f"gpu-{time.time_ns()}-{digest}-{start // CHUNK}-of-{-(-len(packed) // CHUNK)}"
        (out / name).write_bytes(packed[start : start + CHUNK])
    for path in old:
        path.unlink()


def unpack(folder: Path) -> None:
    """Put the newest whole archive in a folder back into ``.gpu``.

    Raises:
        UserError: there is none.
    """
    by_digest: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("gpu-*")):  # names begin with the time
        by_digest.setdefault(path.name.split("-")[2], []).append(path)
    for digest, chunks in reversed(by_digest.items()):
        packed = b"".join(path.read_bytes() for path in chunks)
        if hashlib.sha256(packed).hexdigest()[:8] == digest:
            break
    else:
        raise UserError(f"{folder} holds no whole archive gpu-...: name the folder that --out named")
    with tarfile.open(fileobj=BytesIO(packed)) as tar:
        pieces = {member.name: tar.extractfile(member) for member in tar.getmembers()}
        read = {name: file.read() for name, file in pieces.items() if file}
    index = json.loads(read.pop(INDEX))
    for name, hashes in index.items():
        path = GPU / name
        if not path.resolve().is_relative_to(GPU.resolve()):
            raise UserError(f"{folder}: {name} leads out of {GPU}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(read[piece] for piece in hashes))
    say(f"unpacked {', '.join(sorted({name.split('/')[0] for name in index}))} into {GPU.name}/")


def _files(parts: list[Path], patterns: tuple[str, ...]) -> list[Path]:
    found = [path for part in parts for pattern in patterns for path in sorted(part.glob(pattern))]
    return [path for path in dict.fromkeys(found) if path.is_file()]


def _pack(files: list[Path]) -> bytes:
    """A tar of unique pieces, without times, and which of them make up each file."""
    pieces: dict[str, bytes] = {}
    index: dict[str, list[str]] = {}
    for path in files:
        try:
            data = path.read_bytes()
        except FileNotFoundError:  # a training has ended
            continue
        hashes = []
        for piece in _tensors(data) if path.suffix == ".safetensors" else [data]:
            name = hashlib.sha256(piece).hexdigest()
            pieces[name] = piece
            hashes.append(name)
        index[path.relative_to(GPU).as_posix()] = hashes
    packed = BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, piece in {INDEX: json.dumps(index).encode(), **pieces}.items():
            member = tarfile.TarInfo(name)
            member.size = len(piece)
            tar.addfile(member, BytesIO(piece))
    return packed.getvalue()


def _tensors(data: bytes) -> Iterator[bytes]:
    """A file cut at its tensors: those of a base come again in each of its denoisers."""
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    ends = sorted(8 + length + entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__")
    start = 0
    for end in [8 + length, *ends]:
        if end > start:
            yield data[start:end]
            start = end
