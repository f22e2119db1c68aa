"""The registry knows no science: it runs in every stage, and must never change what a stage computes."""

import pytest
from project import ROOT, imports

FILES = [path.relative_to(ROOT).as_posix() for path in (ROOT / "registry").rglob("*.py") if path.parent.name != "model"]
ALLOWED = ("registry/", "ftn_core/__init__.py", "ftn_core/parameters/", "ftn_core/utils/")


@pytest.mark.parametrize("file", FILES)
def test_the_registry_imports_parameters_and_utils_alone(file):
    assert [path for path in imports(file) if not path.startswith(ALLOWED)] == []


@pytest.mark.parametrize("file", FILES)
def test_the_registry_does_not_import_the_code_that_it_packs(file):
    assert not any(path.startswith("registry/model/") for path in imports(file))
