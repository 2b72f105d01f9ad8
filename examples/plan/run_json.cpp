// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// run_json plan.json: reads a plan that `plan --format json` wrote, requires that it is the one of
/// "DPM++ 2M SDE Karras" with 6 steps, runs it and prints what run_array prints, to the bit.
#include <cstdio>
#include <dpm/catalogue.hpp>
#include <dpm/interop/plan_json.hpp>
#include <exception>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "runtime.h"

using Sample = std::vector<double>;

int main(int argc, char** argv) try {
  if (argc != 2) throw std::invalid_argument("run_json plan.json");
  std::ifstream file(argv[1]);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const dpm::Plan plan = dpm::plan_from_text(text);
  const dpm::AnySchedule table =
      dpm::DiscreteSchedule(dpm::scaled_linear_betas(1000), dpm::TimestepType::discrete);
  if (plan != dpm::plan_by_name("DPM++ 2M SDE Karras", table, 6)) {
    throw std::runtime_error("the plan that was read is another");
  }
  dpm::RunOptions<Sample> options;
  options.noise = [](Sample& z, const dpm::NoiseRequest& request) {
    noise(1 + static_cast<int>(request.draw), z.data());
  };
  Sample x(size);
  noise(0, x.data());
  const auto model = [](const Sample& at, double timestep, Sample& out) {
    network(at.data(), timestep, out.data());
  };
  dpm::sample(plan, model, x, options);
  print_sample(x.data());
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "run_json: %s\n", error.what());
  return 1;
}
