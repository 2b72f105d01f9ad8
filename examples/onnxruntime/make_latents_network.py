#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) the dpm authors
"""Writes latents.onnx and latents.pt: one network with the inputs of Stable Diffusion's U-Net, tiny and random.

forward(sample [B, 4, H, W], timestep [B] int64, encoder_hidden_states [B, 77, 768]) -> [B, 4, H, W]; H and W are
multiples of 4. It has what runtimes find hard, convolutions, cross-attention and an embedded timestep, and has
learnt nothing.
"""

import math
import pathlib
import sys

import torch
from torch import Tensor, nn
from torch.nn import functional

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "mnist"))
import export
import export_onnx


class Network(nn.Module):
    def __init__(self, width: int = 16):
        super().__init__()
        self.width: int = width
        self.time = nn.Linear(width, width)
        self.enter = nn.Conv2d(4, width, 3, padding=1)
        self.shrink = nn.Conv2d(width, width, 4, stride=4)
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(768, width)
        self.value = nn.Linear(768, width)
        self.grow = nn.ConvTranspose2d(width, width, 4, stride=4)
        self.leave = nn.Conv2d(width, 4, 3, padding=1)

    def forward(self, sample: Tensor, timestep: Tensor, encoder_hidden_states: Tensor) -> Tensor:
        rates = torch.exp(torch.arange(self.width // 2, dtype=torch.float32) * (-math.log(10000.0) / (self.width // 2)))
        phases = timestep.to(torch.float32).unsqueeze(1) * rates
        time = functional.silu(self.time(torch.cat([phases.sin(), phases.cos()], dim=1)))
        h = functional.silu(self.enter(sample) + time.unsqueeze(-1).unsqueeze(-1))
        low = self.shrink(h)
        tokens = low.flatten(2).transpose(1, 2)
        weights = self.query(tokens) @ self.key(encoder_hidden_states).transpose(1, 2)
        text = torch.softmax(weights / math.sqrt(self.width), dim=-1) @ self.value(encoder_hidden_states)
        low = low + text.transpose(1, 2).reshape(low.shape)
        h = h + functional.silu(self.grow(low))
        # About the noise in x, so that samples stay bounded.
        return sample + 0.3 * self.leave(h)


@torch.no_grad()
def main() -> None:
    here = pathlib.Path(__file__).parent
    torch.manual_seed(17)
    network = Network().eval().half()
    export.save(torch.jit.script(network), here / "latents.pt")
    inputs = {"sample": torch.randn(2, 4, 64, 64), "timestep": torch.tensor([0, 999]),
              "encoder_hidden_states": torch.randn(2, 77, 768)}
    export_onnx.export(network.float(), inputs, "out_sample", here / "latents.onnx",
                       {"sample": {2: "height", 3: "width"}, "out_sample": {2: "height", 3: "width"}})


if __name__ == "__main__":
    main()
