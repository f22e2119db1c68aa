import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftn_core.sources.splits import split_by_folder, split_of, splits_by_folder

NONE: frozenset = frozenset()
names = st.text(st.characters(exclude_characters="/\0"), min_size=1).filter(lambda name: name.strip("."))


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train/a.png", "train"),
        ("x/Valid/a.png", "val"),
        ("validation/y/a.png", "val"),
        ("val/a.png", "val"),
        ("TEST/a.png", "test"),
        ("test/train/a.png", "test"),
        ("test", None),
        ("a.png", None),
        ("testing/a.png", None),
        ("x/test.png", None),
    ],
)
def test_folder_names(name, split):
    assert split_by_folder(name) == split


def test_splits_of_a_tree():
    assert splits_by_folder(["train/a.png", "b.png", "x/test/c.png"]) == {"train", "test"}


def test_known_values():
    """Written down, so that another machine or version must agree."""
    found = [split_of(f"{i:04}.png", named=NONE, val_fraction=0.2, test_fraction=0.2) for i in range(12)]
    assert found == KNOWN


KNOWN = ["train", "val", "train", "test", "val", "val", "train", "train", "train", "train", "val", "train"]


@given(names, st.lists(st.sampled_from(["a", "b", "été"])), st.floats(0, 0.5), st.floats(0, 0.5))
def test_only_the_file_name_counts(name, folders, val, test):
    fractions = {"named": NONE, "val_fraction": val, "test_fraction": test}
    assert split_of("/".join([*folders, name]), **fractions) == split_of(name, **fractions)


@given(names, st.floats(0, 0.4), st.floats(0, 0.4), st.floats(0, 0.1))
def test_a_larger_test_fraction_takes_none_back(name, val, test, more):
    if split_of(name, named=NONE, val_fraction=val, test_fraction=test) == "test":
        assert split_of(name, named=NONE, val_fraction=val, test_fraction=test + more) == "test"


def test_fractions_are_met():
    found = [split_of(f"{i}.jpg", named=NONE, val_fraction=0.1, test_fraction=0.2) for i in range(20_000)]
    assert found.count("val") / len(found) == pytest.approx(0.1, abs=0.01)
    assert found.count("test") / len(found) == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize("folder", ["train/", ""])
def test_splits_that_folders_name_get_nothing_else(folder):
    everything = [f"{folder}{i}.jpg" for i in range(300)]

    def used(*named):
        return {split_of(name, named=frozenset(named), val_fraction=0.3, test_fraction=0.3) for name in everything}

    assert used("train") == {"train", "val", "test"}
    assert used("train", "test") == {"train", "val"}
    assert used("train", "val") == {"train", "test"}
    assert used("train", "val", "test") == {"train"}


def test_composed_and_decomposed_letters_are_the_same_name():
    fractions = {"named": NONE, "val_fraction": 0.3, "test_fraction": 0.3}
    for i in range(50):
        assert split_of(f"e\u0301{i}", **fractions) == split_of(f"\u00e9{i}", **fractions)


def test_names_that_are_not_unicode():
    assert split_of("\udcff.png", named=NONE, val_fraction=0, test_fraction=0) == "train"
