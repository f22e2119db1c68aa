import pytest
import torch
from safetensors import safe_open

from ftn_core.denoiser.level import AdaptedLevel, load_level, save_level, weights_hash
from ftn_core.denoiser.transition import build_transition
from ftn_core.runtime.checkpoint import write_tensors
from ftn_core.runtime.network_file import build_network
from ftn_core.utils.errors import UserError

OPTIONS = {
    "ftn": {"groups": 1, "biases": True},
    "adafm": {"kernel": 3},
    "dni": {"rescale": True},
    "scale_mix": {"mixes": 1, "groups": 2},
    "cfsnet": {},
    "dynamic_net": {"after": [0.5, 1.0], "width": 0.5},
}
RATIO = 2.5


def make_base(seed=0):
    """A base with batch norm, so that a level has statistics of its own."""
    torch.manual_seed(seed)
    return build_network("resnet", 8, 5).eval().requires_grad_(False)


def make_level(base, method="ftn"):
    transition = build_transition(method, base, RATIO, **OPTIONS[method]).requires_grad_(False)
    for parameter in transition.parameters():
        parameter += 0.1 * torch.randn_like(parameter)
    statistics = {n: b + torch.rand_like(b) for n, b in base.named_buffers() if b.is_floating_point()}
    return AdaptedLevel(0.5, method, OPTIONS[method], transition, statistics)


@pytest.mark.parametrize("method", OPTIONS)
def test_saved_and_loaded_it_is_the_same(method, tmp_path):
    base = make_base()
    level = make_level(base, method)
    save_level(tmp_path / "level", level, RATIO, base)
    loaded = load_level(tmp_path / "level", base)
    assert (loaded.value, loaded.method, loaded.options) == (0.5, method, OPTIONS[method])
    assert loaded.statistics.keys() == level.statistics.keys() and len(loaded.statistics) == 6
    assert all(torch.equal(value, level.statistics[name]) for name, value in loaded.statistics.items())
    state = dict(base.named_parameters())
    expected, found = level.transition(state), loaded.transition(state)
    assert found.keys() == expected.keys()
    assert all(torch.equal(value, expected[name]) for name, value in found.items())
    assert not any(parameter.requires_grad for parameter in loaded.transition.parameters())


def test_its_file_holds_the_transition_alone(tmp_path):
    base = make_base()
    level = make_level(base)
    save_level(tmp_path / "level", level, RATIO, base)
    with safe_open(tmp_path / "level", framework="pt") as file:
        names = set(file.keys())
    assert names == set(level.transition.state_dict()) | {f"statistics.{name}" for name in level.statistics}
    # with groups a transition is much smaller than its base
    base = build_network("unshuffle_net", 32, 6)
    small = AdaptedLevel(0.5, "ftn", {"groups": 16}, build_transition("ftn", base, RATIO, groups=16), {})
    save_level(tmp_path / "small", small, RATIO, base)
    bytes_of_base = sum(parameter.nbytes for parameter in base.parameters())
    assert (tmp_path / "small").stat().st_size < bytes_of_base / 4


def test_another_base_is_refused_with_the_file_and_the_remedy(tmp_path):
    base = make_base()
    save_level(tmp_path / "level", make_level(base), RATIO, base)
    for change in ("weight", "statistic"):
        other = make_base()
        tensor = other.head.weight if change == "weight" else other.body[0].norm.running_mean
        tensor.flatten()[0] += 1e-3
        with pytest.raises(UserError, match=r"/level was adapted from another base: run `dvc repro`"):
            load_level(tmp_path / "level", other)
    with pytest.raises(UserError, match="another base"):
        load_level(tmp_path / "level", build_network("resnet", 8, 6))


def test_another_file_is_refused(tmp_path):
    write_tensors(tmp_path / "denoiser", {}, {"format": "ftn-denoiser/2"})
    with pytest.raises(UserError, match=r"denoiser is of format 'ftn-denoiser/2'; this version reads 'ftn-level/1'"):
        load_level(tmp_path / "denoiser", make_base())


def test_the_hash_is_of_the_weights_and_not_of_their_layout_in_memory():
    base = make_base()
    before = weights_hash(base)
    assert weights_hash(make_base()) == before == weights_hash(base.to(memory_format=torch.channels_last))
    assert weights_hash(make_base(seed=1)) != before
    base.body[0].norm.num_batches_tracked += 1
    assert weights_hash(base) != before


@pytest.mark.parametrize("place", ["transition", "statistics"])
def test_values_that_are_not_finite_are_refused(tmp_path, place):
    base = make_base()
    level = make_level(base)
    tensors = level.statistics if place == "statistics" else level.transition.state_dict()
    next(iter(tensors.values())).fill_(float("nan"))
    save_level(tmp_path / "level", level, RATIO, base)
    with pytest.raises(UserError, match=r"/level is damaged: tensor .* not finite"):
        load_level(tmp_path / "level", base)
