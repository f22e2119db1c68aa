import runpy
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import mlflow.models
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from mlflow.exceptions import MlflowException
from project import ROOT
from small_denoiser import DEJPEG, PLEASING, folded, small_denoiser

BASE = 0.2


@pytest.fixture(scope="module")
def module():
    """What MLflow runs: the file, not the module of that name."""
    chosen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mlflow.models, "set_model", chosen.append)
        names = runpy.run_path(str(ROOT / "registry/model/denoiser_model.py"))
    return SimpleNamespace(model=chosen[0], **names)


@pytest.fixture(scope="module")
def model(module, weights, expected):
    model = module.model
    model.load_context(SimpleNamespace(artifacts={"denoiser": str(weights)}))
    return model


@pytest.mark.parametrize("sigma", [0.0, 0.05, 0.2, 0.35, 0.5, 1.0])
def test_it_is_the_folded_network_at_the_dials_position(model, expected, sigma):
    images = np.random.default_rng(0).random((2, 21, 30, 3), np.float32)
    np.testing.assert_allclose(model.predict(None, images, {"sigma": sigma}), expected(images, sigma), atol=1e-6)


def test_at_sigma_0_images_come_back_bit_for_bit(model):
    images = np.random.default_rng(0).random((2, 21, 30, 3), np.float32)
    np.testing.assert_array_equal(model.predict(None, images, {"sigma": 0}), images)


def test_without_sigma_it_is_the_base_whatever_came_before(model):
    images = np.random.default_rng(0).random((1, 16, 16, 3), np.float32)
    first = model.predict(None, images)
    model.predict(None, images, {"sigma": 0.5})
    np.testing.assert_array_equal(model.predict(None, images, {}), first)
    assert first.dtype == np.float32 and first.flags.c_contiguous


@pytest.mark.parametrize(
    ("images", "params", "words"),
    [
        ([[[[0.5, 0.5, 0.5]]]], None, "one array of N x height x width x 3, not list"),
        (np.zeros((4, 4, 3), np.float32), None, "N x height x width x 3 and not empty, not 4 x 4 x 3"),
        (np.zeros((1, 4, 4, 1), np.float32), None, "not 1 x 4 x 4 x 1"),
        (np.zeros((1, 0, 4, 3), np.float32), None, "not empty, not 1 x 0 x 4 x 3"),
        (np.zeros((1, 4, 4, 3), np.uint8), None, "floats in [0, 1], not uint8"),
        (np.full((1, 4, 4, 3), 200, np.float32), None, "values go from 200 to 200, but the scale is [0, 1]"),
        (np.full((1, 4, 4, 3), np.nan, np.float32), None, "finite"),
        (np.full((1, 4, 4, 3), -np.inf), None, "finite"),
        (
            np.zeros((1, 4, 4, 3)),
            {"sigma": 51},
            "sigma must be from 0 to 2 (standard deviation of the noise for images from 0 to 1)",
        ),
        (np.zeros((1, 4, 4, 3)), {"sigma": -0.1}, "sigma must be from 0"),
        (np.zeros((1, 4, 4, 3)), {"sigma": float("nan")}, "sigma must be from 0"),
        (np.zeros((1, 4, 4, 3)), {"sigma": None}, "sigma must be a number, not NoneType"),
        (np.zeros((1, 4, 4, 3)), {"sgima": 0.2}, "unknown key 'sgima': there is only sigma"),
        (np.zeros((1, 4, 4, 3)), 0.2, 'params must be like {"sigma": 0.2}, not float'),
    ],
)
def test_what_is_wrong_is_said(model, images, params, words):
    with pytest.raises(MlflowException) as raised:
        model.predict(None, images, params)
    assert words in raised.value.message and raised.value.error_code == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize(
    ("task", "levels", "quantity", "positions", "wrong"),
    [
        (DEJPEG, (40, 10), "quality", [100, 40, 22.5, 10, 1], [0, 101]),
        (PLEASING, (0, 1), "objective", [0, 0.3, 1], [-0.1, 1.5]),
    ],
)
def test_the_parameter_is_named_by_the_models_own_quantity(module, tmp_path, task, levels, quantity, positions, wrong):
    denoiser = small_denoiser(tmp_path / "d.safetensors", task, levels)
    model = type(module.model)()
    model.load_context(SimpleNamespace(artifacts={"denoiser": str(tmp_path / "d.safetensors")}))
    images = np.random.default_rng(0).random((1, 21, 30, 3), np.float32)
    answers = [model.predict(None, images, {quantity: level}) for level in positions]
    for level, answer in zip(positions, answers, strict=True):
        np.testing.assert_allclose(answer, folded(denoiser, images, level), atol=1e-6)
    np.testing.assert_array_equal(model.predict(None, images), model.predict(None, images, {quantity: levels[0]}))
    assert np.abs(answers[0] - answers[-1]).max() > 1e-3
    for level in wrong:
        with pytest.raises(MlflowException, match=f"{quantity} must be from"):
            model.predict(None, images, {quantity: level})
    with pytest.raises(MlflowException, match=f"unknown key 'sigma': there is only {quantity}"):
        model.predict(None, images, {"sigma": 0.2})


