// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The error that states in float, half and bfloat16 add to a run of 20 calls.
///
///     dpm_half_error figures.tsv
#include <Eigen/Core>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <string>

#include "dpm/dpm.hpp"

namespace {

constexpr Eigen::Index size = 4096;

template <class Scalar>
using StateOf = Eigen::Array<Scalar, Eigen::Dynamic, 1>;

/// Runs the plan with the exact noise prediction for data around -0.6 and 0.6 with standard
/// deviation 0.2, which is computed in double and rounded to the state's scalar.
template <class Scalar>
StateOf<Scalar> sample_in(const dpm::Plan& plan) {
  const auto model = [](const StateOf<Scalar>& x, const dpm::Level& at, StateOf<Scalar>& noise) {
    const double center = 0.6 * at.alpha();
    const double variance = std::pow(0.2 * at.alpha(), 2) + std::pow(at.sigma(), 2);
    for (Eigen::Index i = 0; i < x.size(); ++i) {
      const auto value = static_cast<double>(x[i]);
      const double mean = center * std::tanh(center * value / variance);
      noise[i] = static_cast<Scalar>(at.sigma() * (value - mean) / variance);
    }
  };
  Eigen::ArrayXd start(size);
  dpm::NormalNoise{.seed = 1}.fill(start);
  StateOf<Scalar> x(size);
  // Cut to what all scalars hold exactly, so that all runs have one start.
  for (Eigen::Index i = 0; i < size; ++i)
    x[i] = static_cast<Scalar>(std::trunc(start[i] * 32) / 32);
  dpm::sample(plan, model, x);
  return x;
}

/// Root mean square of the difference to the run in double.
template <class Scalar>
double error(const dpm::Plan& plan) {
  const StateOf<Scalar> rounded = sample_in<Scalar>(plan);
  const StateOf<double> exact = sample_in<double>(plan);
  return std::sqrt((rounded.template cast<double>() - exact).square().mean());
}

void write_errors(std::ostream& file) {
  const dpm::AnySchedule schedule = dpm::VpLinear();
  const auto write = [&](const std::string& name, const dpm::Plan& plan) {
    file << name << "/float\t" << error<float>(plan) << '\n';
    file << name << "/half\t" << error<Eigen::half>(plan) << '\n';
    file << name << "/bfloat16\t" << error<Eigen::bfloat16>(plan) << '\n';
  };
  write("2M", dpm::make_plan(dpm::DpmSolver{.order = 2}, schedule, 20));
  write("UniPC-2", dpm::make_plan(dpm::UniPc{.order = 2}, schedule, 20));
  write("PNDM", dpm::make_plan(dpm::Pndm{}, schedule, 20));
  write("DDIM", dpm::make_plan(dpm::Ddim{}, schedule, 20));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s figures.tsv\n", argv[0]);
    return 2;
  }
  std::ofstream file(argv[1]);
  write_errors(file);
  file.close();
  return file ? 0 : 1;
}
