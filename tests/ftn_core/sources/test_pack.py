import hashlib
import json
import os

import numpy as np
import pytest
from PIL import Image

from ftn_core.data.store import Store
from ftn_core.sources import pack as module
from ftn_core.sources.pack import pack_photographs
from ftn_core.utils.errors import UserError


def photo(path, seed, size=(20, 24)):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(path)
    return pixels.transpose(2, 0, 1)


def pack(tmp_path, out="out", **changed):
    arguments = {
        "source": "folder",
        "folder": tmp_path / "in",
        "include": ["**"],
        "archive": "bsds500",
        "val_fraction": 0.0,
        "test_fraction": 0.0,
        "min_side": 16,
        "max_pixels": 10_000,
        "downloads": tmp_path / "downloads",
    }
    pack_photographs(tmp_path / out, **arguments | changed)
    return json.loads((tmp_path / out / "manifest.json").read_text())


@pytest.fixture
def tree(tmp_path):
    for seed, name in enumerate(["train/a.png", "train/b.png", "val/c.png", "test/d.png"]):
        photo(tmp_path / "in" / name, seed)
    return tmp_path


def test_stores_and_manifest(tree):
    pixels = photo(tree / "in/train/wide.bmp", 9, (18, 50))
    manifest = pack(tree)
    assert Store(tree / "out/train").names == ["train/a.png", "train/b.png", "train/wide.bmp"]
    assert Store(tree / "out/val").names == ["val/c.png"]
    assert Store(tree / "out/test").names == ["test/d.png"]
    np.testing.assert_array_equal(Store(tree / "out/train")[2], pixels)
    assert manifest["skipped"] == []
    assert [image["name"] for image in manifest["images"]] == [
        "test/d.png",
        "train/a.png",
        "train/b.png",
        "train/wide.bmp",
        "val/c.png",
    ]
    assert manifest["images"][3] == {
        "name": "train/wide.bmp",
        "split": "train",
        "width": 50,
        "height": 18,
        "sha256": hashlib.sha256((tree / "in/train/wide.bmp").read_bytes()).hexdigest(),
        "source": "folder",
        "terms": "not stated: whoever owns the folder decides",
    }


def test_same_files_give_the_same_bytes_without_paths(tree):
    pack(tree)
    (tree / "in").rename(tree / "moved")
    pack(tree, "again", folder=tree / "moved")
    files = sorted(path.relative_to(tree / "out") for path in (tree / "out").rglob("*") if path.is_file())
    assert len(files) == 7
    for file in files:
        content = (tree / "out" / file).read_bytes()
        assert content == (tree / "again" / file).read_bytes()
        assert str(tree).encode() not in content


def test_unusable_images_are_skipped_with_a_reason(tree):
    photo(tree / "in/train/tiny.png", 5, (15, 40))
    photo(tree / "in/train/large.png", 6, (101, 100))
    (tree / "in/train/broken.jpg").write_bytes(b"no image")
    (tree / "in/train/cut.png").write_bytes((tree / "in/train/a.png").read_bytes()[:200])
    (tree / "in/train/link.png").symlink_to("nowhere")
    manifest = pack(tree)
    assert {entry["name"]: entry["reason"] for entry in manifest["skipped"]} == {
        "train/broken.jpg": "not a readable image",
        "train/cut.png": "damaged, truncated or unsupported PNG",
        "train/large.png": "100 x 101 pixels: more than 10000",
        "train/link.png": "unreadable file",
        "train/tiny.png": "40 x 15 pixels: a side is shorter than 16",
    }
    assert len(manifest["images"]) == 4


def test_a_held_out_file_is_never_trained_on(tree):
    for original, copy in (("test/d.png", "train/1.png"), ("val/c.png", "train/2.png"), ("test/d.png", "val/3.png")):
        (tree / "in" / copy).write_bytes((tree / "in" / original).read_bytes())
    (tree / "in/train/a2.png").write_bytes((tree / "in/train/a.png").read_bytes())
    manifest = pack(tree)
    assert manifest["skipped"] == [
        {"name": "train/1.png", "reason": "same file as test/d.png"},
        {"name": "train/2.png", "reason": "same file as val/c.png"},
        {"name": "train/a2.png", "reason": "same file as train/a.png"},
        {"name": "val/3.png", "reason": "same file as test/d.png"},
    ]
    assert Store(tree / "out/train").names == ["train/a.png", "train/b.png"]


@pytest.mark.parametrize(
    ("lost", "remedy"),
    [("train", r"data\.include"), ("val", r"data\.val_fraction"), ("test", r"data\.test_fraction")],
)
def test_an_empty_split_is_a_mistake_and_leaves_the_old_output(tree, lost, remedy):
    pack(tree)
    before = (tree / "out/manifest.json").read_bytes()
    for path in (tree / "in" / lost).iterdir():
        path.write_bytes(b"broken" + path.name.encode())
    with pytest.raises(UserError, match=rf"no usable {lost} image among 4 .*0 {lost}.*not a readable.*{remedy}"):
        pack(tree)
    assert (tree / "out/manifest.json").read_bytes() == before
    assert sorted(path.name for path in tree.iterdir()) == ["in", "out"]


def test_an_interruption_leaves_nothing(tree, monkeypatch):
    def interrupt(*_arguments, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "decode", interrupt)
    with pytest.raises(KeyboardInterrupt):
        pack(tree)
    assert [path.name for path in tree.iterdir()] == ["in"]


def test_the_cores_do_not_show_in_the_bytes(tree):
    for i in range(40):
        photo(tree / f"in/train/{i}.png", 100 + i, (16 + i, 60 - i))
    (tree / "in/train/7.png").write_bytes(b"broken")
    pack(tree, "all")
    everywhere = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(everywhere)})
    try:
        pack(tree, "one")
    finally:
        os.sched_setaffinity(0, everywhere)
    files = sorted(path.relative_to(tree / "all") for path in (tree / "all").rglob("*") if path.is_file())
    assert len(files) == 7
    for file in files:
        assert (tree / "all" / file).read_bytes() == (tree / "one" / file).read_bytes()


def test_sample(tmp_path):
    manifest = pack(tmp_path, source="sample", max_pixels=10**6)
    assert [len(Store(tmp_path / "out" / split)) for split in ("train", "val", "test")] == [5, 1, 2]
    assert len({image["terms"] for image in manifest["images"]}) == 7
    assert {tuple(image[side] for side in ("width", "height")) for image in manifest["images"]} == {
        (512, 512),
        (451, 300),
        (640, 427),
        (600, 400),
        (741, 500),
    }
