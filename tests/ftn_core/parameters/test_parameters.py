import copy

import pytest
import yaml
from project import ROOT

from ftn_core.parameters import load_parameters, parse_parameters
from ftn_core.parameters.quantities import SCALE
from ftn_core.utils.errors import UserError

VALUES = yaml.safe_load((ROOT / "params.yaml").read_text())


def changed(key: str, value):
    values = copy.deepcopy(VALUES)
    *path, last = key.split(".")
    section = values
    for part in path:
        section = section[part]
    section[last] = value
    return values


def test_the_projects_own_file_is_accepted():
    params = load_parameters(ROOT / "params.yaml")
    assert params.levels.base == 0.2
    assert params.register_.model == "ftn-denoiser"


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("train.stpes", 5, ["train.stpes", "did you mean steps"]),
        ("nonsense", 5, ["nonsense", "known: seed"]),
        ("train.steps", "many", ["train.steps", "'many'", "integer"]),
        ("train.steps", 0, ["train.steps", "0", "greater than or equal to 1"]),
        ("train.steps", 1.5, ["train.steps", "1.5", "integer"]),
        ("train.steps", True, ["train.steps", "True"]),
        ("train.devices", 0, ["train.devices = 0", "greater than or equal to 1"]),
        ("train.devices", 3, ["train.batch_size = 8", "train.devices = 3", "multiple"]),
        ("train.lr", -1, ["train.lr", "-1", "greater than 0"]),
        ("train.noise", "old", ["train.noise", "'old'", "'fresh' or 'fixed'"]),
        ("network.name", "unet", ["network.name", "'unet'", "'adafm_net'"]),
        ("network.depth", 0, ["network.depth", "0"]),
        ("data.levels", [0.3, 0.2, 0.4], ["data.levels", "rise or fall"]),
        ("data.levels", [0.6, 0.5, 0.4, 0.3, 0.2], ["data.levels must go from weak to strong, from 0.2: reverse it"]),
        ("data.levels", [0.0002, 2.5], ["data.levels", "sigma 2.5 does not exist", "above 0 to 2"]),
        ("data.levels", [], ["data.levels", "at least 1"]),
        ("data.levels", [1.0], ["data.levels.0", "write 1 without a point"]),
        ("degradation", [{"name": "noise", "sigma": "level", "clip": "yes"}], ["degradation.0.clip", "'yes'"]),
        ("degradation", [{"name": "jpeg", "qualty": 3}], ["unknown key degradation.0.qualty", "did you mean quality"]),
        ("degradation", [{"name": "blur", "sigma": "level"}], ["degradation.0", "'blur'", "'jpeg'"]),
        (
            "degradation",
            [{"name": "jpeg", "quality": "level"}],
            ["data.levels", "quality 0.02", "whole number from 1 to 100"],
        ),
        ("degradation", [{"name": "jpeg", "quality": 0}], ["degradation", "quality 0"]),
        ("degradation", [{"name": "downscaling", "scale": 0.5}], ["degradation", "scale 0.5", "above 1 to 16"]),
        ("degradation", [{"name": "sensor", "grain": 1.5}], ["degradation", "grain 1.5", "above 0 to 1"]),
        ("degradation", [{"name": "sensor", "grian": 0.1}], ["unknown key degradation.0.grian", "did you mean grain"]),
        ("degradation", [{"name": "sensor", "grain": "much"}], ["degradation.0.grain", "'much'"]),
        ("degradation", [{"name": "sensor"}], ["degradation.0.grain is missing"]),
        ("degradation", [{"name": "jpeg", "quality": 30}], ["degradation", "levels.base must be 0"]),
        ("degradation", [{"name": "noise", "sigma": "level"}], ["degradation.0.clip is missing"]),
        ("degradation", 2 * [{"name": "noise", "sigma": "level", "clip": False}], ["degradation", "only one step"]),
        ("data.archive", "imagenet", ["data.archive", "'imagenet'"]),
        ("data.archive", {"url": "http://x/y.zip", "sha256": "12", "terms": ""}, ["data.archive.sha256", "'12'"]),
        ("levels.adapted", [0.5, 0.3, 0.4], ["levels", "rise or fall"]),
        ("levels.adapted", [0.5, 0.3], ["levels.adapted must go from weak to strong, from 0.3: reverse it"]),
        ("levels.adapted", [0.1, 0.2], ["levels", "without repeats"]),
        ("levels.between", [0.1], ["levels.between: 0.1 is weaker than all trained levels: add it to levels.adapted"]),
        ("levels.adapted", [0.45], ["0.45", "data.levels"]),
        ("levels.base", 0.25, ["level 0.25 has no degraded set: add it to data.levels"]),
        ("levels.methods", ["ftn", "adafn"], ["levels.methods", "adafn", "did you mean adafm"]),
        ("levels.methods", ["ftn", "ftn"], ["levels", "twice"]),
        ("levels.methods", ["base"], ["levels", "methods: base is what another row", "rename it"]),
        ("levels.chains", ["dni"], ["levels", "between"]),
        ("data.folder", "", ["data.folder = ''", "at least 1"]),
        ("levels.between", [0.5], ["levels", "without repeats"]),
        ("levels.noise_conditioned", [0.2], ["noise_conditioned", "0.2", "above"]),
        ("levels.lines", [0.2], ["levels", "lines 0.2", "another level than the base's"]),
        ("levels.lines", [0.45], ["0.45", "data.levels"]),
        ("levels.lines", [0.6, 0.5, 0.6], ["levels", "without repeats"]),
        ("line.lr", 0, ["line.lr = 0", "greater than 0"]),
        ("line.levels_per_step", 0, ["line.levels_per_step = 0"]),
        ("transitions", {}, ["transitions = {}", "at least 1"]),
        ("transitions.ftn.groups", 0, ["transitions.ftn.groups = 0"]),
        ("transitions.ftn.group", 2, ["unknown key transitions.ftn.group,", "did you mean groups"]),
        ("transitions.ftn.supervision", "some", ["transitions.ftn.supervision", "'level' or 'continuous'"]),
        ("transitions.ftn.method", "fnt", ["transitions.ftn", "'fnt'", "'ftn'"]),
        ("transitions.adafm.kernel", 2, ["transitions.adafm.kernel", "2", "1, 3, 5 or 7"]),
        ("transitions.cfsnet.kernel", 3, ["unknown key transitions.cfsnet.kernel", "known: lr"]),
        ("transitions.dynamic-net.after", [], ["transitions.dynamic-net.after = []", "at least 1"]),
        ("transitions.dynamic-net.after", [0.5, 1.5], ["transitions.dynamic-net.after.1 = 1.5", "1"]),
        ("transitions.dynamic-net.after", [0.5, 0.5], ["transitions.dynamic-net.after", "without repeats"]),
        ("transitions.dynamic-net.width", 0.0, ["transitions.dynamic-net.width = 0.0", "greater than 0"]),
        ("train.loss", "l1", ["train.loss = 'l1'", "dictionary"]),
        ("train.loss", {"name": "l3"}, ["train.loss", "'l3'", "'perceptual', 'style'"]),
        ("train.loss", {"name": "l1", "pixel": 1.0}, ["unknown key train.loss.pixel (known: name)"]),
        ("finetune.loss", {"name": "perceptual"}, ["key finetune.loss.layers is missing"]),
        (
            "finetune.loss",
            {"name": "style", "imge": "a.jpg"},
            ["unknown key finetune.loss.imge,", "did you mean image"],
        ),
        ("data.levels", [0.2, 0.2005, 0.5, 0.6], ["data.levels: 0.2 and 0.2005 are too close", "at least 1/255"]),
        ("data.seed", -1, ["data.seed = -1", "greater than or equal to 0"]),
        ("features.weights", "", ["features.weights = ''"]),
        ("features.weights", "elsewhere/vgg.pth", ["features.weights = 'elsewhere/vgg.pth'"]),
        ("register.row", "line-0.6", ["register.row", "no row line-0.6", "rows: ftn, scale-mix", "null"]),
        ("register.model", "a b", ["register.model", "'a b'"]),
        ("gate.tolerence", 0.1, ["unknown key gate.tolerence,", "did you mean tolerance"]),
        ("gate.max_harm", -0.1, ["gate.max_harm = -0.1", "greater than or equal to 0"]),
        ("gate.min_evenness", 1.5, ["gate.min_evenness = 1.5", "1"]),
        ("seed", None, ["seed", "None"]),
    ],
)
def test_a_wrong_value_is_refused_with_key_value_and_what_is_allowed(key, value, words):
    with pytest.raises(UserError) as error:
        parse_parameters(changed(key, value))
    message = str(error.value)
    assert "\n" not in message
    for word in words:
        assert word in message


