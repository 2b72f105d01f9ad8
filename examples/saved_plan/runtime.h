// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
// What a runtime has of its own: a network, normal numbers, a clip, a use for samples. C and C++
// both compile it, so that the two programs can be compared to the bit.
#ifndef DPM_EXAMPLES_RUNTIME_H
#define DPM_EXAMPLES_RUNTIME_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>

enum { size = 1000 };  // values in the sample

// The predicted noise, as a network trained on dpm::VpLinear gives it: it is told the time, not the
// level. This one is exact for data from the normal distribution N(0.2, 0.3^2).
static void network(const double* x, double time, double* noise) {
  const double log_alpha = -time * (time * 19.9 / 4 + 0.1 / 2);
  const double alpha = exp(log_alpha);
  const double variance = -expm1(2 * log_alpha);
  const double sigma = sqrt(variance);
  for (int i = 0; i < size; ++i) {
    noise[i] = sigma * (x[i] - alpha * 0.2) / (alpha * alpha * 0.09 + variance);
  }
}

// A number in (0, 1) for each counter (Steele et al. 2014, SplitMix64).
static double uniform_number(uint64_t counter) {
  uint64_t z = (counter + 1) * 0x9e3779b97f4a7c15U;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return ((double)((z ^ (z >> 31)) >> 12) + 0.5) / 4503599627370496.0;
}

// Standard normal numbers, others for each draw (Box & Muller 1958).
static void normal_numbers(unsigned draw, double* z) {
  for (unsigned i = 0; i < size; ++i) {
    const uint64_t counter = 2 * ((uint64_t)draw * size + i);
    const double radius = sqrt(-2 * log(uniform_number(counter)));
    z[i] = radius * cos(6.283185307179586 * uniform_number(counter + 1));
  }
}

// A correction of data predictions: as pixels they lie between -1 and 1.
static void clip(double* data) {
  for (int i = 0; i < size; ++i) data[i] = fmin(fmax(data[i], -1), 1);
}

// Mean and standard deviation, then every value with the digits that tell its bits.
static void print_sample(const double* x) {
  const double count = size;
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < size; ++i) sum += x[i];
  for (int i = 0; i < size; ++i) squares += (x[i] - sum / count) * (x[i] - sum / count);
  printf("mean %.3f (data 0.2), standard deviation %.3f (data 0.3)\n", sum / count,
         sqrt(squares / count));
  for (int i = 0; i < size; ++i) printf("%.17g\n", x[i]);
}

#endif
