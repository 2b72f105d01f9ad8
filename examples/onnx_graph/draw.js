// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
//
// node draw.js sampler.onnx: draws the digits 0 to 9 with a sampler that lies in one ONNX file.
const ort = require('onnxruntime-node');

// Standard normal numbers from a seed (mulberry32 and Box-Muller).
function* normals(seed) {
  const uniform = () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let bits = Math.imul(seed ^ (seed >>> 15), seed | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return (((bits ^ (bits >>> 14)) >>> 0) + 1) / 2 ** 32;
  };
  for (;;) {
    const radius = Math.sqrt(-2 * Math.log(uniform()));
    const angle = 2 * Math.PI * uniform();
    yield radius * Math.cos(angle);
    yield radius * Math.sin(angle);
  }
}

async function main() {
  const session = await ort.InferenceSession.create(process.argv[2]);
  const random = normals(42);
  const noise = (dims) => {
    const values = Float32Array.from({ length: dims.reduce((a, b) => a * b) }, () => random.next().value);
    return new ort.Tensor('float32', values, dims);
  };
  // The doubled batch of guidance: each digit, then "any digit" as often.
  const digits = Array.from({ length: 10 }, (_, digit) => BigInt(digit));
  const labels = BigInt64Array.from([...digits, ...digits.map(() => 10n)]);
  const { sample } = await session.run({
    start: noise([10, 1, 28, 28]),
    label: new ort.Tensor('int64', labels, [20]),
  });

  // Half a character high, from -1 (paper) to 1 (ink), without the margins.
  for (let line = 0; line < 28; ++line) {
    let text = '';
    for (let column = 0; column < 100; ++column) {
      const digit = 5 * Math.floor(line / 14) + Math.floor(column / 20);
      const at = 784 * digit + 56 * (line % 14) + 4 + (column % 20);
      const value = (sample.data[at] + sample.data[at + 28]) / 2;
      text += value > 0.3 ? '#' : value > -0.3 ? '+' : value > -0.8 ? '.' : ' ';
    }
    console.log(text);
  }
  const paper = sample.data.filter((value) => value < -0.8).length / sample.data.length;
  process.exitCode = paper > 0.3 && paper < 0.9 ? 0 : 1;
}

main();
