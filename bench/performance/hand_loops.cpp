// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
#include "hand_loops.hpp"

#if defined(_MSC_VER) && !defined(__clang__)
#  define DPM_RESTRICT __restrict
#else
#  define DPM_RESTRICT __restrict__
#endif

namespace dpm_bench {

void hand_multistep_2(std::size_t size, Weights w, float* DPM_RESTRICT x, float* DPM_RESTRICT m,
                      const float* DPM_RESTRICT m1) {
  const float w0 = w[0];
  const float w1 = w[1];
  const float w2 = w[2];
  const float w3 = w[3];
  const float w4 = w[4];
  for (std::size_t i = 0; i < size; ++i) {
    const float data = w0 * x[i] + w1 * m[i];
    x[i] = w2 * x[i] + w3 * data + w4 * m1[i];
    m[i] = data;
  }
}

void hand_multistep_3(std::size_t size, Weights w, float* DPM_RESTRICT x, float* DPM_RESTRICT m,
                      const float* DPM_RESTRICT m1, const float* DPM_RESTRICT m2) {
  const float w0 = w[0];
  const float w1 = w[1];
  const float w2 = w[2];
  const float w3 = w[3];
  const float w4 = w[4];
  const float w5 = w[5];
  for (std::size_t i = 0; i < size; ++i) {
    const float data = w0 * x[i] + w1 * m[i];
    x[i] = w2 * x[i] + w3 * data + w4 * m1[i] + w5 * m2[i];
    m[i] = data;
  }
}

void hand_pndm(std::size_t size, Weights w, float* DPM_RESTRICT x, const float* DPM_RESTRICT m,
               const float* DPM_RESTRICT m1, const float* DPM_RESTRICT m2,
               const float* DPM_RESTRICT m3) {
  const float w0 = w[0];
  const float w1 = w[1];
  const float w2 = w[2];
  const float w3 = w[3];
  const float w4 = w[4];
  for (std::size_t i = 0; i < size; ++i) {
    x[i] = w0 * x[i] + w1 * m[i] + w2 * m1[i] + w3 * m2[i] + w4 * m3[i];
  }
}

void hand_ddim(std::size_t size, Weights w, float* DPM_RESTRICT x, const float* DPM_RESTRICT m) {
  const float w0 = w[0];
  const float w1 = w[1];
  for (std::size_t i = 0; i < size; ++i) x[i] = w0 * x[i] + w1 * m[i];
}

void hand_first_stage(std::size_t size, Weights w, const float* DPM_RESTRICT x,
                      float* DPM_RESTRICT y, const float* DPM_RESTRICT m) {
  const float w0 = w[0];
  const float w1 = w[1];
  for (std::size_t i = 0; i < size; ++i) y[i] = w0 * x[i] + w1 * m[i];
}

void hand_next_stage(std::size_t size, Weights w, const float* DPM_RESTRICT x,
                     float* DPM_RESTRICT y, const float* DPM_RESTRICT m,
                     const float* DPM_RESTRICT n) {
  const float w0 = w[0];
  const float w1 = w[1];
  const float w2 = w[2];
  for (std::size_t i = 0; i < size; ++i) y[i] = w0 * x[i] + w1 * m[i] + w2 * n[i];
}

void hand_last_stage(std::size_t size, Weights w, float* DPM_RESTRICT x,
                     const float* DPM_RESTRICT m, const float* DPM_RESTRICT n) {
  const float w0 = w[0];
  const float w1 = w[1];
  const float w2 = w[2];
  for (std::size_t i = 0; i < size; ++i) x[i] = w0 * x[i] + w1 * m[i] + w2 * n[i];
}

}  // namespace dpm_bench
