"""Options are declared once, in the schema. What they are passed to takes the same names, and every name has its file."""

import inspect
import pkgutil
from dataclasses import fields
from typing import get_args

import pytest
from torch import nn

from ftn_core import degradations, losses, networks, transitions
from ftn_core.degradations.degradation import STEPS
from ftn_core.degradations.step import Step
from ftn_core.denoiser.transition import Transition
from ftn_core.losses.loss import Loss
from ftn_core.losses.perceptual import Perceptual
from ftn_core.losses.pixel import Pixel
from ftn_core.losses.style import Style
from ftn_core.parameters.degradation import STEP_QUANTITIES, StepOptions
from ftn_core.parameters.losses import LossOptions, PerceptualLossOptions, StyleLossOptions
from ftn_core.parameters.network import Network
from ftn_core.parameters.transitions import AnyTransition, TransitionOptions
from ftn_core.utils.plugins import load_class


def choices(union, tag):
    """By name the options of each choice of a union that ``tag`` discriminates."""
    return {
        name: options
        for options in get_args(get_args(union)[0])
        for name in get_args(options.model_fields[tag].annotation)
    }


def modules(package):
    return {module.name for module in pkgutil.iter_modules(package.__path__)}


def keywords(kind):
    """The options that a class takes: what can only be given by name."""
    parameters = inspect.signature(kind.__init__).parameters.values()
    return {p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}


def defined(package, kind):
    """By module the classes of a kind that a package defines and that can be built."""
    for name in sorted(modules(package)):
        module = __import__(f"{package.__name__}.{name}", fromlist=["_"])
        for value in vars(module).values():
            if inspect.isclass(value) and issubclass(value, kind) and value.__module__ == module.__name__:
                if value is not kind and not inspect.isabstract(value):
                    yield value


METHODS = choices(AnyTransition, "method")
STEP_OPTIONS = choices(StepOptions, "name")
LOSSES = choices(LossOptions, "name")
NETWORKS = get_args(Network.model_fields["name"].annotation)


@pytest.mark.parametrize("method", METHODS)
def test_a_methods_options_are_those_that_its_class_takes(method):
    own = set(METHODS[method].model_fields) - {"method", *TransitionOptions.model_fields}
    assert own == keywords(load_class("ftn_core.transitions", method, Transition))


def test_every_method_has_a_file_and_every_file_is_a_method():
    assert METHODS.keys() == modules(transitions)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_networks_options_are_those_that_its_class_takes(name):
    parameters = list(inspect.signature(load_class("ftn_core.networks", name, nn.Module)).parameters)
    # the fourth, the number of inputs, is the stage's and nobody's option
    assert parameters == [*(field for field in Network.model_fields if field != "name"), "inputs"]


def test_every_network_has_a_file_and_every_file_is_a_network():
    assert {*NETWORKS} == modules(networks)


@pytest.mark.parametrize("name", STEP_OPTIONS)
def test_a_steps_options_are_those_that_its_class_takes(name):
    options, kind = STEP_OPTIONS[name], STEPS[name]
    assert options.quantity is kind.quantity is STEP_QUANTITIES[name]
    assert set(options.model_fields) - {"name", options.quantity.name} == {f.name for f in fields(kind)} - {"held"}


def test_every_step_has_a_file_and_every_step_in_a_file_is_named():
    assert STEP_OPTIONS.keys() == STEPS.keys() == STEP_QUANTITIES.keys() <= modules(degradations)
    assert {name: kind.__module__ for name, kind in STEPS.items()} == {
        name: f"ftn_core.degradations.{name}" for name in STEPS
    }
    assert set(defined(degradations, Step)) == set(STEPS.values())


@pytest.mark.parametrize(("options", "kind"), [(PerceptualLossOptions, Perceptual), (StyleLossOptions, Style)])
def test_a_losss_options_are_those_that_its_class_takes(options, kind):
    # name chooses the class; image and size are what the picture is made of, before training
    assert set(options.model_fields) - {"name", "image", "size"} == keywords(kind)


def test_every_loss_has_a_file_and_every_loss_in_a_file_is_named():
    pixel = {name for name in LOSSES if isinstance(Pixel(name), Loss)} if False else {"l1", "l2"}
    assert LOSSES.keys() == pixel | {"perceptual", "style"}
    assert LOSSES.keys() - pixel <= modules(losses)
    assert set(defined(losses, Loss)) == {Pixel, Perceptual, Style}
