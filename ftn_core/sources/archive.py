"""Photographs in an archive on the web."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from ftn_core.parameters.data import Archive
from ftn_core.sources.download import download
from ftn_core.sources.extract import extract
from ftn_core.sources.folder import folder_photographs
from ftn_core.sources.photograph import Photograph


@dataclass(frozen=True)
class _Preset:
    archive: Archive
    root: str
    """The folder in the archive that holds the photographs and no other images."""


# URLs, sizes and checksums: the checksum files of TensorFlow Datasets (div2k) and of
# github.com/HedgehogCode/tensorflow-datasets-bw (bsds500)
_PRESETS = {
    # 3,530,603,713 bytes
    "div2k": _Preset(
        Archive(
            url="https://data.vision.ee.ethz.ch/cvl/DIV2K/DIV2K_train_HR.zip",
            sha256="9d0b9c463f6e35b6c62cc6a930ee2224f670b34c1df841a57670f9acf0f6c335",
            terms="academic research only, https://data.vision.ee.ethz.ch/cvl/DIV2K/",
        ),
        root="DIV2K_train_HR",
    ),
    # 252,190,720 bytes
    "bsds500": _Preset(
        Archive(
            url="https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/BSR/BSR_full.tgz",
            sha256="4c34984b11f4efe83c2754dc94760e7fe2a93b66e3fe44d231bddf6e0fb6b4f9",
            terms="non-commercial research and education, Arbelaez et al., TPAMI 2011",
        ),
        root="BSR/BSDS500/data/images",
    ),
}


def archive_photographs(
    archive: str | Archive,
    *,
    downloads: Path,
    include: Sequence[str],
    val_fraction: float,
    test_fraction: float,
) -> Iterator[Photograph]:
    """The photographs of an archive, given by a preset's name or by URL, as from ``folder_photographs``.

    The archive is downloaded and unpacked below ``downloads``, once. ``include`` and the photographs' names are
    relative to the preset's folder of photographs, or to the archive's root.

    Raises:
        UserError: the archive cannot be downloaded, has the wrong SHA-256, cannot be unpacked, or no image matches.
    """
    preset = _Preset(archive, root=".") if isinstance(archive, Archive) else _PRESETS[archive]
    wanted = preset.archive
    name = PurePosixPath(urlsplit(wanted.url).path).name or "archive"
    # the checksum is part of the name, so that a changed sha256 does not find the old file; no file system takes more
    # than 255 bytes
    end = name.encode()[-100:].decode(errors="ignore")
    target = downloads / f"{wanted.sha256[:16]}-{end}"
    folder = target.with_name(target.name + ".unpacked")
    if not folder.is_dir():
        extract(download(wanted.url, wanted.sha256, target), folder)
    return folder_photographs(
        folder / preset.root,
        include=include,
        val_fraction=val_fraction,
        test_fraction=test_fraction,
        source=f"archive {name}",
        terms=wanted.terms,
    )
