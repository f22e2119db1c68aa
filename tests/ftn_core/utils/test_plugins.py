import sys
from types import ModuleType

import pytest

from ftn_core.utils.plugins import load_class


class Animal:
    """The kind that is asked for."""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of the test's own, to whose files it can write."""
    folder = tmp_path / "animals"
    folder.mkdir()
    (folder / "__init__.py").touch()
    kinds = ModuleType("animal_kinds")
    kinds.Animal = Animal
    monkeypatch.setitem(sys.modules, "animal_kinds", kinds)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield lambda name, text: (folder / f"{name}.py").write_text("from animal_kinds import Animal\n" + text)
    for name in [name for name in sys.modules if name.split(".")[0] == "animals"]:
        del sys.modules[name]


def test_the_one_class_of_the_kind_is_found(package):
    # what is imported, private or of another kind does not count
    package("birds", "class Sparrow(Animal): ...\n")
    package(
        "cats",
        "from animals.birds import Sparrow\nclass _Hidden(Animal): ...\nclass Whisker: ...\n"
        "class Lion(Animal): ...\nlion = Lion()\n",
    )
    found = load_class("animals", "cats", Animal)
    assert found.__name__ == "Lion" and issubclass(found, Animal)


@pytest.mark.parametrize(
    ("text", "count"),
    [("class _Hidden(Animal): ...\n", 0), ("", 0), ("class Lion(Animal): ...\nclass Tiger(Animal): ...\n", 2)],
)
def test_none_or_several_are_refused(package, text, count):
    package("cats", text)
    with pytest.raises(ValueError, match=rf"animals\.cats must define one public Animal, not {count}"):
        load_class("animals", "cats", Animal)


def test_only_the_module_that_is_asked_for_is_imported(package):
    package("cats", "class Lion(Animal): ...\n")
    package("dogs", "raise RuntimeError('imported')\n")
    load_class("animals", "cats", Animal)
    with pytest.raises(ModuleNotFoundError, match=r"animals\.wolves"):
        load_class("animals", "wolves", Animal)
