"""Which models the page offers: the registry's versions and the files of the project at hand."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ftn_core.addresses import shown
from ftn_core.errors import UserError
from ftn_core.parameters import load_parameters
from serving.sources import CHAMPION

_FILES = Path("models/denoisers")
_STORE = Path("mlflow.db")
_PATIENCE = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "5", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
"""By itself MLflow tries for minutes before it says that a server does not answer."""


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
    except UserError as error:
        trouble = str(error)
    labels |= {str(path): f"{path.stem} · file" for path in _files()}
    if asked:
        first = by_alias.get(asked, asked)
        labels = {first: labels.get(first, asked)} | labels
    elif labels:
        first = by_alias.get(CHAMPION) or next((source for source in labels if ":/" not in source), next(iter(labels)))
    else:
        raise UserError(f"{trouble or 'there is no model here'}: run `make repro`, or name a model with --model")
    return Models(labels, first, trouble)


def _files() -> Iterable[Path]:
    """Those of ``levels.methods`` in their order, then the others."""
    found = sorted(_FILES.glob("*.safetensors"))
    try:
        methods = load_parameters().levels.methods
    except UserError:  # the page needs no parameters
        methods = []
    return sorted(found, key=lambda path: methods.index(path.stem) if path.stem in methods else len(methods))


def _registered() -> tuple[dict[str, str], dict[str, str]]:
    """Versions that `register` made, ``models:/NAME/VERSION`` to label, and ``models:/NAME@ALIAS`` to version.

    Raises:
        UserError: the registry does not answer.
    """
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        if not _STORE.exists():
            return {}, {}
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{_STORE.absolute()}"
    for key, value in _PATIENCE.items():
        os.environ.setdefault(key, value)

    from mlflow import MlflowClient

    labels: dict[str, str] = {}
    by_alias: dict[str, str] = {}
    try:
        client = MlflowClient(os.environ["MLFLOW_TRACKING_URI"])
        for model in client.search_registered_models():
            names = {
                version: [a for a, v in model.aliases.items() if v == version] for version in model.aliases.values()
            }
            for found in client.search_model_versions(f"name = '{model.name}'"):
                if "ftn.levels" not in found.tags:
                    continue
                source, aliases = f"models:/{model.name}/{found.version}", names.get(found.version, [])
                labels[source] = " · ".join([f"{model.name} {found.version}", *aliases])
                by_alias |= {f"models:/{model.name}@{alias}": source for alias in aliases}
    except Exception as error:  # databases and HTTP clients raise their own
        address = shown(os.environ["MLFLOW_TRACKING_URI"])
        raise UserError(f"the registry at {address} does not answer ({_reason(error)})") from None
    return labels, by_alias


def _reason(error: BaseException) -> str:
    """What an exception says at its root, without secrets of an address in it."""
    while cause := error.__cause__ or error.__context__:
        error = cause
    return re.sub(r"://[^\s'\"]*@", "://", str(error) or type(error).__name__).splitlines()[0][:100]
