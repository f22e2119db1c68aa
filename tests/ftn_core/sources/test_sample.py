import hashlib
import subprocess
import sys

import pytest

from ftn_core.sources import sample
from ftn_core.sources.sample import sample_photographs
from ftn_core.utils.errors import UserError


def test_eight_photographs_with_fixed_splits():
    photographs = list(sample_photographs())
    assert [photograph.name for photograph in photographs] == sorted(photograph.name for photograph in photographs)
    by_split = {
        split: {photograph.name for photograph in photographs if photograph.split == split}
        for split in ("train", "val", "test")
    }
    assert by_split == {
        "train": {"astronaut.png", "china.jpg", "motorcycle_left.png", "motorcycle_right.png", "rocket.jpg"},
        "val": {"flower.jpg"},
        "test": {"chelsea.png", "coffee.png"},
    }
    assert all(photograph.terms and photograph.path.is_file() for photograph in photographs)
    assert len({hashlib.sha256(photograph.path.read_bytes()).digest() for photograph in photographs}) == 8


def test_slow_packages_are_not_imported():
    code = (
        "import sys; from ftn_core.sources.sample import sample_photographs; list(sample_photographs());"
        "sys.exit(any(name in sys.modules for name in ('skimage', 'sklearn', 'torch')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(sample.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(UserError, match=r"data\.source sample: scikit-image"):
        list(sample_photographs())
