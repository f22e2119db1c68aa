import numpy as np
import torch

from ftn_core.runtime.images import restore, to_image


def test_images_are_clipped_after_restoring():
    noisy = to_image(np.full((3, 8, 8), 3.0, np.float16))
    assert restore(torch.nn.Identity(), noisy).max() == 1
    assert to_image(np.full((3, 8, 8), 255, np.uint8)).max() == 1
