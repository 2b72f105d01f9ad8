// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// One step of each method as a careful engineer would write it by hand: one loop that reads every
/// array once and writes every array once, the data prediction first where the method needs it.
/// These are compiled at -O3 in every program, and know nothing of the library.
#pragma once

#include <cstddef>

namespace dpm_bench {

/// The weights of a step; which is which is said at each function.
using Weights = const float*;

/// DPM-Solver++ 2 multistep, from the noise in `m`, which becomes the data prediction:
/// m = w0 x + w1 m, then x = w2 x + w3 m + w4 m1.
void hand_multistep_2(std::size_t size, Weights w, float* x, float* m, const float* m1);

/// DPM-Solver++ 3 multistep and UniPC-2: m = w0 x + w1 m, then
/// x = w2 x + w3 m + w4 m1 + w5 m2.
void hand_multistep_3(std::size_t size, Weights w, float* x, float* m, const float* m1,
                      const float* m2);

/// PNDM, in noise space: x = w0 x + w1 m + w2 m1 + w3 m2 + w4 m3.
void hand_pndm(std::size_t size, Weights w, float* x, const float* m, const float* m1,
               const float* m2, const float* m3);

/// DDIM, in noise space: x = w0 x + w1 m.
void hand_ddim(std::size_t size, Weights w, float* x, const float* m);

/// A stage of DPM-Solver-3 singlestep: y = w0 x + w1 m.
void hand_first_stage(std::size_t size, Weights w, const float* x, float* y, const float* m);
/// The next: y = w0 x + w1 m + w2 n.
void hand_next_stage(std::size_t size, Weights w, const float* x, float* y, const float* m,
                     const float* n);
/// The last: x = w0 x + w1 m + w2 n.
void hand_last_stage(std::size_t size, Weights w, float* x, const float* m, const float* n);

}  // namespace dpm_bench
