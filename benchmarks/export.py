"""An exported file in onnxruntime beside PyTorch: time, the file's size, and the difference of the results.

python -m benchmarks.export [--quick]
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor

from benchmarks.harness import Report, compare, quick
from benchmarks.inference import DEFAULT, denoiser_of
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.utils.limits import cores
from serving.export.onnx_file import Size, write_onnx

TEXT = """Networks with fresh weights and one level adapted by an FTN of one group, float32, images of random values, on
the CPU with as many threads as cores in both. PyTorch has the network folded for the level. 'Dial' has the level as an
input and computes the weights in every pass. 'One level' is exported for the level, so that onnxruntime can arrange
the weights once. 'One size' is also exported for the image's size. The difference is the largest of any value that
`ftn export` found between the file and PyTorch."""

LEVEL = 0.35
PYTORCH = "PyTorch"
_EXPORTS = {"dial": (False, None), "dial, one size": (True, None), "one level": (False, LEVEL)}
_EXPORTS |= {"one level, one size": (True, LEVEL)}


def denoiser_with_weights(network: str, channels: int, depth: int) -> ContinuousDenoiser:
    """As ``denoiser_of``, but with outputs that differ from the inputs, and with levels that differ."""
    denoiser = denoiser_of(network, channels, depth)
    torch.nn.init.normal_(list(denoiser.base.parameters())[-2], std=0.02)
    for parameter in denoiser.levels[0].transition.requires_grad_(False).parameters():
        parameter.add_(torch.randn_like(parameter), alpha=0.001)
    return denoiser


def in_onnxruntime(path: Path, image: Tensor, level: float | None) -> Callable[[], object]:
    """A pass of an exported file with ``cores()`` threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cores()
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    inputs = {"image": image.numpy()} | ({"level": np.array(LEVEL, np.float32)} if level is None else {})
    return lambda: session.run(["restored"], inputs)


def beside_pytorch(report: Report, kind: tuple[str, int, int], side: int, folder: Path) -> None:
    denoiser = denoiser_with_weights(*kind)
    network, image = denoiser.fold(denoiser.position(LEVEL)), torch.rand(1, 3, side, side)

    @torch.inference_mode()
    def in_pytorch() -> object:
        return network(image)

    variants, differences, sizes = {PYTORCH: in_pytorch}, {}, {}
    exports = dict([*_EXPORTS.items()][:2]) if quick() else _EXPORTS
    for name, (one_size, level) in exports.items():
        path = folder / f"{name}.onnx"
        differences[name] = write_onnx(path, "", denoiser, Size(side, side) if one_size else None, level)
        sizes[name] = path.stat().st_size / 1e6
        variants[name] = in_onnxruntime(path, image, level)
    name, channels, depth = kind
    caption = f"{name}, {channels} channels, {depth}, {side} x {side}"
    report.timings(caption, compare(variants, rounds=15), PYTORCH)
    report.table(
        f"Its files, {caption}",
        [{"variant": n, "largest difference": f"{differences[n]:.1e}", "MB": sizes[n]} for n in exports],
    )


def main() -> None:
    torch.set_num_threads(cores())
    report = Report("export", "Exported files in onnxruntime", TEXT)
    with tempfile.TemporaryDirectory() as folder:
        for kind in (DEFAULT,) if quick() else (DEFAULT, ("adafm_net", 64, 16)):
            beside_pytorch(report, kind, 64 if quick() else 512, Path(folder))
    report.save()


if __name__ == "__main__":
    main()
