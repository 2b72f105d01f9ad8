// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
// Runs the plan that stands in plan_array.h, as `plan --format c` writes it.
#include "plan_array.h"
#include "runtime.h"

static double registers[dpm_registers][size];

static void combine(const struct dpm_instruction* at) {
  double sums[3][size];
  for (int i = 0; i < at->targets; ++i) {
    for (int k = 0; k < size; ++k) {
      const double* weights = at->weights + i * at->operands;
      double sum = weights[0] * registers[at->from[0]][k];
      for (int j = 1; j < at->operands; ++j) {
        sum = fma(weights[j], registers[at->from[j]][k], sum);
      }
      sums[i][k] = sum;
    }
  }
  for (int i = 0; i < at->targets; ++i) {
    for (int k = 0; k < size; ++k) registers[at->to[i]][k] = sums[i][k];
  }
}

int main(void) {
  int draws = 0;
  noise(draws++, registers[0]);
  for (unsigned i = 0; i < sizeof dpm_plan / sizeof *dpm_plan; ++i) {
    const struct dpm_instruction* at = &dpm_plan[i];
    double* to = registers[at->to[0]];
    if (at->what == dpm_combine) combine(at);
    if (at->what == dpm_evaluate) network(registers[at->from[0]], at->timestep, to);
    if (at->what == dpm_draw) noise(draws++, to);
  }
  print_sample(registers[0]);
  return 0;
}
