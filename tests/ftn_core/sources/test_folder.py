import os

import pytest

from ftn_core.sources.folder import folder_photographs
from ftn_core.utils.errors import UserError


def tree(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def found(folder, *include, **options):
    photographs = folder_photographs(folder, include=include or ["**"], val_fraction=0, test_fraction=0, **options)
    return [photograph.name for photograph in photographs]


def test_images_are_found_by_extension_and_sorted(tmp_path):
    tree(tmp_path, "b.PNG", "a/z.jpg", "a.Jpeg", "c.txt", "d", "e.webp", ".hidden.png", ".git/f.png", "dir.png/g.tiff")
    assert found(tmp_path) == ["a.Jpeg", "a/z.jpg", "b.PNG", "dir.png/g.tiff", "e.webp"]


@pytest.mark.parametrize(
    ("include", "names"),
    [
        (["train/x/**"], ["train/x/a.png", "train/x/y/b.png"]),
        (["*.jpg"], ["test/c.jpg"]),
        (["**", "!train/**"], ["test/c.jpg", "x/d.png"]),
        (["x"], ["train/x/a.png", "train/x/y/b.png", "x/d.png"]),
        (["/x"], ["x/d.png"]),
    ],
)
def test_include_patterns_are_those_of_gitignore(tmp_path, include, names):
    tree(tmp_path, "train/x/a.png", "train/x/y/b.png", "test/c.jpg", "x/d.png")
    assert found(tmp_path, *include) == names


def test_photograph_fields(tmp_path):
    tree(tmp_path, "train/a.png", "test/b.png")
    photographs = list(
        folder_photographs(tmp_path, include=["**"], val_fraction=0, test_fraction=0, source="s", terms="t")
    )
    assert [(p.name, p.split, p.source, p.terms) for p in photographs] == [
        ("test/b.png", "test", "s", "t"),
        ("train/a.png", "train", "s", "t"),
    ]
    assert photographs[0].path == tmp_path / "test/b.png"


def test_only_included_folders_name_splits(tmp_path):
    tree(tmp_path, "test/a.png", *(f"train/{i}.png" for i in range(40)))
    options = {"val_fraction": 0, "test_fraction": 0.5}
    everything = {p.split for p in folder_photographs(tmp_path, include=["train/**"], **options)}
    assert everything == {"train", "test"}
    named = {p.name for p in folder_photographs(tmp_path, include=["**"], **options) if p.split == "test"}
    assert named == {"test/a.png"}


def test_links_are_followed_but_not_round_and_round(tmp_path):
    tree(tmp_path / "data", "a/x.png")
    tree(tmp_path / "elsewhere", "y.png")
    (tmp_path / "data/out").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data/a/up").symlink_to(tmp_path / "data")
    (tmp_path / "elsewhere/self").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data/z.png").symlink_to(tmp_path / "elsewhere/y.png")
    assert found(tmp_path / "data") == ["a/x.png", "out/y.png", "z.png"]


def test_a_broken_link_is_not_silently_lost(tmp_path):
    (tmp_path / "a.png").symlink_to(tmp_path / "missing")
    assert found(tmp_path) == ["a.png"]


def test_pipes_and_devices_are_no_images(tmp_path):
    tree(tmp_path, "a.png")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "to-pipe.png").symlink_to(tmp_path / "pipe.png")
    (tmp_path / "device.png").symlink_to("/dev/zero")
    assert found(tmp_path) == ["a.png"]


def test_links_in_a_circle_are_reported_as_broken_ones(tmp_path):
    tree(tmp_path, "a.png")
    for one, other in (("b.png", "c.png"), ("c.png", "b.png"), ("folder", "folder")):
        (tmp_path / one).symlink_to(tmp_path / other)
    assert found(tmp_path) == ["a.png", "b.png", "c.png"]


def test_folders_that_link_to_one_another_are_looked_through_once(tmp_path):
    tree(tmp_path, *(f"{i}/x.png" for i in range(30)))
    for i in range(30):
        for j in range(30):
            (tmp_path / f"{i}/to{j}").symlink_to(tmp_path / str(j))
    assert found(tmp_path) == sorted(f"{i}/x.png" for i in range(30))


def test_mistakes_name_the_key(tmp_path):
    with pytest.raises(UserError, match=r"data\.folder: .*nowhere is not a folder"):
        found(tmp_path / "nowhere")
    tree(tmp_path, "a.txt")
    with pytest.raises(UserError, match=r"data\.folder: no image"):
        found(tmp_path)
    tree(tmp_path, "a.png", "b.png")
    with pytest.raises(UserError, match=r"data\.include: none of 2 images .* matches \*\.jpg, x"):
        found(tmp_path, "*.jpg", "x")
    with pytest.raises(UserError, match=r"data\.include: "):
        found(tmp_path, "!")
