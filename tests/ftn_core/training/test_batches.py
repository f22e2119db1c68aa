import numpy as np
import pytest
import torch
from gpu import on_cuda

from ftn_core.data.store import Store, StoreWriter
from ftn_core.degradations.noise import add_noise
from ftn_core.training.batches import Batches
from ftn_core.utils.errors import UserError


def batches(clean, noisy=None, **changes):
    options = {
        "sigma": 0.2,
        "clip": False,
        "batch_size": 4,
        "crop": 16,
        "seed": 0,
        "permute_channels": False,
        "device": torch.device("cpu"),
    }
    return Batches(clean, noisy, **(options | changes))


def test_shape_range_and_noise(make_store):
    noisy, clean = batches(make_store("a"), batch_size=64)(0)
    assert noisy.shape == clean.shape == (64, 3, 16, 16)
    assert clean.min() >= 0 and clean.max() <= 1
    assert abs((noisy - clean).std() - 0.2) < 0.01


def test_a_batch_is_a_function_of_seed_and_step(make_store):
    store = make_store("a")
    first, again = batches(store), batches(store)
    again(3)
    assert torch.equal(first(7)[0], again(7)[0])
    assert not torch.equal(first(7)[0], first(8)[0])
    assert not torch.equal(first(7)[1], batches(store, seed=1)(7)[1])


def test_steps_share_no_noise(make_store):
    # counters of neighbouring steps must not overlap
    b = batches(make_store("a"), batch_size=64)
    (n0, c0), (n1, c1) = b(0), b(1)
    assert abs(np.corrcoef((n0 - c0).flatten(), (n1 - c1).flatten())[0, 1]) < 0.02


def test_clipped_on_demand(make_store):
    assert batches(make_store("a"), clip=True, sigma=1.0)(0)[0].max() == 1


def test_every_crop_is_a_turned_piece_of_a_photograph(tmp_path):
    pixels = np.arange(3 * 20 * 20).reshape(3, 20, 20).astype(np.uint8)
    with StoreWriter(tmp_path / "s", "uint8") as writer:
        writer.append("a", pixels)
    _, clean = batches(Store(tmp_path / "s"), batch_size=200)(0)
    crops = {(clean[i] * 255).round().to(torch.uint8).numpy().tobytes() for i in range(200)}
    allowed = set()
    for y in range(5):
        for x in range(5):
            piece = pixels[:, y : y + 16, x : x + 16]
            for turn in range(4):
                turned = np.rot90(piece, turn, (1, 2))
                allowed |= {turned.tobytes(), turned[:, :, ::-1].tobytes()}
    assert crops <= allowed
    assert len(crops) > 100


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize(
    ("fixed", "changes"),
    [
        (False, {}),
        (True, {}),
        (False, {"sigma": (0.1, 0.5), "permute_channels": True, "clip": True}),
        (False, {"sigma": (0.1, 0.5), "one_sigma": True}),
    ],
)
def test_shares_together_are_the_batch(tmp_path, make_store, count, fixed, changes):
    store, noisy = make_store("a"), None
    if fixed:
        with StoreWriter(tmp_path / "noisy", "float16") as writer:
            for name, image in zip(store.names, store, strict=True):
                writer.append(name, add_noise(image, 0.2, 0, False))
        noisy = Store(tmp_path / "noisy")
    whole = batches(store, noisy, batch_size=6, **changes)
    shares = [batches(store, noisy, batch_size=6, share=(rank, count), **changes) for rank in range(count)]
    for step in (0, 7):
        parts = [share(step) for share in shares]
        assert all(len(part[0]) == 6 // count for part in parts)
        for together, expected in zip(map(torch.cat, zip(*parts, strict=True)), whole(step), strict=True):
            assert torch.equal(together, expected)


def test_fixed_noise_is_cut_at_the_same_place(tmp_path, make_store):
    store = make_store("a")
    with StoreWriter(tmp_path / "noisy", "float16") as writer:
        for name, image in zip(store.names, store, strict=True):
            writer.append(name, add_noise(image, 0.05, 0, False))
    noisy, clean = batches(store, Store(tmp_path / "noisy"))(0)
    assert abs((noisy - clean).std() - 0.05) < 0.005


def test_a_crop_larger_than_a_photograph_names_it(make_store):
    with pytest.raises(UserError, match=r"crop = 48 .* a-0 \(56x40\)"):
        batches(make_store("a"), crop=48)


def test_channels_are_shuffled_alike_in_noisy_and_clean(tmp_path):
    pixels = np.stack([np.full((20, 20), v, np.uint8) for v in (10, 120, 240)])
    with StoreWriter(tmp_path / "s", "uint8") as writer:
        writer.append("a", pixels)
    noisy, clean = batches(Store(tmp_path / "s"), batch_size=200, permute_channels=True, sigma=0.01)(0)
    orders = {tuple((image[:, 0, 0] * 255).round().int().tolist()) for image in clean}
    assert len(orders) == 6
    assert (noisy - clean).abs().max() < 0.06


@pytest.mark.parametrize("fixed", [False, True])
def test_read_ahead_they_are_the_same(tmp_path, make_store, monkeypatch, fixed):
    store = make_store("a")
    with StoreWriter(tmp_path / "noisy", "float16") as writer:
        for name, pixels in zip(store.names, store, strict=True):
            writer.append(name, add_noise(pixels, 0.2, 0, False))
    noisy = Store(tmp_path / "noisy") if fixed else None
    held = batches(store, noisy)
    monkeypatch.setattr("ftn_core.training.batches.memory", lambda device: store.pixels.nbytes)
    streamed = batches(store, noisy)
    assert streamed._background is not None and held._background is None
    for step in (0, 1, 2, 9, 10, 3):  # also after a jump, as when a training is resumed
        for a, b in zip(held(step), streamed(step), strict=True):
            assert torch.equal(a, b)


def test_what_goes_wrong_ahead_is_raised_at_its_step(make_store, monkeypatch):
    monkeypatch.setattr("ftn_core.training.batches.memory", lambda device: 0)
    streamed = batches(make_store("a"))
    draw = streamed._draw

    def fail_at_3(generator):
        if generator.initial_seed() == streamed._generator(3, torch.device("cpu")).initial_seed():
            raise OSError("disk gone")
        return draw(generator)

    streamed._draw = fail_at_3
    for step in range(3):
        streamed(step)
    with pytest.raises(OSError, match="disk gone"):
        streamed(3)


@on_cuda
def test_streamed_batches_are_pieces_of_the_photographs(make_store, monkeypatch):
    monkeypatch.setattr("ftn_core.training.batches.memory", lambda device: 0)
    streamed = batches(make_store("a"), batch_size=64, device=torch.device("cuda"))
    noisy, clean = streamed(0)
    assert noisy.device.type == clean.device.type == "cuda"
    assert abs(float((noisy - clean).std()) - 0.2) < 0.01
    assert torch.equal(streamed(7)[0], streamed(7)[0])
