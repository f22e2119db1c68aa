import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftn_core.data.store import INDEX, PIXELS, Store, StoreWriter
from ftn_core.utils.errors import UserError

shapes = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), max_size=6)


@given(shapes, st.sampled_from(["uint8", "float16"]))
def test_what_is_written_is_read(tmp_path_factory, sizes, dtype):
    folder = tmp_path_factory.mktemp("store") / "s"
    random = np.random.default_rng(0)
    images = [random.integers(0, 256, (3, *size)).astype(dtype) for size in sizes]
    with StoreWriter(folder, dtype) as writer:
        for i, image in enumerate(images):
            writer.append(f"{i}.png", image)
    store = Store(folder)
    assert len(store) == len(images)
    assert store.names == [f"{i}.png" for i in range(len(images))]
    for image, read in zip(images, store, strict=True):
        assert read.dtype == dtype
        np.testing.assert_array_equal(read, image)
    for i, image in enumerate(images):
        assert store.read(i).dtype == dtype
        np.testing.assert_array_equal(store.read(i), image)


def test_planes_that_are_not_contiguous(tmp_path):
    image = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    with StoreWriter(tmp_path / "s", "uint8") as writer:
        writer.append("a", image.transpose(2, 0, 1))
    np.testing.assert_array_equal(Store(tmp_path / "s")[0], image.transpose(2, 0, 1))


def test_an_image_in_chunks(tmp_path):
    image = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)
    with StoreWriter(tmp_path / "s", "uint8") as writer:
        writer.append("a", image)
        writer.append_chunks("b", image.shape, np.split(image.reshape(-1), [7, 7, 41]))
    store = Store(tmp_path / "s")
    assert store.names == ["a", "b"]
    np.testing.assert_array_equal(store[1], image)


@pytest.mark.parametrize("size", [59, 61])
def test_chunks_that_do_not_fill_the_image_are_refused(tmp_path, size):
    chunks = np.split(np.zeros(size, np.uint8), [20, 40])
    with pytest.raises(ValueError, match=rf"a\.png: {size} values"), StoreWriter(tmp_path / "s", "uint8") as writer:
        writer.append_chunks("a.png", (3, 4, 5), chunks)


def test_an_interrupted_writer_leaves_the_old_store(tmp_path):
    one = np.ones((3, 2, 2), np.uint8)
    with StoreWriter(tmp_path / "s", "uint8") as writer:
        writer.append("old", one)
    with pytest.raises(KeyboardInterrupt), StoreWriter(tmp_path / "s", "uint8") as writer:
        writer.append("new", one)
        raise KeyboardInterrupt
    assert Store(tmp_path / "s").names == ["old"]
    assert [path.name for path in tmp_path.iterdir()] == ["s"]


@pytest.mark.parametrize("image", [np.ones((1, 2, 2), np.uint8), np.ones((3, 2, 2), np.float32)])
def test_wrong_images_are_refused_by_name(tmp_path, image):
    with pytest.raises(ValueError, match=r"a\.png"), StoreWriter(tmp_path / "s", "uint8") as writer:
        writer.append("a.png", image)


def test_stored_images_cannot_be_changed(tmp_path):
    with StoreWriter(tmp_path / "s", "uint8") as writer:
        writer.append("a", np.ones((3, 2, 2), np.uint8))
    with pytest.raises(ValueError, match="read-only"):
        Store(tmp_path / "s")[0][:] = 0


def test_missing_and_damaged_stores(tmp_path):
    with pytest.raises(UserError, match="holds no packed images"):
        Store(tmp_path)
    with StoreWriter(tmp_path / "s", "uint8") as writer:
        writer.append("a", np.ones((3, 2, 2), np.uint8))
    pixels = tmp_path / "s" / PIXELS
    pixels.write_bytes(pixels.read_bytes()[:-1])
    with pytest.raises(UserError, match="holds 11 values, not 12"):
        Store(tmp_path / "s")


def test_index_names_sizes_and_offsets(tmp_path):
    with StoreWriter(tmp_path / "s", "uint8") as writer:
        writer.append("a", np.ones((3, 2, 4), np.uint8))
        writer.append("b", np.ones((3, 1, 1), np.uint8))
    index = json.loads((tmp_path / "s" / INDEX).read_text())
    assert index["images"][1] == {"name": "b", "height": 1, "width": 1, "offset": 24}
