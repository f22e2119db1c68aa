"""Packs photographs into one store for each split, with a manifest of their sources."""

import json
import shutil
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ftn_core.data.store import StoreWriter
from ftn_core.parameters.data import Archive
from ftn_core.sources.archive import archive_photographs
from ftn_core.sources.decode import Unusable, decode, decoded_size
from ftn_core.sources.download import file_sha256
from ftn_core.sources.folder import folder_photographs
from ftn_core.sources.photograph import Photograph
from ftn_core.sources.sample import sample_photographs
from ftn_core.sources.splits import SPLITS
from ftn_core.utils.errors import UserError
from ftn_core.utils.prefetch import prefetch
from ftn_core.utils.progress import Progress

_BYTES_IN_FLIGHT = 2**27
"""Bytes of decoded images for each core that may wait for the writer: more than one photograph of a camera."""
_FILES_IN_FLIGHT = 8
"""Files for each core that are read before their hashes are needed."""

_REMEDIES = {
    "train": "widen data.include or name another data.source",
    "val": "raise data.val_fraction or put images below a folder named val",
    "test": "raise data.test_fraction or put images below a folder named test",
}


def pack_photographs(
    out: Path,
    *,
    source: Literal["sample", "folder", "archive"],
    folder: Path,
    include: Sequence[str],
    archive: str | Archive,
    val_fraction: float,
    test_fraction: float,
    min_side: int,
    max_pixels: int,
    downloads: Path,
) -> None:
    """Write ``out/{train,val,test}/`` (uint8 stores) and ``out/manifest.json``, all or nothing.

    Images that cannot be used are skipped, and the manifest states why. A file that occurs twice is used once. If one
    of its copies is held out, it is not used for training. The same files give the same bytes. All cores decode, and
    the bytes of decoded images in memory are bounded.

    Args:
        out: replaced if it exists.
        source, folder, include, archive, val_fraction, test_fraction, min_side, max_pixels: as in
            ``ftn_core.parameters.data.Data``.
        downloads: folder in which archives are kept between runs.

    Raises:
        UserError: the source cannot be read, or a split would be empty.
    """
    match source:
        case "sample":
            found = sample_photographs()
        case "folder":
            found = folder_photographs(folder, include=include, val_fraction=val_fraction, test_fraction=test_fraction)
        case "archive":
            found = archive_photographs(
                archive,
                downloads=downloads,
                include=include,
                val_fraction=val_fraction,
                test_fraction=test_fraction,
            )
    photographs = list(found)
    partial = out.with_name(out.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        _pack(partial, photographs, min_side, max_pixels)
        shutil.rmtree(out, ignore_errors=True)
        partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _pack(out: Path, photographs: list[Photograph], min_side: int, max_pixels: int) -> None:
    hashes = _hashes(photographs)
    skipped = _unreadable_and_repeated(photographs, hashes)
    images: list[dict[str, str | int]] = []

    def pixels_of(photograph: Photograph) -> NDArray[np.uint8] | Unusable:
        try:
            return decode(photograph.path, min_side=min_side, max_pixels=max_pixels)
        except Unusable as reason:
            return reason

    wanted = [photograph for photograph in photographs if photograph.name not in skipped]
    progress = Progress("packing photographs", "images", len(wanted))
    with ExitStack() as stack:
        writers = {split: stack.enter_context(StoreWriter(out / split, "uint8")) for split in SPLITS}
        decoded = stack.enter_context(
            closing(prefetch(pixels_of, wanted, cost=lambda item: decoded_size(item.path), budget=_BYTES_IN_FLIGHT))
        )
        for done, (photograph, pixels) in enumerate(zip(wanted, decoded, strict=True), 1):
            if isinstance(pixels, Unusable):
                skipped[photograph.name] = str(pixels)
            else:
                writers[photograph.split].append(photograph.name, pixels)
                images.append(_entry(photograph, pixels, hashes[photograph.name]))
            progress(done)
    _check(photographs, images, skipped)
    manifest = {
        "images": images,
        "skipped": [{"name": name, "reason": reason} for name, reason in sorted(skipped.items())],
    }
    (out / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


def _hashes(photographs: list[Photograph]) -> dict[str, str]:
    """SHA-256 of each file, by the photograph's name; empty if the file cannot be read."""

    def content(photograph: Photograph) -> str:
        try:
            return file_sha256(photograph.path)
        except OSError:
            return ""

    progress = Progress("reading photographs", "files", len(photographs))
    hashes = {}
    contents = prefetch(content, photographs, cost=lambda _: 1, budget=_FILES_IN_FLIGHT)
    for photograph, sha256 in zip(photographs, contents, strict=True):
        hashes[photograph.name] = sha256
        progress(len(hashes))
    return hashes


def _unreadable_and_repeated(photographs: list[Photograph], hashes: dict[str, str]) -> dict[str, str]:
    """Names of photographs that need no decoding, each with the reason."""
    skipped = {}
    kept: dict[str, str] = {}
    # test before val before train, so that no test image is trained on
    for photograph in sorted(photographs, key=lambda photograph: SPLITS.index(photograph.split), reverse=True):
        sha256 = hashes[photograph.name]
        if not sha256:
            skipped[photograph.name] = "unreadable file"
        elif sha256 in kept:
            skipped[photograph.name] = f"same file as {kept[sha256]}"
        else:
            kept[sha256] = photograph.name
    return skipped


def _entry(photograph: Photograph, pixels: NDArray[np.uint8], sha256: str) -> dict[str, str | int]:
    _, height, width = pixels.shape
    return {
        "name": photograph.name,
        "split": photograph.split,
        "width": width,
        "height": height,
        "sha256": sha256,
        "source": photograph.source,
        "terms": photograph.terms,
    }


def _check(photographs: list[Photograph], images: list[dict[str, str | int]], skipped: dict[str, str]) -> None:
    used = {split: sum(image["split"] == split for image in images) for split in SPLITS}
    for split in SPLITS:
        if used[split]:
            continue
        counts = ", ".join(f"{used[split]} {split}" for split in SPLITS)
        message = f"no usable {split} image among {len(photographs)} found ({counts}, {len(skipped)} skipped)"
        lost = [photograph.name for photograph in photographs if photograph.name in skipped]
        reasons = "; ".join(f"{name}: {skipped[name]}" for name in lost[:3])
        raise UserError(message + (f"; {reasons}" if reasons else "") + f": {_REMEDIES[split]}")
