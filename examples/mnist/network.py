# SPDX-License-Identifier: MIT
# Copyright (c) the dpm authors
"""The two networks: a class-conditional U-Net that predicts noise, and a digit classifier.

Both are plain modules that torch.jit.script takes. They are cheap on a CPU: the U-Net works on patches of
2 x 2 pixels, 14 x 14 of them and then 7 x 7.
"""

import math
from typing import Tuple

import torch
from torch import Tensor, nn
from torch.nn import functional

NO_CLASS = 10  # the label that stands for "any digit"


class ResidualBlock(nn.Module):
    """Two convolutions; time and class scale and shift what is between them."""

    def __init__(self, channels_in: int, channels_out: int, embedding: int):
        super().__init__()
        self.norm1 = nn.GroupNorm(8, channels_in)
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.modulation = nn.Linear(embedding, 2 * channels_out)
        self.norm2 = nn.GroupNorm(8, channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1)
        self.skip = (nn.Conv2d(channels_in, channels_out, 1) if channels_in != channels_out else nn.Identity())
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        h = self.conv1(functional.silu(self.norm1(x)))
        scale, shift = self.modulation(embedding).unsqueeze(-1).unsqueeze(-1).chunk(2, dim=1)
        h = torch.addcmul(shift, self.norm2(h), 1 + scale)
        return self.skip(x) + self.conv2(functional.silu(h))


class UNet(nn.Module):
    """forward(x [B, 1, 28, 28], t [B], label [B] int64) is the noise in x.

    t counts the training's steps from 0 to 999 and may be a fraction; label 10 is "any digit".
    """

    def __init__(self, outer: int = 32, inner: int = 96, embedding: int = 96):
        super().__init__()
        self.half_width: int = 32
        self.time = nn.Sequential(nn.Linear(2 * self.half_width, embedding), nn.SiLU(), nn.Linear(embedding, embedding))
        self.label = nn.Embedding(NO_CLASS + 1, embedding)
        self.enter = nn.Conv2d(4, outer, 3, padding=1)
        self.down1 = ResidualBlock(outer, outer, embedding)
        self.shrink = nn.Conv2d(outer, inner, 3, stride=2, padding=1)
        self.down2 = ResidualBlock(inner, inner, embedding)
        self.middle = ResidualBlock(inner, inner, embedding)
        self.grow = nn.Conv2d(inner, outer, 1)
        self.up1 = ResidualBlock(2 * outer, outer, embedding)
        self.up2 = ResidualBlock(outer, outer, embedding)
        self.norm = nn.GroupNorm(8, outer)
        self.leave = nn.Conv2d(outer, 4, 3, padding=1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def embed_time(self, t: Tensor) -> Tensor:
        # Always in float32: half has no room for the fractions of a time near 999.
        rates = torch.exp(torch.arange(self.half_width, device=t.device, dtype=torch.float32) *
                          (-math.log(10000.0) / (self.half_width - 1)))
        phases = t.to(torch.float32).unsqueeze(1) * rates
        return torch.cat([phases.sin(), phases.cos()], dim=1)

    def forward(self, x: Tensor, t: Tensor, label: Tensor) -> Tensor:
        embedding = functional.silu(self.time(self.embed_time(t).to(x.dtype)) + self.label(label))
        h = self.enter(functional.pixel_unshuffle(x, 2))
        h = self.down1(h, embedding)
        low = self.shrink(h)
        low = self.down2(low, embedding)
        low = self.middle(low, embedding)
        low = functional.interpolate(self.grow(low), scale_factor=2.0, mode="nearest")
        h = self.up2(self.up1(torch.cat([h, low], dim=1), embedding), embedding)
        h = self.leave(functional.silu(self.norm(h)))
        return functional.pixel_shuffle(h, 2)


class Classifier(nn.Module):
    """forward(x [B, 1, 28, 28]) is (features [B, 64], logits [B, 10])."""

    def __init__(self, width: int = 32, features: int = 64):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, width // 2, 3, stride=2, padding=1), nn.BatchNorm2d(width // 2), nn.ReLU(),
            nn.Conv2d(width // 2, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(width, 2 * width, 3, padding=1), nn.BatchNorm2d(2 * width), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Dropout(0.3), nn.Linear(2 * width * 9, features), nn.ReLU())
        self.head = nn.Linear(features, 10)

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        features = self.body(x)
        return features, self.head(features)


def parameter_count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())
