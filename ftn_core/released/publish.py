"""Makes a denoiser a released model: a smaller file, of half precision.

python -m ftn_core.released.publish models/denoisers/line-0.294118.safetensors photo
"""

import sys
from pathlib import Path

from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.released.models import WEIGHTS
from ftn_core.runtime.checkpoint import read_tensors, write_tensors
from ftn_core.utils.errors import UserError


def publish(source: Path, name: str) -> Path:
    """Write ``weights/NAME.safetensors`` from what the pipeline wrote; returns its path.

    Raises:
        UserError: the source is not a denoiser.
    """
    ContinuousDenoiser.load(source)
    tensors, header = read_tensors(source)
    target = WEIGHTS / f"{name}.safetensors"
    write_tensors(
        target, {key: value.half() if value.is_floating_point() else value for key, value in tensors.items()}, header
    )
    return target


if __name__ == "__main__":
    try:
        print(publish(Path(sys.argv[1]), sys.argv[2]))
    except (IndexError, UserError) as error:
        reason = error if isinstance(error, UserError) else "a denoiser's file and a name are needed"
        print(f"publish: {reason}", file=sys.stderr)
        sys.exit(2)
