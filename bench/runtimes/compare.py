#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) the dpm authors
"""The same network and the same plan by dpm and by a loop in Python, in turns, one thread each. Needs python3-torch.

compare.py CONTEST UNET FOLDER [--rounds N]: CONTEST is the program runtime_contest, UNET the network of examples/mnist
without .pt or .onnx. Prints a table and writes it to FOLDER/runtimes.md. Fails if samples differ by more than 1e-3.

The loop is DPM-Solver++ 2M (Lu et al. 2022, arXiv 2211.01095, Eq. 4.1 and Algorithm 2) as Python libraries write it: a
scheduler object whose noise levels are a tensor, and whose step forms its weights from entries of that tensor.
"""

import argparse
import os
import pathlib
import random
import statistics
import subprocess
import sys
import time

os.environ["OMP_NUM_THREADS"] = "1"
try:
    import torch
except ImportError:
    print("python3-torch is not there: the contest of runtimes is left out")
    sys.exit(0)

BATCH, CALLS = 16, 20
RUNTIMES = {"libtorch": "dpm, libtorch", "onnxruntime": "dpm, ONNX Runtime", "graph": "one graph, ONNX Runtime",
            "python": "a loop in Python, PyTorch"}


class Scheduler:
    """DPM-Solver++ 2M for a network that predicts noise. sigmas are sigma / alpha, one more than there are steps."""

    def __init__(self, timesteps: list, sigmas: list):
        self.timesteps = torch.tensor(timesteps)
        self.sigmas = torch.tensor(sigmas)
        self.restart()

    def restart(self) -> None:
        self.index = 0
        self.data = [None, None]  # the predictions of the step before and of this one

    @staticmethod
    def alpha_and_sigma(sigma: torch.Tensor) -> tuple:
        alpha = 1 / torch.sqrt(sigma ** 2 + 1)
        return alpha, sigma * alpha

    @staticmethod
    def log_snr(alpha: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        """Half of it."""
        return torch.log(alpha) - torch.log(sigma)

    def step(self, noise: torch.Tensor, sample: torch.Tensor) -> torch.Tensor:
        alpha, sigma = self.alpha_and_sigma(self.sigmas[self.index])
        self.data = [self.data[1], (sample - sigma * noise) / alpha]
        next_alpha, next_sigma = self.alpha_and_sigma(self.sigmas[self.index + 1])
        h = self.log_snr(next_alpha, next_sigma) - self.log_snr(alpha, sigma)
        before, now = self.data
        sample = (next_sigma / sigma) * sample - (next_alpha * (torch.exp(-h) - 1.0)) * now
        if before is not None:
            last = self.alpha_and_sigma(self.sigmas[self.index - 1])
            ratio = (self.log_snr(alpha, sigma) - self.log_snr(*last)) / h
            slope = (1.0 / ratio) * (now - before)
            sample = sample - 0.5 * (next_alpha * (torch.exp(-h) - 1.0)) * slope
        self.index += 1
        return sample


class Loop:
    def __init__(self, network: pathlib.Path, folder: pathlib.Path):
        sys.path.insert(0, str(network.parent))
        sys.dont_write_bytecode = True  # into the sources
        from network import UNet
        self.network = UNet().eval()
        self.network.load_state_dict(torch.jit.load(str(network) + ".pt").float().state_dict())
        levels = [[float(number) for number in line.split()] for line in (folder / "levels.txt").open()]
        self.scheduler = Scheduler([level[0] for level in levels[:-1]], [level[1] for level in levels])
        start = torch.frombuffer(bytearray((folder / "start.f32").read_bytes()), dtype=torch.float32)
        self.start = start.reshape(BATCH, 1, 28, 28)
        self.labels = torch.arange(BATCH) % 10
        self.samples = None

    @torch.inference_mode()
    def turn(self) -> tuple:
        """Seconds of all, and of the network."""
        self.scheduler.restart()
        network_seconds = 0.0
        begin = time.perf_counter()
        x = self.start.clone()
        for timestep in self.scheduler.timesteps:
            called = time.perf_counter()
            noise = self.network(x, timestep.expand(BATCH), self.labels)
            network_seconds += time.perf_counter() - called
            x = self.scheduler.step(noise, x)
        whole = time.perf_counter() - begin
        self.samples = x
        return whole, network_seconds


class Contest:
    """The program in C++, which waits for the name of a runtime."""

    def __init__(self, program: pathlib.Path, network: pathlib.Path, folder: pathlib.Path):
        self.process = subprocess.Popen([program, network, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        self.answer()

    def answer(self) -> str:
        line = self.process.stdout.readline()
        if not line:
            sys.exit("runtime_contest has ended")
        return line

    def turn(self, runtime: str) -> tuple:
        self.process.stdin.write(runtime + "\n")
        self.process.stdin.flush()
        return tuple(float(number) for number in self.answer().split())

    def end(self) -> None:
        self.process.stdin.close()
        if self.process.wait() != 0:
            sys.exit("runtime_contest has failed")


def table(turns: dict) -> str:
    """Medians; ratios are to dpm in ONNX Runtime, medians of those of one round."""
    def sampler(turn: tuple) -> float:
        return turn[0] - turn[1]

    def ratios(name: str, of) -> float:
        return statistics.median(of(a) / of(b) for a, b in zip(turns[name], turns["onnxruntime"]))

    rows = [["", "seconds a picture", "ratio", "the sampler, ms a run", "its share", "ratio"]]
    for name, title in RUNTIMES.items():
        row = [title, f"{statistics.median(turn[0] for turn in turns[name]) / BATCH:.4f}",
               f"{ratios(name, lambda turn: turn[0]):.2f}"]
        if name == "graph":
            row += ["", "", ""]
        else:
            row += [f"{1000 * statistics.median(map(sampler, turns[name])):.3f}",
                    f"{100 * statistics.median(sampler(turn) / turn[0] for turn in turns[name]):.2f} %",
                    f"{ratios(name, sampler):.1f}"]
        rows.append(row)
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    rows.insert(1, ["-" * width for width in widths])
    return "".join("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |\n" for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("contest", type=pathlib.Path)
    parser.add_argument("network", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=31)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)

    load = os.getloadavg()[0]
    contest = Contest(options.contest, options.network, options.folder)
    loop = Loop(options.network, options.folder)
    turns = {name: [] for name in RUNTIMES}
    order = random.Random(1)
    warming = 2  # networks are compiled at their first calls
    for round in range(warming + options.rounds):
        for name in order.sample(list(RUNTIMES), len(RUNTIMES)):
            turn = loop.turn() if name == "python" else contest.turn(name)
            if round >= warming:
                turns[name].append(turn)
    contest.end()

    most = 0.0
    for name in ("libtorch", "onnxruntime", "graph"):
        samples = torch.frombuffer(bytearray((options.folder / f"{name}.f32").read_bytes()), dtype=torch.float32)
        most = max(most, (samples - loop.samples.flatten()).abs().max().item())
    text = (f"{CALLS} calls for a batch of {BATCH}, one thread, medians of {options.rounds} rounds in turns; torch "
            f"{torch.__version__}; load average {load:.1f} before. Ratios are to dpm in ONNX Runtime. Samples differ by "
            f"{most:.1g} at most.\n\n{table(turns)}")
    (options.folder / "runtimes.md").write_text(text)
    print(text, end="")
    if not most < 1e-3:
        sys.exit(f"samples differ by {most}")


if __name__ == "__main__":
    main()
