"""A small pipeline from one style to another."""

_LOSS = {
    "name": "style", "size": 64, "content": 1.0, "content_layer": "relu2_2", "style": 1.0,
    "style_layers": ["relu1_2", "relu2_2"], "total_variation": 0.0,
}  # fmt: skip
STYLE = {
    "degradation": [],
    "data.levels": [0, 1],
    "levels.base": 0,
    "levels.adapted": [1],
    "network.name": "transform_net",
    "train.loss": _LOSS | {"image": "mosaic.jpg"},
    "finetune.loss": _LOSS | {"image": "strokes.jpg"},
}
"""What it changes in the parameters."""
