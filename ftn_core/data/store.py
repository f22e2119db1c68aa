"""Packed images: one flat file of planar pixels and an index, memory-mapped for reading."""

import json
import math
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ftn_core.utils.errors import UserError

PIXELS = "pixels.bin"
INDEX = "index.json"


class StoreWriter:
    """Writes a store image by image, so that memory does not grow with the data.

    The folder appears only when all is written: an interrupted writer leaves nothing that could be mistaken
    for a whole store.
    """

    def __init__(self, folder: Path, dtype: str) -> None:
        self.folder = folder
        self._partial = folder.with_name(folder.name + ".partial")
        self._dtype = np.dtype(dtype)
        self._images: list[dict[str, str | int]] = []
        self._offset = 0

    def __enter__(self) -> Self:
        shutil.rmtree(self._partial, ignore_errors=True)
        self._partial.mkdir(parents=True)
        self._file = (self._partial / PIXELS).open("wb")
        return self

    def append(self, name: str, pixels: NDArray) -> None:
        """Add one image, ``3 x H x W``, of the store's dtype."""
        self.append_pieces(name, pixels.shape, [pixels])

    def append_pieces(self, name: str, shape: tuple[int, ...], pieces: Iterable[NDArray]) -> None:
        """Add one image of ``shape``, ``3 x H x W``, that comes in pieces, one after the other in its flat order."""
        channels, height, width = shape
        size = 0
        for piece in pieces:
            if channels != 3 or piece.dtype != self._dtype:
                raise ValueError(f"{name}: expected 3 x H x W of {self._dtype}, got {shape} of {piece.dtype}")
            self._file.write(np.ascontiguousarray(piece).data)
            size += piece.size
        if size != math.prod(shape):
            raise ValueError(f"{name}: {size} values do not fill {shape}")
        self._images.append({"name": name, "height": height, "width": width, "offset": self._offset})
        self._offset += size

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if kind is not None:
            shutil.rmtree(self._partial, ignore_errors=True)
            return
        index = {"dtype": self._dtype.name, "images": self._images}
        (self._partial / INDEX).write_text(json.dumps(index, indent=0) + "\n")
        shutil.rmtree(self.folder, ignore_errors=True)
        self._partial.rename(self.folder)


class Store:
    """Read-only view of a packed store; ``store[i]`` is a memory-mapped ``3 x H x W`` array.

    Raises:
        UserError: the folder holds no store, or its pixels are shorter than the index says.
    """

    def __init__(self, folder: Path) -> None:
        try:
            index = json.loads((folder / INDEX).read_text())
        except FileNotFoundError:
            raise UserError(f"{folder} holds no packed images: run `dvc repro` to make them") from None
        self.folder = folder
        self.names: list[str] = [image["name"] for image in index["images"]]
        self._images = index["images"]
        dtype = np.dtype(index["dtype"])
        # an empty file cannot be mapped
        empty = np.empty(0, dtype)
        self.pixels: NDArray = np.memmap(folder / PIXELS, dtype, mode="r") if self._images else empty
        """All images one after the other, flat."""
        self.offsets = np.array([image["offset"] for image in self._images], np.int64)
        """Where each image begins in ``pixels``."""
        expected = sum(3 * image["height"] * image["width"] for image in self._images)
        if self.pixels.size != expected:
            raise UserError(f"{folder / PIXELS} holds {self.pixels.size} values, not {expected}: delete {folder}")

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, i: int) -> NDArray:
        image = self._images[i]
        shape = (3, image["height"], image["width"])
        return self.pixels[image["offset"] : image["offset"] + int(np.prod(shape))].reshape(shape)

    def read(self, i: int) -> NDArray:
        """Image ``i`` in memory of its own, freed with it: the pages of ``self[i]`` stay for as long as the store."""
        image = self[i]
        start = int(self.offsets[i]) * image.itemsize
        return np.fromfile(self.folder / PIXELS, image.dtype, image.size, offset=start).reshape(image.shape)

    def __iter__(self) -> Iterator[NDArray]:
        return (self[i] for i in range(len(self)))
