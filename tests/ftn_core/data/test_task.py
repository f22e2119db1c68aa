import pytest

from ftn_core.data.task import DENOISING, DegradationSpec, Task, make_task
from ftn_core.parameters.degradation import JpegOptions, NoiseOptions
from ftn_core.parameters.losses import PerceptualLossOptions, PixelLossOptions, StyleLossOptions
from ftn_core.parameters.quantities import GRAIN, QUALITY, SCALE, SIGMA, objective

NOISE = {"name": "noise", "sigma": "level", "clip": False}
JPEG = {"name": "jpeg", "quality": "level"}
SENSOR = {"name": "sensor", "grain": "level"}
DOWNSCALING = {"name": "downscaling", "scale": "level"}


@pytest.mark.parametrize(
    ("steps", "varied"),
    [
        ([NOISE], SIGMA),
        ([JPEG], QUALITY),
        ([SENSOR, JPEG | {"quality": 90}], GRAIN),
        ([DOWNSCALING], SCALE),
        ([DOWNSCALING | {"scale": 2}, NOISE], SIGMA),
        ([NOISE | {"sigma": 0.1}], None),
        ([], None),
    ],
)
def test_the_quantity_that_a_level_sets_is_that_of_the_step_that_goes_by_it(steps, varied):
    assert DegradationSpec(steps).varied is varied


def test_only_noise_alone_can_be_drawn_anew_and_only_its_levels_are_contrasts():
    noise, jpeg, sensor, both = (
        DegradationSpec(steps) for steps in ([NOISE], [JPEG], [SENSOR], [DOWNSCALING | {"scale": 2}, NOISE])
    )
    assert noise.by_noise_alone and noise.fresh_sigma(0.3) == 0.3 and noise.ratio(0.6, 0.2) == pytest.approx(3)
    for other in (jpeg, sensor, both):
        assert not other.by_noise_alone and other.fresh_sigma(20) is None and other.ratio(10, 40) == 1


def test_noise_that_is_the_same_at_every_level_can_be_drawn_anew_but_has_no_contrasts():
    fixed = DegradationSpec([NOISE | {"sigma": 0.1}])
    assert fixed.fresh_sigma(0) == fixed.fresh_sigma(1) == 0.1 and fixed.ratio(1, 0) == 1 and not fixed.by_noise_alone


def test_without_steps_nothing_is_added():
    nothing = DegradationSpec([])
    assert nothing.fresh_sigma(1) == 0 and nothing.ratio(1, 0) == 1 and not nothing.clips


def test_fresh_noise_is_clipped_where_the_degraded_set_is():
    assert DegradationSpec([NOISE | {"clip": True}]).clips
    assert not DegradationSpec([NOISE]).clips and not DegradationSpec([JPEG]).clips


def test_without_a_quantity_that_varies_a_dial_goes_from_one_objective_to_the_other():
    assert DENOISING.quantity is SIGMA
    fixed = Task(DegradationSpec([JPEG | {"quality": 10}]), ("faithful", "pleasing"))
    assert fixed.quantity == objective("faithful", "pleasing")


def test_a_task_is_made_of_the_parameters_as_they_were_read():
    pixel = PixelLossOptions(name="l2")
    perceptual = PerceptualLossOptions(
        name="perceptual", feature=1.0, layers=["relu1_2"], pixel=0.0, total_variation=0.0
    )
    style = StyleLossOptions(
        name="style", image="waves.png", size=64, content=1.0, content_layer="relu1_2", style=1.0,
        style_layers=["relu1_2"], total_variation=0.0,
    )  # fmt: skip
    steps = [NoiseOptions(name="noise", sigma=0.1, clip=True), JpegOptions(name="jpeg", quality="level")]
    task = make_task(steps, pixel, perceptual)
    assert task.degradation.steps == [NOISE | {"sigma": 0.1, "clip": True}, JPEG]
    assert task.objectives == ("faithful", "pleasing")
    assert make_task([], pixel, style).quantity.ends == ("faithful", "waves")
