import pytest
import torch
from torch import nn
from torch.func import functional_call

from ftn_core.denoiser.transition import build_transition
from ftn_core.runtime.network_file import build_network

X = torch.rand(2, 3, 20, 24)


def trained_looking(name, depth=5):
    torch.manual_seed(0)
    base = build_network(name, 8, depth).eval()
    for parameter in base.parameters():
        nn.init.normal_(parameter, std=0.1)
    return base


@pytest.mark.parametrize("name", ["unshuffle_net", "adafm_net"])
def test_it_starts_as_the_base_on_the_image_with_less_contrast(name):
    base = trained_looking(name)
    state = build_transition("scale_mix", base, 2.5, mixes=1, groups=1)(dict(base.named_parameters()))
    torch.testing.assert_close(functional_call(base, state, (X,)), 2.5 * base(X / 2.5), atol=1e-5, rtol=1e-5)


def test_with_batch_norm_it_does_so_where_the_statistics_are_the_batchs():
    base = trained_looking("resnet").train()
    state = build_transition("scale_mix", base, 2.5, mixes=1, groups=1)(dict(base.named_parameters()))
    # batch norm's epsilon is the one thing that does not scale
    for module in base.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 1e-12
    torch.testing.assert_close(functional_call(base, state, (X,)), 2.5 * base(X / 2.5), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("groups", [1, 2])
def test_each_axis_of_the_filters_is_scaled_and_mixed(groups):
    base = trained_looking("unshuffle_net", depth=2)
    transition = build_transition("scale_mix", base, 1.0, mixes=2, groups=groups).requires_grad_(False)
    for parameter in transition.banks.parameters():
        nn.init.normal_(parameter, std=0.3)
    state = dict(base.named_parameters())
    level = transition(state)
    body = [name for name in state if name.startswith("body.") and name.endswith(".weight")]
    (bank,) = (bank for bank in transition.banks if bank.mix_in is not None)
    for i, name in enumerate(body):
        mixes = slice((i // 2) * groups, (i // 2 + 1) * groups)  # the first two share one pair, the last two the other
        mix_in = torch.block_diag(*bank.mix_in[mixes])
        mix_out = torch.block_diag(*bank.mix_out[mixes])
        w = state[name] * (1 + bank.outputs[i])[:, None, None, None] * (1 + bank.inputs[i])[None, :, None, None]
        w = torch.einsum("oiyx,yxvu->oivu", w, (torch.eye(9) + bank.taps[i]).view(3, 3, 3, 3))
        w = torch.einsum("oiyx,ij->ojyx", w, torch.eye(8) + mix_in)
        w = torch.einsum("po,ojyx->pjyx", torch.eye(8) + mix_out, w)
        torch.testing.assert_close(level[name], w, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("network", "options", "most"),
    [
        (("unshuffle_net", 32, 6), {"mixes": 1, "groups": 2}, 0.03),
        (("unshuffle_net", 48, 6), {"mixes": 1, "groups": 1}, 0.03),
        (("adafm_net", 64, 16), {"mixes": 3, "groups": 1}, 0.03),
    ],
)
def test_a_level_costs_at_most_three_percent(network, options, most):
    base = build_network(*network)
    transition = build_transition("scale_mix", base, 2.5, **options)
    share = sum(p.numel() for p in transition.parameters()) / sum(p.numel() for p in base.parameters())
    assert 0.02 < share <= most


def test_everything_learns():
    base = trained_looking("unshuffle_net", depth=2)
    transition = build_transition("scale_mix", base, 2.5, mixes=1, groups=2)
    functional_call(base, transition(dict(base.named_parameters())), (X,)).square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in transition.parameters())
