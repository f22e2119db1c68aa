"""Which model ``ftn restore`` uses: the registry's champion, a version, a file, or a method of this project."""

from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.utils.errors import UserError
from serving.load import FFDNET, LOCAL_DENOISERS, champion_uri, load_denoiser


def choose_denoiser(model: str | None, method: str | None) -> tuple[str, ContinuousDenoiser]:
    """The model's name, which is a path or an MLflow URI, and the model. With neither argument: the champion.

    Raises:
        UserError: both arguments are given, there is no such model, or there is no champion. The message names what
            can be used instead.
    """
    if model and method:
        raise UserError("--model and --method are two ways to say which model: give one of them")
    if method:
        if method not in _methods():
            raise UserError(f"--method {method}: {LOCAL_DENOISERS} has {_available()}")
        model = str(LOCAL_DENOISERS / f"{method}.safetensors")
    source = model or champion_uri()
    try:
        return source, load_denoiser(source)
    except UserError as error:
        if model:
            raise
        remedy = (
            f"name a file or {FFDNET} with --model, or with --method one of {LOCAL_DENOISERS}, which has {_available()}"
        )
        raise UserError(f"{error}; {remedy}") from None


def _methods() -> list[str]:
    return sorted(path.stem for path in LOCAL_DENOISERS.glob("*.safetensors"))


def _available() -> str:
    return ", ".join(_methods()) or "none yet: `dvc repro` makes them"
