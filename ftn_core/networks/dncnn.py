"""DnCNN (arXiv 1608.03981, section 3): plain convolutions with batch norm that predict the noise."""

from torch import Tensor, nn

from ftn_core.runtime.layers import conv3x3


class DnCNN(nn.Module):
    """``depth`` convolutions at full resolution: one with ReLU, others with batch norm and ReLU, and a plain last one.

    The paper uses 64 channels and 17 convolutions for one known level. The convolutions predict the noise, and the
    network subtracts it from its input.
    """

    homogeneous = True

    def __init__(self, channels: int, depth: int, inputs: int) -> None:
        super().__init__()
        self.radius = depth
        self.cell = 1
        self.head = nn.Sequential(conv3x3(inputs, channels), nn.ReLU())
        layers: list[nn.Module] = []
        for _ in range(depth - 2):
            layers += [nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.tail = conv3x3(channels, 3)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        # the predicted noise starts at zero
        nn.init.zeros_(self.tail.weight)
        nn.init.zeros_(self.tail.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :3] - self.tail(self.body(self.head(x)))