def test_levels_that_differ_by_a_step_that_people_can_read_are_accepted():
    # sigma is counted in 1/255 (51 and 52 here), a factor in per cent
    values = changed("data.levels", [0.2, 0.204, 0.5, 0.6])
    assert parse_parameters(values).data.levels[1] == 0.204
    values["degradation"] = [{"name": "downscaling", "scale": "level"}]
    values["levels"] |= {"base": 2, "adapted": [3], "from_scratch": []}
    values["data"]["levels"] = [2, 2.01, 3]
    assert parse_parameters(values).quantity is SCALE
    values["data"]["levels"] = [2, 2.004, 3]
    with pytest.raises(UserError, match=r"2 and 2\.004 are too close: levels of scale differ by at least 1/100"):
        parse_parameters(values)


def test_adapted_levels_may_lie_on_both_sides_of_the_base():
    values = changed("levels.adapted", [0.04, 0.1, 0.5])
    assert parse_parameters(values).levels.adapted == [0.04, 0.1, 0.5]
    values["degradation"] = [{"name": "jpeg", "quality": "level"}]
    values["levels"] |= {"base": 40, "adapted": [80, 10], "from_scratch": []}
    values["data"]["levels"] = [80, 40, 20, 10]
    assert parse_parameters(values).levels.adapted == [80, 10]
    values["data"]["levels"] = [10, 20, 40, 80]
    with pytest.raises(UserError, match=r"data\.levels must go from weak to strong, from 80: reverse it"):
        parse_parameters(values)


