from ftn_core.degradations.degradation import Degradation
from ftn_core.words.description import describe


def test_steps_follow_each_other_and_say_what_stays_the_same():
    steps = [
        {"name": "downscaling", "scale": 2}, {"name": "noise", "sigma": 0.2, "clip": True},
        {"name": "jpeg", "quality": "level"},
    ]  # fmt: skip
    assert describe(Degradation.build(steps)) == (
        "bicubic downscaling at scale ×2, then white Gaussian noise at sigma 0.2 (51/255), then JPEG compression"
    )
    camera = [{"name": "sensor", "grain": 0.1}, {"name": "jpeg", "quality": "level"}]
    assert describe(Degradation.build(camera)) == "camera noise at grain 0.1 (25.5/255), then JPEG compression"
    assert describe(Degradation.build([])) == ""
