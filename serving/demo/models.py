"""Which models the page offers: the registry's versions and the pipeline's files."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ftn_core.parameters import load_parameters
from ftn_core.released.models import RELEASED
from ftn_core.utils.errors import UserError
from ftn_core.utils.project import project_folder
from registry.server import UnreachableError
from serving.load import CHAMPION_NAME, champion_uri, default_model, local_denoisers


@dataclass(frozen=True)
class Models:
    """The models to choose from.

    Args:
        labels: what the user reads, by source.
        first: source of the model that the page opens with.
        registry_error: why the registry's versions are missing, in one line; empty if they are not.
    """

    labels: dict[str, str]
    first: str
    registry_error: str = ""


def find_models(asked: str | None = None) -> Models:
    """The registry's versions, newest first, then the files, then the released models.

    Args:
        asked: the model to open with; None: the default model.
    """
    labels: dict[str, str] = {}
    by_alias: dict[str, str] = {}
    registry_error = ""
    try:
        labels, by_alias = _registered()
    except UnreachableError as error:
        registry_error = str(error)
    except UserError:  # there is no registry
        pass
    labels |= {str(path): f"{path.stem} (this project)" for path in _files()}
    labels |= {name: f"{name} (released)" for name in RELEASED}
    first = asked or default_model()
    first = champion_uri() if first == CHAMPION_NAME else first
    first = by_alias.get(first, first)
    return Models({first: labels.get(first, first)} | labels, first, registry_error)


def _files() -> Iterable[Path]:
    """The pipeline's files: those of ``levels.methods`` in that order, then others."""
    found = sorted(local_denoisers().glob("*.safetensors"))
    try:
        methods = load_parameters(project_folder() / "params.yaml").levels.methods
    except UserError:  # the page works without a params.yaml
        methods = []
    return sorted(found, key=lambda path: methods.index(path.stem) if path.stem in methods else len(methods))


def _registered() -> tuple[dict[str, str], dict[str, str]]:
    """Labels of versions by ``models:/NAME/VERSION``, and versions by ``models:/NAME@ALIAS``.

    Raises:
        UnreachableError: MLflow does not answer.
        UserError: there is no registry.
    """
    from registry import server, versions

    labels: dict[str, str] = {}
    by_alias: dict[str, str] = {}
    with server.existing_store() as client:
        for model in client.search_registered_models():
            for version in versions.all_versions(client, model.name):
                if version.levels:
                    source = f"models:/{model.name}/{version.number}"
                    labels[source] = " · ".join([f"{model.name} {version.number}", *version.aliases])
                    by_alias |= {f"models:/{model.name}@{alias}": source for alias in version.aliases}
    return labels, by_alias