SHAPES = st.one_of(
    st.tuples(st.integers(1, 2), st.integers(1, 9), st.integers(1, 9), st.just(3)),
    arrays.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4),
)
FLOATS = {"f4": 32, "f8": 64, ">f4": 32, "f2": 16}
PIXELS = st.one_of(
    *(arrays.arrays(kind, SHAPES, elements=st.floats(-16, 16, width=width)) for kind, width in FLOATS.items()),
    arrays.arrays("f4", SHAPES),
    arrays.arrays(st.sampled_from(["u1", "i8", "?", "c8", "U3", "S2", "M8[s]", "O"]), SHAPES),
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
SIGMAS = (
    st.floats(0, 2) | st.floats(0, 2, width=32).map(np.float32) | st.sampled_from([0, 1, 2, 3, -1, 10**400, 10.0**300])
)
PARAMS = st.one_of(
    st.none(),
    st.just({}),
    SIGMAS.map(lambda sigma: {"sigma": sigma}),
    ANYTHING.map(lambda value: {"sigma": value}),
    ANYTHING,
)


def right_images(images):
    return (
        isinstance(images, np.ndarray) and images.dtype.kind == "f" and images.ndim == 4 and images.shape[3] == 3
        and images.size > 0 and bool(np.all(np.isfinite(images)) and np.all(np.abs(images) <= 16))
    )  # fmt: skip


def right_params(params):
    if params is None or params == {}:
        return True
    if not isinstance(params, dict) or set(params) != {"sigma"}:
        return False
    return (
        isinstance(params["sigma"], int | float | np.floating)
        and type(params["sigma"]) is not bool
        and 0 <= params["sigma"] <= 2
    )


@settings(max_examples=200, deadline=None)
@given(images=PIXELS | ANYTHING, params=PARAMS)
def test_any_call_is_answered_rightly_or_refused_as_invalid(model, expected, images, params):
    try:
        restored = model.predict(None, images, params)
    except MlflowException as error:
        assert error.error_code == "INVALID_PARAMETER_VALUE" and error.message
        assert not (right_images(images) and right_params(params))
    else:
        assert right_images(images) and right_params(params)
        sigma = float((params or {}).get("sigma", BASE))
        np.testing.assert_allclose(restored, expected(images.astype("f4"), sigma), atol=1e-5)


def test_threads_at_different_sigmas_do_not_mix(model, expected):
    images = np.random.default_rng(0).random((1, 40, 40, 3), np.float32)
    sigmas = [0.2, 0.27, 0.35, 0.5]
    start = threading.Barrier(8)

    def ask(i):
        start.wait()
        return [model.predict(None, images, {"sigma": sigmas[(i + k) % 4]}) for k in range(25)]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    alone = [expected(images, sigma) for sigma in sigmas]
    assert np.abs(alone[0] - alone[1]).max() > 1e-3
    for i, of_one in enumerate(answers):
        for k, answer in enumerate(of_one):
            np.testing.assert_allclose(answer, alone[(i + k) % 4], atol=1e-6)
