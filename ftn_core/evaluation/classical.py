"""Classical denoisers from scikit-image, given the true sigma. They learn nothing, and a network has to beat them."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle, denoise_wavelet

from ftn_core.data.store import Store
from ftn_core.evaluation.metrics import mean_score, score_images
from ftn_core.evaluation.records.score import Score
from ftn_core.runtime.images import to_image

Image = NDArray[np.float32]
"""``H x W x 3`` on the scale [0, 1]; noise may exceed it."""


def nl_means(noisy: Image, sigma: float) -> Image:
    """Non-local means (Buades et al. 2005), patches of 5 in a window of 13; h = 0.6 sigma as scikit-image advises."""
    return denoise_nl_means(
        noisy, patch_size=5, patch_distance=6, h=0.6 * sigma, sigma=sigma, fast_mode=True, channel_axis=-1
    )


def chambolle_tv(noisy: Image, sigma: float) -> Image:
    """Total variation (Chambolle 2004) with weight sigma."""
    return denoise_tv_chambolle(noisy, weight=sigma, channel_axis=-1)


def wavelet(noisy: Image, sigma: float) -> Image:
    """BayesShrink on wavelet coefficients (Chang et al. 2000), in YCbCr."""
    return denoise_wavelet(noisy, sigma=sigma, convert2ycbcr=True, rescale_sigma=True, channel_axis=-1)


CLASSICAL_DENOISERS: dict[str, Callable[[Image, float], Image]] = {
    "non-local means": nl_means,
    "total variation": chambolle_tv,
    "wavelet": wavelet,
}


def score_classical(
    clean: Store,
    noisy: Mapping[float, Store],
    threads: int,
    on_image: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, dict[float, Score]]:
    """The mean score over all images, by denoiser and sigma.

    Args:
        noisy: for each sigma the noisy versions, in the order of ``clean``.
        threads: how many images are denoised at once.
        on_image: called after each image, with the number of finished images and of all images.
    """
    jobs = [(name, sigma, i) for name in CLASSICAL_DENOISERS for sigma in noisy for i in range(len(clean))]

    def score(job: tuple[str, float, int]) -> Score:
        name, sigma, i = job
        image = np.ascontiguousarray(noisy[sigma][i].transpose(1, 2, 0), np.float32)
        restored = CLASSICAL_DENOISERS[name](image, sigma).astype(np.float32).transpose(2, 0, 1)
        return score_images(to_image(restored), to_image(clean[i]))[0]

    scores: dict[tuple[str, float], list[Score]] = defaultdict(list)
    with ThreadPoolExecutor(threads) as pool:
        for done, ((name, sigma, _), result) in enumerate(zip(jobs, pool.map(score, jobs), strict=True), 1):
            scores[name, sigma].append(result)
            on_image(done, len(jobs))
    return {name: {sigma: mean_score(scores[name, sigma]) for sigma in noisy} for name in CLASSICAL_DENOISERS if noisy}