def test_resnet_takes_5_to_16_layers():
    values = changed("network", {"name": "resnet", "channels": 16, "depth": 7})
    assert parse_parameters(values).network.depth == 7
    values["network"]["depth"] = 17
    with pytest.raises(UserError, match="from 5 to 16"):
        parse_parameters(values)


@pytest.mark.parametrize(
    ("name", "levels"),
    [
        ("ftn-chain", {"chains": ["ftn"], "between": [0.3]}),
        ("line-1", {"lines": [1], "adapted": [0.5], "from_scratch": []}),
    ],
)
def test_a_transition_may_not_be_called_as_another_row(name, levels):
    """Or the results of one would overwrite the other's."""
    values = changed("data.levels", [0.2, 0.3, 0.5, 0.6, 1])
    values["transitions"][name] = values["transitions"]["dni"]
    values["levels"]["methods"] = ["ftn", name]
    parse_parameters(values)
    values["levels"] |= levels
    with pytest.raises(UserError, match=f"methods: {name} is what another row of the results is called: rename it"):
        parse_parameters(values)


def test_a_missing_key_is_named():
    values = copy.deepcopy(VALUES)
    del values["train"]["crop"]
    with pytest.raises(UserError, match=r"train\.crop is missing"):
        parse_parameters(values)


def test_exponents_without_a_point_are_numbers():
    # YAML 1.1 calls 1e-3 a text
    assert parse_parameters(changed("train.lr", yaml.safe_load("1e-3"))).train.lr == 0.001


@pytest.mark.parametrize("text", ["a: [", "- 1", ""])
def test_a_file_that_is_no_mapping_is_refused(tmp_path, text):
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(UserError, match=r"params\.yaml"):
        load_parameters(tmp_path / "params.yaml")


LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (LAUGHS, r"anchor 'a0'"),
        ("a: &a [*a]", r"anchor 'a'"),
        ("seed: 0\nseed: 1", "key seed stands there twice"),
        ("train: {lr: 1, steps: 2, lr: 3}", r"key train\.lr stands there twice"),
        ("train: {steps: 10000000000000}", r"train\.steps = 1000000000\.\.\. is a number of 14 digits"),
        ("seed: " + "9" * 6000, r"seed = 9999999999\.\.\. is a number of 6000 digits"),
        ("train: {steps: 1:30}", r"train\.steps = 1:30 would be read in base 60"),
        ("levels: {adapted: [0.1, 1:30.5]}", r"levels\.adapted\.1 = 1:30\.5 would be read in base 60"),
        ("a: " + "[" * 1000 + "]" * 1000, "nested too deeply"),
        ("a: 2001-99-99", "not valid YAML"),
    ],
)
def test_yaml_that_would_be_read_otherwise_than_it_is_meant_is_refused(tmp_path, text, words):
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(UserError, match=words) as error:
        load_parameters(tmp_path / "params.yaml")
    assert "\n" not in str(error.value) and len(str(error.value)) < 300


def test_an_anchor_may_stand_for_a_value(tmp_path):
    text = (ROOT / "params.yaml").read_text() + "\n"
    path = tmp_path / "params.yaml"
    path.write_text(
        text.replace("val_fraction: ", "val_fraction: &part ").replace("test_fraction: 0", "test_fraction: *part #")
    )
    assert "*part" in path.read_text()
    data = load_parameters(path).data
    assert data.val_fraction == data.test_fraction


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        load_parameters(tmp_path / "params.yaml")


@pytest.mark.parametrize("method", ["cfsnet", "dynamic-net"])
def test_branches_are_refused_for_a_body_of_several_widths(method):
    values = changed("network.name", "transform_net")
    values["levels"]["methods"] = ["dni", method]
    with pytest.raises(UserError, match=f"levels.methods: {method} .* transform_net has not: choose another method"):
        parse_parameters(values)


@pytest.mark.parametrize(
    ("count", "devices", "words"),
    [
        (3, 1, "line.levels_per_step = 3 cannot share train.batch_size = 8 equally: .* a multiple of 3, or draw fewer"),
        (4, 4, "levels_per_step = 4 .*batch_size = 8 equally in each of train.devices = 4: .* a multiple of 16,"),
    ],
)
def test_levels_that_cannot_share_a_batch_are_refused_where_there_are_lines(count, devices, words):
    values = changed("line.levels_per_step", count)
    values["train"]["devices"] = devices
    assert parse_parameters(values).levels.lines == []
    values["levels"]["lines"] = [0.6]
    with pytest.raises(UserError, match=words):
        parse_parameters(values)


def test_a_line_needs_levels_of_a_degradation():
    values = changed("degradation", [])
    values["data"]["levels"] = [0, 1]
    values["levels"] |= {"base": 0, "adapted": [1], "from_scratch": [], "lines": [1]}
    with pytest.raises(UserError, match=r"levels\.lines: a line needs a step of degradation that varies"):
        parse_parameters(values)
