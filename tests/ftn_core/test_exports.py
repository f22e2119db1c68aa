"""``import ftn_core`` gives what programs need, and costs nothing until it is used."""

import subprocess
import sys

import pytest

import ftn_core


@pytest.mark.parametrize("name", ftn_core.__all__)
def test_every_export_is_there_and_documented(name):
    assert getattr(ftn_core, name).__doc__ and name in dir(ftn_core)


def test_an_unknown_name_is_an_error_as_of_any_module():
    with pytest.raises(AttributeError, match=r"^module 'ftn_core' has no attribute 'denoise'$"):
        _ = ftn_core.denoise


def test_the_import_brings_no_other_package():
    code = "import sys, ftn_core; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "ftn_core" in loaded and not {"torch", "numpy", "pydantic", "PIL", "ftn_core.utils"} & loaded
