import numpy as np
import pytest
import torch
from gpu import on_cuda
from torch.utils._python_dispatch import TorchDispatchMode

from ftn_core.data.store import Store, StoreWriter
from ftn_core.degradations.noise import add_noise
from ftn_core.training.batches import Batches, FreshNoise, FreshNoiseRange, StoredLevels
from ftn_core.utils.errors import UserError

FRESH = FreshNoise(0.2, clip=False)


def batches(clean, degraded=FRESH, **changes):
    options = {
        "batch_size": 4,
        "crop": 16,
        "seed": 0,
        "permute_channels": False,
        "device": torch.device("cpu"),
    }
    return Batches(clean, degraded, **(options | changes))


@pytest.fixture
def noisy_store(tmp_path):
    """Makes a store of the same photographs with noise."""

    def make(clean, sigma=0.2):
        with StoreWriter(tmp_path / "noisy", "float16") as writer:
            for name, image in zip(clean.names, clean, strict=True):
                writer.append(name, add_noise(image, sigma, 0, False))
        return Store(tmp_path / "noisy")

    return make


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
    assert batches(make_store("a"), FreshNoise(1.0, clip=True))(0)[0].max() == 1


def test_every_crop_is_a_piece_of_a_photograph_rotated_or_flipped(tmp_path):
    pixels = np.arange(3 * 20 * 20).reshape(3, 20, 20).astype(np.uint8)
    with StoreWriter(tmp_path / "s", "uint8") as writer:
        writer.append("a", pixels)
    _, clean = batches(Store(tmp_path / "s"), batch_size=200)(0)
    crops = {(clean[i] * 255).round().to(torch.uint8).numpy().tobytes() for i in range(200)}
    allowed = set()
    for y in range(5):
        for x in range(5):
            piece = pixels[:, y : y + 16, x : x + 16]
            for quarters in range(4):
                rotated = np.rot90(piece, quarters, (1, 2))
                allowed |= {rotated.tobytes(), rotated[:, :, ::-1].tobytes()}
    assert crops <= allowed
    assert len(crops) > 100


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize(
    ("noise", "permute"),
    [
        (FRESH, False),
        (None, False),
        (FreshNoiseRange(0.1, 0.5, clip=True, draws=6), True),
        (FreshNoiseRange(0.1, 0.5, clip=False, draws=1), False),
    ],
)
def test_shares_add_up_to_the_batch(make_store, noisy_store, count, noise, permute):
    store = make_store("a")
    degraded, options = noise or noisy_store(store), {"batch_size": 6, "permute_channels": permute}
    whole = batches(store, degraded, **options)
    shares = [batches(store, degraded, share=(rank, count), **options) for rank in range(count)]
    for step in (0, 7):
        parts = [share(step) for share in shares]
        assert all(len(part[0]) == 6 // count for part in parts)
        for joined, expected in zip(map(torch.cat, zip(*parts, strict=True)), whole(step), strict=True):
            assert torch.equal(joined, expected)


@pytest.mark.parametrize("draws", [1, 4, 64])
def test_of_a_range_sigma_is_drawn_once_or_several_times_or_for_each_image(make_store, draws):
    b = batches(make_store("a"), FreshNoiseRange(0.1, 0.5, clip=False, draws=draws), batch_size=64)
    noisy, sigma, clean = b(0)
    assert sigma.shape == (64, 1, 1, 1) and sigma.min() >= 0.1 and sigma.max() <= 0.5
    assert len(sigma.unique()) == draws
    assert torch.equal(sigma[0::draws].unique(), sigma[0].flatten())  # image i has number i modulo the draws
    assert not torch.equal(sigma, b(1)[1])
    deviations = (noisy - clean).flatten(1).std(1)
    assert ((deviations / sigma.flatten() - 1).abs() < 0.15).all()


@pytest.fixture
def stored_levels(tmp_path):
    """Makes stores of the same photographs with noise of several sigmas."""

    def make(clean, sigmas, draws):
        for sigma in sigmas:
            with StoreWriter(tmp_path / f"noisy-{sigma}", "float16") as writer:
                for name, image in zip(clean.names, clean, strict=True):
                    writer.append(name, add_noise(image, sigma, 0, False))
        return StoredLevels({sigma: Store(tmp_path / f"noisy-{sigma}") for sigma in sigmas}, draws)

    return make


@pytest.mark.parametrize(("draws", "different"), [(1, 1), (2, 2), (4, 3)])
def test_of_stored_levels_several_are_drawn(make_store, stored_levels, draws, different):
    store = make_store("a")
    b = batches(store, stored_levels(store, [0.05, 0.1, 0.2], draws), batch_size=16)
    drawn = set()
    for step in range(8):
        degraded, level, clean = b(step)
        assert level.shape == (16, 1, 1, 1) and len(level.unique()) == different
        assert torch.equal(level, level[:draws].repeat(16 // draws, 1, 1, 1))
        # the sets share their noise but for its strength, and crops are cut at the same place
        deviations = (degraded - clean).flatten(1).std(1)
        assert ((deviations / level.flatten() - 1).abs() < 0.15).all()
        drawn |= set(level.flatten().tolist())
    assert {round(level, 3) for level in drawn} == {0.05, 0.1, 0.2}


def test_shares_of_stored_levels_add_up_to_the_batch(make_store, stored_levels):
    store = make_store("a")
    levels = stored_levels(store, [0.05, 0.1, 0.2], 2)
    whole, shares = (
        batches(store, levels, batch_size=8)(3),
        [batches(store, levels, batch_size=8, share=(rank, 2))(3) for rank in range(2)],
    )
    for joined, expected in zip(map(torch.cat, zip(*shares, strict=True)), whole, strict=True):
        assert torch.equal(joined, expected)
    assert all(len(share[1].unique()) == 2 for share in shares)  # each process has a share of every level


def test_fixed_noise_is_cut_at_the_same_place(make_store, noisy_store):
    store = make_store("a")
    noisy, clean = batches(store, noisy_store(store, 0.05))(0)
    assert abs((noisy - clean).std() - 0.05) < 0.005


def test_a_crop_larger_than_a_photograph_names_it(make_store):
    with pytest.raises(UserError, match=r"crop = 48 .* a-0 \(56x40\)"):
        batches(make_store("a"), crop=48)


def test_channels_are_shuffled_alike_in_noisy_and_clean(tmp_path):
    pixels = np.stack([np.full((20, 20), v, np.uint8) for v in (10, 120, 240)])
    with StoreWriter(tmp_path / "s", "uint8") as writer:
        writer.append("a", pixels)
    noisy, clean = batches(Store(tmp_path / "s"), FreshNoise(0.01, clip=False), batch_size=200, permute_channels=True)(
        0
    )
    orders = {tuple((image[:, 0, 0] * 255).round().int().tolist()) for image in clean}
    assert len(orders) == 6
    assert (noisy - clean).abs().max() < 0.06


@pytest.mark.parametrize("permute", [False, True])
@pytest.mark.parametrize(
    "noise", [FRESH, FreshNoiseRange(0.1, 0.5, clip=True, draws=4), None], ids=["fresh", "range", "fixed"]
)
def test_read_in_the_background_they_are_the_same(make_store, noisy_store, monkeypatch, noise, permute):
    store = make_store("a")
    degraded = noise or noisy_store(store)
    held = batches(store, degraded, permute_channels=permute)
    monkeypatch.setattr("ftn_core.training.batches.memory", lambda device: store.pixels.nbytes)
    streamed = batches(store, degraded, permute_channels=permute)
    assert streamed._background is not None and held._background is None
    for step in (0, 1, 2, 9, 10, 3):  # also after a jump, as when a training is resumed
        for a, b in zip(held(step), streamed(step), strict=True):
            assert torch.equal(a, b)


class DrawnOn(TorchDispatchMode):
    """Notes on which device random numbers are drawn."""

    def __init__(self):
        super().__init__()
        self.devices = {}

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        result = function(*arguments, **(options or {}))
        if function.overloadpacket in (torch.ops.aten.randint, torch.ops.aten.rand, torch.ops.aten.randn):
            self.devices.setdefault(function.overloadpacket.__name__, set()).add(result.device.type)
        return result


def test_crops_are_drawn_by_the_cpu_whatever_the_device(make_store, noisy_store):
    store = make_store("a")
    # a device that computes nothing but is none of the CPU's
    elsewhere = batches(store, noisy_store(store), permute_channels=True, device=torch.device("meta"))
    with DrawnOn() as drawn:
        noisy, clean = elsewhere(0)
    assert noisy.device.type == clean.device.type == "meta"
    assert drawn.devices == {"randint": {"cpu"}, "rand": {"cpu"}}


def test_what_goes_wrong_in_the_background_is_raised_at_its_step(make_store, monkeypatch):
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


@on_cuda
@pytest.mark.parametrize("streamed", [False, True])
def test_crops_on_a_gpu_are_those_on_a_cpu(make_store, noisy_store, monkeypatch, streamed):
    store = make_store("a")
    noisy = noisy_store(store)
    on_cpu = batches(store, noisy, permute_channels=True)
    if streamed:
        monkeypatch.setattr("ftn_core.training.batches.memory", lambda device: 0)
    on_gpu = batches(store, noisy, permute_channels=True, device=torch.device("cuda"))
    for step in (0, 1, 5):
        for expected, found in zip(on_cpu(step), on_gpu(step), strict=True):
            torch.testing.assert_close(found.cpu(), expected, atol=1e-6, rtol=0)  # a GPU divides by 255 inexactly
