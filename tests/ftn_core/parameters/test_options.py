"""Options are declared once, in the schema: classes take the same ones, and every name has a file."""

import inspect
import pkgutil
from dataclasses import fields
from importlib import import_module
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
from ftn_core.parameters.losses import LossOptions, PixelLossOptions
from ftn_core.parameters.network import Network
from ftn_core.parameters.transitions import AnyTransition, TransitionOptions
from ftn_core.utils.plugins import load_class


def choices(union, tag):
    """By name the options of each choice that a union offers; ``tag`` is the key that holds the name."""
    return {
        name: options
        for options in get_args(get_args(union)[0])
        for name in get_args(options.model_fields[tag].annotation)
    }


def files(package):
    return {module.name for module in pkgutil.iter_modules(package.__path__)}


def classes(package, kind):
    """By file the classes of a kind that a package defines; abstract ones are no choice."""
    return {
        name: value
        for name in files(package)
        for value in vars(import_module(f"{package.__name__}.{name}")).values()
        if inspect.isclass(value) and issubclass(value, kind) and value.__module__ == f"{package.__name__}.{name}"
        if value is not kind and not inspect.isabstract(value)
    }


def keywords(kind):
    """What a class can only be given by name."""
    parameters = inspect.signature(kind).parameters.values()
    return {parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY}


METHODS = choices(AnyTransition, "method")
STEP_OPTIONS = choices(StepOptions, "name")
LOSS_OPTIONS = choices(LossOptions, "name")
NETWORKS = get_args(Network.model_fields["name"].annotation)


@pytest.mark.parametrize("method", METHODS)
def test_a_methods_options_are_those_that_its_class_takes(method):
    own = METHODS[method].model_fields.keys() - {"method", *TransitionOptions.model_fields}
    assert own == keywords(load_class("ftn_core.transitions", method, Transition))


def test_every_method_has_a_file_and_every_file_is_a_method():
    assert METHODS.keys() == files(transitions)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_networks_options_are_those_that_its_class_takes(name):
    taken = list(inspect.signature(load_class("ftn_core.networks", name, nn.Module)).parameters)
    # how many channels the input has is not for the user to choose
    assert taken == [*(option for option in Network.model_fields if option != "name"), "inputs"]


def test_every_network_has_a_file_and_every_file_is_a_network():
    assert {*NETWORKS} == files(networks)


@pytest.mark.parametrize("name", STEP_OPTIONS)
def test_a_steps_options_are_those_that_its_class_takes(name):
    options, kind = STEP_OPTIONS[name], STEPS[name]
    assert options.quantity is kind.quantity is STEP_QUANTITIES[name]
    # the key of the strength is called as the quantity is
    own = options.model_fields.keys() - {"name", options.quantity.name}
    assert own == {field.name for field in fields(kind)} - {field.name for field in fields(Step)}


def test_every_step_has_a_file_and_every_step_in_a_file_can_be_chosen():
    assert STEP_OPTIONS.keys() == STEP_QUANTITIES.keys()
    assert classes(degradations, Step) == STEPS
    assert STEPS.keys() == STEP_OPTIONS.keys()


@pytest.mark.parametrize(("name", "kind"), [("perceptual", Perceptual), ("style", Style)])
def test_a_losss_options_are_those_that_its_class_takes(name, kind):
    # the picture is made of image and size before the training begins
    assert LOSS_OPTIONS[name].model_fields.keys() - {"name", "image", "size"} == keywords(kind)


def test_every_loss_has_a_file_and_every_loss_in_a_file_can_be_chosen():
    pixel = {name for name, options in LOSS_OPTIONS.items() if options is PixelLossOptions}
    assert all(isinstance(Pixel(name), Loss) for name in pixel) and PixelLossOptions.model_fields.keys() == {"name"}
    others = LOSS_OPTIONS.keys() - pixel
    assert classes(losses, Loss) == {"pixel": Pixel, "perceptual": Perceptual, "style": Style}
    assert others | {"pixel"} == classes(losses, Loss).keys()
