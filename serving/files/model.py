"""Which model ``ftn restore`` uses: a released one, the registry's champion, a version, a file, or a method."""

from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.released.models import RELEASED
from ftn_core.utils.errors import UserError
from serving.load import CHAMPION_NAME, default_model, load_denoiser, local_denoisers


def choose_denoiser(model: str | None, method: str | None) -> tuple[str, ContinuousDenoiser]:
    """The model's name, as the user may give it, and the model. With neither argument: the default model.

    Raises:
        UserError: both arguments are given, or there is no such model. The message names what can be used instead.
    """
    if model and method:
        raise UserError("--model and --method are two ways to say which model: give one of them")
    if method:
        if method not in _methods():
            raise UserError(f"--method {method}: {local_denoisers()} has {_available()}")
        model = str(local_denoisers() / f"{method}.safetensors")
    source = model or default_model()
    try:
        return source, load_denoiser(source)
    except UserError as error:
        if model and source != CHAMPION_NAME:
            raise
        remedy = (
            f"name {', '.join(RELEASED)} or a file with --model, or with --method one of {local_denoisers()}, "
            f"which has {_available()}"
        )
        raise UserError(f"{error}; {remedy}") from None


def _methods() -> list[str]:
    return sorted(path.stem for path in local_denoisers().glob("*.safetensors"))


def _available() -> str:
    return ", ".join(_methods()) or "none yet: `dvc repro` makes them"
