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

    The folder appears only when all images are written. An interrupted writer leaves nothing that looks like a
    complete store.
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
        """Add one image, ``3 x H x W``, of the store's dtype. Raises ``ValueError`` for another shape or dtype."""
        self.append_chunks(name, pixels.shape, [pixels])

    def append_chunks(self, name: str, shape: tuple[int, ...], chunks: Iterable[NDArray]) -> None:
        """Add one image of ``shape``, ``3 x H x W``, from chunks of its flattened values, in order.

        Raises:
            ValueError: the shape or a dtype is wrong, or the chunks do not fill the shape.
        """
        channels, height, width = shape
        size = 0
        for chunk in chunks:
            if channels != 3 or chunk.dtype != self._dtype:
                raise ValueError(f"{name}: expected 3 x H x W of {self._dtype}, got {shape} of {chunk.dtype}")
            self._file.write(np.ascontiguousarray(chunk).data)
            size += chunk.size
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
        """All images, flattened, one after the other."""
        self.offsets = np.array([image["offset"] for image in self._images], np.int64)
        """Index in ``pixels`` at which each image begins."""
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
        """A copy of image ``i``, ``3 x H x W``, whose memory is freed with it.

        The mapped pages of ``self[i]`` stay in memory for as long as the store exists.
        """
        image = self[i]
        start = int(self.offsets[i]) * image.itemsize
        return np.fromfile(self.folder / PIXELS, image.dtype, image.size, offset=start).reshape(image.shape)

    def __iter__(self) -> Iterator[NDArray]:
        return (self[i] for i in range(len(self)))
