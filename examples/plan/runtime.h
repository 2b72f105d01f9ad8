// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
// What the two programs that run a plan share: a network, noise and a start. C and C++ both compile
// it, so that they can be compared to the bit.
#ifndef DPM_EXAMPLES_PLAN_RUNTIME_H
#define DPM_EXAMPLES_PLAN_RUNTIME_H

#include <math.h>
#include <stdio.h>

enum { size = 8 };

static void network(const double* x, double timestep, double* out) {
  for (int i = 0; i < size; ++i) out[i] = 0.4 * x[i] + timestep / 2000 - 0.1 * i;
}

// Any numbers do in the place of noise.
static void noise(int draw, double* z) {
  for (int i = 0; i < size; ++i) z[i] = sin(1.0 + 3.0 * i + 7.0 * draw);
}

static void print_sample(const double* x) {
  for (int i = 0; i < size; ++i) printf("%.17g\n", x[i]);
}

#endif
