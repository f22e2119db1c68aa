"""The typed model of ``params.yaml``: what may be set, in which range, and what each key means.

``params.yaml`` holds every value; nothing has a default here, so there is one place to look.
"""

import difflib
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from ftn_core.errors import UserError
from ftn_core.units import QUALITY, SCALE, SIGMA, Unit, level_name


def _decimal(value: Any) -> Any:  # noqa: ANN401 - whatever YAML read
    # YAML 1.1 reads `1e-3` as text, because the mantissa has no point
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _named_alike(value: Any) -> Any:  # noqa: ANN401 - whatever YAML read
    if isinstance(value, float) and value.is_integer():
        raise ValueError(f"write {value:.0f} without a point, because it names a folder")
    return value


Float = Annotated[float, BeforeValidator(_decimal)]
Level = Annotated[Float, BeforeValidator(_named_alike)]
"""On the scale of what ``degradation`` goes by (ftn_core/units.py)."""
Fraction = Annotated[Float, Field(ge=0, lt=1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Archive(_Section):
    """An archive of photographs: where it is, what it must hash to, and under which terms it may be used."""

    url: str = Field(pattern=r"^((https?|file)://|s3://[A-Za-z0-9._-]+/.)")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    terms: str


class Data(_Section):
    """Where the photographs come from, how they are split, and at which levels there are degraded sets of them."""

    source: Literal["sample", "folder", "archive"]
    folder: str
    include: list[str] = Field(min_length=1)
    archive: Literal["bsds500", "div2k"] | Archive
    val_fraction: Fraction
    test_fraction: Fraction
    min_side: int = Field(ge=16)
    max_pixels: int = Field(ge=4096)
    levels: list[Level] = Field(min_length=1)

    @model_validator(mode="after")
    def _something_to_train_on(self) -> Self:
        if self.val_fraction + self.test_fraction >= 1:
            raise ValueError("val_fraction and test_fraction together must stay below 1")
        return self

    @field_validator("levels")
    @classmethod
    def _no_repeats(cls, levels: list[float]) -> list[float]:
        return _in_order(levels)


class Noise(_Section):
    """White Gaussian noise; ``clip``: to [0, 1]."""

    unit: ClassVar[Unit] = SIGMA
    name: Literal["noise"]
    sigma: Float | Literal["level"]
    clip: bool


class Jpeg(_Section):
    """JPEG compression."""

    unit: ClassVar[Unit] = QUALITY
    name: Literal["jpeg"]
    quality: int | Literal["level"]


class Downscaling(_Section):
    """Bicubic downscaling, and back to the old size."""

    unit: ClassVar[Unit] = SCALE
    name: Literal["downscaling"]
    scale: Float | Literal["level"]


Step = Annotated[Noise | Jpeg | Downscaling, Field(discriminator="name")]


class Network(_Section):
    """The base network: which one, how wide and how deep.

    ``depth`` counts convolutions (``resnet``, ``dncnn``) or residual blocks (all others).
    """

    name: Literal["unshuffle_net", "resnet", "adafm_net", "dncnn", "transform_net"]
    channels: int = Field(ge=4, le=512)
    depth: int = Field(ge=1, le=64)

    @model_validator(mode="after")
    def _resnet_depth(self) -> Self:
        if self.name == "resnet" and not 5 <= self.depth <= 16:
            raise ValueError(f"depth of resnet must be from 5 to 16 layers, not {self.depth}")
        if self.name == "dncnn" and self.depth < 3:
            raise ValueError(f"depth of dncnn must be at least 3 layers, not {self.depth}")
        return self


class Levels(_Section):
    """The levels that networks are trained for, and by which methods the base is adapted to them.

    ``methods`` name entries of ``transitions``; the first is what is registered. ``chains`` name those of them that are
    adapted to the levels of ``between``, too. ``level_input`` are the highest sigmas of networks that are told sigma.
    """

    base: Level
    adapted: list[Level] = Field(min_length=1)
    methods: list[str] = Field(min_length=1)
    between: list[Level]
    chains: list[str]
    from_scratch: list[Level]
    level_input: list[Level]

    @model_validator(mode="after")
    def _one_chain(self) -> Self:
        _in_order([self.base, *self.adapted])
        _in_order([self.base, *sorted([*self.between, *self.adapted], key=lambda level: abs(level - self.base))])
        for levels in (self.between, self.from_scratch, self.level_input):
            _in_order(levels)
        for sigma in self.level_input:
            if sigma <= self.base:
                raise ValueError(f"level_input {sigma} must lie above the base level {self.base}")
        for names in (self.methods, self.chains):
            if len(set(names)) < len(names):
                raise ValueError(f"names a method twice: {names}")
        for name in self.chains:
            if name not in self.methods:
                raise ValueError(f"chains: {name} is not among levels.methods {self.methods}")
        if self.chains and not self.between:
            raise ValueError("chains need levels.between: without further levels they are the methods themselves")
        return self


class PixelLoss(_Section):
    """The mean absolute or squared error of pixels."""

    name: Literal["l1", "l2"]

    @property
    def label(self) -> str:
        """In a word, for the dial's end."""
        return "faithful"


Layer = Literal["relu1_2", "relu2_2", "relu3_3", "relu4_3"]
"""Of VGG16."""
Weight = Annotated[Float, Field(ge=0)]


class PerceptualLoss(_Section):
    """Close to the clean image in VGG16's features (arXiv 1603.08155), and in pixels: weights of the terms."""

    name: Literal["perceptual"]
    feature: Weight
    layers: list[Layer] = Field(min_length=1)
    pixel: Weight
    total_variation: Weight

    @property
    def label(self) -> str:
        """In a word, for the dial's end."""
        return "pleasing"


class StyleLoss(_Section):
    """The image's content in the style of another (arXiv 1603.08155): weights of the terms.

    ``image`` lies below ``styles/``; its longer side is made ``size`` pixels.
    """

    name: Literal["style"]
    image: str = Field(min_length=1)
    size: int = Field(ge=32, le=4096)
    content: Weight
    content_layer: Layer
    style: Weight
    style_layers: list[Layer] = Field(min_length=1)
    total_variation: Weight

    @property
    def label(self) -> str:
        """The style image's name."""
        return Path(self.image).stem


Loss = Annotated[PixelLoss | PerceptualLoss | StyleLoss, Field(discriminator="name")]


class Features(_Section):
    """Where trained weights of VGG16 come from: ``torchvision``, ``stlpips``, or a file."""

    weights: str = Field(min_length=1)


class Schedule(_Section):
    """Learning rate over the steps: a half cosine to zero, or a tenth of the rate after each milestone."""

    name: Literal["cosine", "step"]
    warmup_steps: int = Field(ge=0)
    milestones: list[Fraction]


class Optimisation(_Section):
    """How long and how fast one network or transition is trained."""

    steps: int = Field(ge=1)
    lr: Float = Field(gt=0, le=1)
    batch_size: int = Field(ge=1)
    crop: int = Field(ge=16)


class Train(Optimisation):
    """The base network's training, and what finetuning shares with it.

    ``devices``: over how many GPUs, or without one processes, the training of a network from scratch is spread.
    """

    devices: int = Field(ge=1)
    loss: Loss
    schedule: Schedule
    noise: Literal["fresh", "fixed"]
    permute_channels: bool
    precision: Literal["auto", "32-true", "bf16-mixed"]
    validations: int = Field(ge=1)
    val_images: int = Field(ge=1)

    @model_validator(mode="after")
    def _equal_shares(self) -> Self:
        if self.batch_size % self.devices:
            raise ValueError(
                f"train.batch_size = {self.batch_size} cannot be shared equally by train.devices = {self.devices}: "
                "choose a multiple"
            )
        return self


class _Transition(_Section):
    """One row of the comparison: a method with its options, and how it is trained."""

    lr: Float = Field(gt=0, le=1)
    supervision: Literal["level", "continuous"]

    def options(self) -> dict[str, Any]:
        """What the method itself is built with."""
        return self.model_dump(exclude={"method", *_Transition.model_fields})


class Ftn(_Transition):
    """Filter Transition Network (arXiv 2010.02270): its 1x1 convolutions, and which convolutions have one."""

    method: Literal["ftn"]
    groups: int = Field(ge=1, le=512)
    layers: Literal[2, 3]
    where: Literal["all", "body"]
    biases: bool


class AdaFM(_Transition):
    """AdaFM (arXiv 1904.08118): side of its depthwise filters."""

    method: Literal["adafm"]
    kernel: Literal[1, 3, 5, 7]


class Dni(_Transition):
    """DNI (arXiv 1811.10515): everything is fine-tuned, from the base or (ours) from the base rescaled to the level."""

    method: Literal["dni"]
    rescale: bool


class ScaleMix(_Transition):
    """Our own (docs/scale-mix.md): pairs of shared channel mixes, and groups of channels that mix."""

    method: Literal["scale_mix"]
    mixes: int = Field(ge=0, le=64)
    groups: int = Field(ge=1, le=512)


class CfsNet(_Transition):
    """CFSNet (arXiv 1904.00634)."""

    method: Literal["cfsnet"]


class DynamicNet(_Transition):
    """Dynamic-Net (arXiv 1811.08760): where in the body its tuning blocks are, and their width beside the body's."""

    method: Literal["dynamic_net"]
    after: list[Annotated[Float, Field(gt=0, le=1)]] = Field(min_length=1)
    width: Float = Field(gt=0, le=8)

    @field_validator("after")
    @classmethod
    def _no_repeats(cls, after: list[float]) -> list[float]:
        return _in_order(after)


AnyTransition = Annotated[Ftn | AdaFM | Dni | ScaleMix | CfsNet | DynamicNet, Field(discriminator="method")]


class Finetune(_Section):
    """Adapting the base to one more level: how long and for what, for every method alike."""

    steps: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    crop: int = Field(ge=16)
    norm_batches: int = Field(ge=1)
    loss: Loss


class Evaluate(_Section):
    """How finely the dial is sampled from one level to the next, and on how many images beside the table's.

    ``images``: the first of the test images, for the heat map; ``calibration_images``: of the validation images.
    """

    alphas: int = Field(ge=1, le=100)
    images: int = Field(ge=1)
    calibration_images: int = Field(ge=1)


class Register(_Section):
    """The name under which the model stands in the MLflow registry."""

    model: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")


class Gate(_Section):
    """What a model must keep to before it becomes champion by itself: ftn_core/gate.py has the rules.

    ``min_gain``: dB above the degraded input at every level from the first trained one to the last; ``tolerance``: dB
    below the champion at most, at every level; ``min_evenness``: of the dial; ``max_megabytes``: of the file;
    ``max_time``: of a pass, beside the base network's. ``images``: test images at most on which both models are scored.
    """

    min_gain: Float
    tolerance: Float = Field(ge=0)
    min_evenness: Float = Field(ge=0, le=1)
    max_megabytes: Float = Field(gt=0)
    max_time: Float = Field(gt=0)
    images: int = Field(ge=1)


class Parameters(_Section):
    """All of ``params.yaml``."""

    seed: int = Field(ge=0, lt=2**32)
    threads: int = Field(ge=1, le=1024)
    data: Data
    degradation: list[Step]
    network: Network
    levels: Levels
    features: Features
    train: Train
    finetune: Finetune
    transitions: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")], AnyTransition]
    evaluate: Evaluate
    register_: Register = Field(alias="register")
    gate: Gate

    @property
    def unit(self) -> Unit | None:
        """What levels are measured in; None: the degradation is the same at all of them."""
        units = [step.unit for step in self.degradation if getattr(step, step.unit.name) == "level"]
        if len(units) > 1:
            raise ValueError(f"degradation: only one step can go by the level, not {len(units)}")
        return units[0] if units else None

    @model_validator(mode="after")
    def _levels_exist(self) -> Self:
        for step in self.degradation:
            value = getattr(step, step.unit.name)
            if value != "level":
                _check(step.unit, value, "degradation")
        if unit := self.unit:
            for level in self.data.levels:
                _check(unit, level, "data.levels")
        return self

    @model_validator(mode="after")
    def _two_objectives(self) -> Self:
        if self.unit is None and (self.levels.base, self.levels.adapted) != (0, [1]):
            raise ValueError(
                "degradation: no step goes by the level, so the dial is from one objective to the other: "
                f"levels.base must be 0 and levels.adapted [1], not {self.levels.base:g} and {self.levels.adapted}"
            )
        return self

    @model_validator(mode="after")
    def _levels_have_degraded_sets(self) -> Self:
        levels = self.levels
        for level in (levels.base, *levels.adapted, *levels.between, *levels.from_scratch, *levels.level_input):
            if level not in self.data.levels:
                raise ValueError(f"level {level_name(level)} has no degraded set: add it to data.levels")
        if (self.data.levels[0] < self.data.levels[-1]) != (levels.base < levels.adapted[-1]):
            raise ValueError(f"data.levels must run as the trained levels do, from {levels.base:g}: turn it round")
        return self

    @model_validator(mode="after")
    def _drawn_levels_are_of_noise(self) -> Self:
        if self.unit is SIGMA and len(self.degradation) == 1:
            return self
        drawn = ["levels.level_input"] if self.levels.level_input else []
        for name in self.levels.methods:
            if name in self.transitions and self.transitions[name].supervision == "continuous":
                drawn.append(f"transitions.{name}.supervision")
        if drawn:
            raise ValueError(f"{drawn[0]}: levels can be drawn anew in training only of noise alone")
        return self

    @model_validator(mode="after")
    def _methods_are_described(self) -> Self:
        for name in self.levels.methods:
            if name not in self.transitions:
                close = difflib.get_close_matches(name, self.transitions, n=1)
                hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(self.transitions)}"
                raise ValueError(f"levels.methods: transitions has no entry {name}, {hint}")
        return self


def _check(unit: Unit, value: float, key: str) -> None:
    try:
        unit.check(float(value))
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from None


def _in_order(levels: list[float]) -> list[float]:
    if levels not in (sorted(set(levels)), sorted(set(levels), reverse=True)):
        raise ValueError(f"must rise or fall all along and without repeats, not {levels}")
    return levels


def load_parameters(path: Path = Path("params.yaml")) -> Parameters:
    """Read and check ``params.yaml``.

    Raises:
        UserError: the file is missing or not YAML, or a key is unknown, missing, of the wrong type or out of
            range; the message names every such key, its value and what is allowed.
    """
    try:
        values = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise UserError(f"{path} does not exist: run this from the project's root") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from None
    return parse_parameters(values, str(path))


def parse_parameters(values: Any, origin: str = "params.yaml") -> Parameters:  # noqa: ANN401 - whatever YAML read
    """Check values that were read from YAML; ``origin`` names them in messages. Raises ``UserError``."""
    if not isinstance(values, dict):
        raise UserError(f"{origin} must be a mapping of keys to values, not {type(values).__name__}")
    try:
        return Parameters.model_validate(values)
    except ValidationError as error:
        raise UserError(f"{origin}: " + "; ".join(_explain(e) for e in error.errors())) from None


def _explain(error: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    # pydantic puts the branch of a union into the location; only real keys and indices belong in a name
    location = [part for part in error["loc"] if part not in ("Archive",) and "[" not in str(part)]
    if location[:1] in (["transitions"], ["degradation"]) or location[1:2] == ["loss"]:
        location[2:3] = []  # the name by which pydantic chose the entry's type
    key = ".".join(str(part) for part in location)
    message = error["msg"].removeprefix("Value error, ")
    match error["type"]:
        case "extra_forbidden":
            known = _known_keys(error["loc"][:-1])
            close = difflib.get_close_matches(str(error["loc"][-1]), known, n=1)
            return f"unknown key {key}" + (f", did you mean {close[0]}?" if close else f" (known: {', '.join(known)})")
        case "missing":
            return f"key {key} is missing"
        case "value_error":
            return f"{key}: {message}" if key else message
        case _:
            return f"{key} = {error['input']!r} is not allowed: {message[0].lower()}{message[1:]}"


def _known_keys(location: tuple[str | int, ...]) -> list[str]:
    # the third part is what pydantic chose the type by
    for union, tag in ((AnyTransition, "method"), (Step, "name"), (Loss, "name")):
        for choice in get_args(get_args(union)[0]):
            if len(location) > 2 and location[2] in get_args(choice.model_fields[tag].annotation):
                return list(choice.model_fields)
    model: type[BaseModel] = Parameters
    for part in location:
        fields = {f.alias or name: f for name, f in model.model_fields.items()}
        if part in fields:
            annotation = fields[str(part)].annotation
            candidates = [annotation, *getattr(annotation, "__args__", ())]
            model = next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), model)
    return [f.alias or name for name, f in model.model_fields.items()]
