"""Which models the page offers: the registry's versions and the files of the project at hand."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ftn_core.parameters import load_parameters
from ftn_core.utils.errors import UserError
from registry.server import UnreachableError
from serving.load import DENOISERS, champion


@dataclass(frozen=True)
class Models:
    """What may be picked: sources and what a user reads of them; ``first`` is what the page opens with.

    ``trouble`` says in one line why the registry's versions are not among them, where they should be.
    """

    labels: dict[str, str]
    first: str
    trouble: str = ""


def find(asked: str | None = None) -> Models:
    """The registry's versions, newest first, then the files; opens with ``asked``, the champion or the first file.

    Raises:
        UserError: there is nothing at all.
    """
    labels: dict[str, str] = {}
    by_alias: dict[str, str] = {}
    trouble = ""
    try:
        labels, by_alias = _registered()
    except UnreachableError as error:
        trouble = str(error)
    except UserError:  # no registry: files will do
        pass
    labels |= {str(path): f"{path.stem} · file" for path in _files()}
    if asked:
        first = by_alias.get(asked, asked)
        labels = {first: labels.get(first, asked)} | labels
    elif labels:
        first = by_alias.get(champion()) or next(
            (source for source in labels if ":/" not in source), next(iter(labels))
        )
    else:
        raise UserError(f"{trouble or 'there is no model here'}: run `make repro`, or name a model with --model")
    return Models(labels, first, trouble)


def _files() -> Iterable[Path]:
    """Those of ``levels.methods`` in their order, then the others."""
    found = sorted(DENOISERS.glob("*.safetensors"))
    try:
        methods = load_parameters().levels.methods
    except UserError:  # the page needs no parameters
        methods = []
    return sorted(found, key=lambda path: methods.index(path.stem) if path.stem in methods else len(methods))


def _registered() -> tuple[dict[str, str], dict[str, str]]:
    """Versions that `register` made, ``models:/NAME/VERSION`` to label, and ``models:/NAME@ALIAS`` to version.

    Raises:
        UserError: there is no registry (or, ``UnreachableError``, it does not answer).
    """
    from registry import server, versions

    labels: dict[str, str] = {}
    by_alias: dict[str, str] = {}
    with server.existing() as client:
        for model in client.search_registered_models():
            for version in versions.all_of(client, model.name):
                if version.levels:
                    source = f"models:/{model.name}/{version.number}"
                    labels[source] = " · ".join([f"{model.name} {version.number}", *version.aliases])
                    by_alias |= {f"models:/{model.name}@{alias}": source for alias in version.aliases}
    return labels, by_alias
