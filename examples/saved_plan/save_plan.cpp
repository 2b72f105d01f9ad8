// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Saves a plan as JSON for another runtime, and runs it here: save_plan plan.json. It prints what
/// run_plan.c prints from that file, to the bit.
#include <cstdio>
#include <dpm/dpm.hpp>
#include <dpm/interop/plan_json.hpp>
#include <fstream>
#include <vector>

#include "runtime.h"

using Sample = std::vector<double>;

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("save_plan plan.json\n", stderr);
    return 1;
  }
  // A plan with every instruction there is: noise is drawn, and data predictions are clipped.
  const dpm::AnySchedule schedule = dpm::VpLinear();
  const dpm::Plan plan = dpm::make_plan(dpm::DpmSolver{.order = 2, .tau = 1.0}, schedule, 20,
                                        dpm::Prediction::noise, dpm::Correction::data);
  std::ofstream(argv[1]) << dpm::plan_to_text(plan);

  const auto model = [](const Sample& x, double timestep, Sample& noise) {
    network(x.data(), timestep, noise.data());
  };
  dpm::RunOptions<Sample> options;
  options.noise = [](Sample& z, const dpm::NoiseRequest& request) {
    normal_numbers(1 + request.draw, z.data());
  };
  options.correction = [](Sample& data, const dpm::Level& /*at*/) { clip(data.data()); };
  Sample x(size);
  normal_numbers(0, x.data());  // sigma is 1 there, to four digits
  dpm::sample(plan, model, x, options);
  print_sample(x.data());
}
