"""Which model a command uses: the registry's champion, a version, a file, or a method of the project at hand."""

from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.utils.errors import UserError
from serving.load import DENOISERS, champion, load_denoiser


def chosen_denoiser(model: str | None, method: str | None) -> tuple[str, ContinuousDenoiser]:
    """What the model is called, and the model. With neither argument: the champion.

    Raises:
        UserError: both are given, there is no such model, or no champion; the message says what there is instead.
    """
    if model and method:
        raise UserError("--model and --method are two ways to say which model: give one of them")
    if method:
        if method not in _methods():
            raise UserError(f"--method {method}: {DENOISERS} has {_instead()}")
        model = str(DENOISERS / f"{method}.safetensors")
    source = model or champion()
    try:
        return source, load_denoiser(source)
    except UserError as error:
        if model:
            raise
        remedy = f"name a file with --model, or with --method one of {DENOISERS}, which has {_instead()}"
        raise UserError(f"{error}; {remedy}") from None


def _methods() -> list[str]:
    return sorted(path.stem for path in DENOISERS.glob("*.safetensors"))


def _instead() -> str:
    return ", ".join(_methods()) or "none yet: `dvc repro` makes them"
