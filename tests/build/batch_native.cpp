// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A sample run in a batch is bit-identical to the sample run alone, in a program built with -O3
/// -march=native -ffp-contract=fast: no value is rounded otherwise because of where it stands.
#include <Eigen/Core>
#include <cstdint>
#include <cstdio>
#include <utility>
#include <vector>

#include "dpm/dpm.hpp"

namespace {

template <class Scalar>
using Batch = Eigen::Array<Scalar, Eigen::Dynamic, Eigen::Dynamic>;

template <class Scalar>
Batch<Scalar> run(const dpm::Plan& plan, Eigen::Index elements, Eigen::Index samples,
                  std::uint64_t first) {
  Batch<Scalar> x(elements, samples);
  const dpm::NormalNoise noise{.seed = 5, .first_sample = first};
  noise.fill(x);
  dpm::RunOptions<Batch<Scalar>> options;
  options.noise = noise;
  dpm::sample(
      plan,
      [](const Batch<Scalar>& at, double, Batch<Scalar>& out) {
        // Exact, so that only the sampler's own arithmetic is tested.
        for (Eigen::Index i = 0; i < at.size(); ++i) out(i) = at(i) * Scalar(0.5);
      },
      x, std::move(options));
  return x;
}

template <class Scalar>
int failures_of(const dpm::Plan& plan) {
  int failures = 0;
  for (const Eigen::Index elements : {1, 3, 7, 16, 61}) {
    const Eigen::Index samples = 13;
    const Batch<Scalar> together = run<Scalar>(plan, elements, samples, 0);
    for (Eigen::Index s = 0; s < samples; ++s) {
      const Batch<Scalar> alone = run<Scalar>(plan, elements, 1, static_cast<std::uint64_t>(s));
      for (Eigen::Index e = 0; e < elements; ++e) failures += together(e, s) != alone(e, 0);
    }
  }
  return failures;
}

/// The same for a sample in a state of a fixed size.
template <class Scalar, int Elements>
int failures_of_fixed(const dpm::Plan& plan) {
  using Sample = Eigen::Array<Scalar, Elements, 1>;
  constexpr Eigen::Index samples = 40;
  const Batch<Scalar> together = run<Scalar>(plan, Elements, samples, 0);
  int failures = 0;
  for (Eigen::Index s = 0; s < samples; ++s) {
    Sample x;
    const dpm::NormalNoise noise{.seed = 5, .first_sample = static_cast<std::uint64_t>(s)};
    noise.fill(x);
    dpm::RunOptions<Sample> options;
    options.noise = noise;
    dpm::sample(
        plan, [](const Sample& at, double, Sample& out) { out = at * Scalar(0.5); }, x,
        std::move(options));
    for (Eigen::Index e = 0; e < Elements; ++e) failures += together(e, s) != x(e);
  }
  return failures;
}

}  // namespace

int main() {
  const dpm::AnySchedule schedule = dpm::VpLinear();
  int failures = 0;
  for (const dpm::Plan& plan :
       {dpm::make_plan(dpm::DpmSolver{.order = 3}, schedule, 8),
        dpm::make_plan(dpm::UniPc{}, schedule, 8), dpm::make_plan(dpm::Pndm{}, schedule, 14),
        dpm::make_plan(dpm::SaSolver{}, schedule, 8), dpm::make_plan(dpm::Ddpm{}, schedule, 8)}) {
    failures += failures_of<float>(plan);
    failures += failures_of<double>(plan);
    failures += failures_of<Eigen::half>(plan);
    failures += failures_of<Eigen::bfloat16>(plan);
    failures += failures_of_fixed<float, 1>(plan) + failures_of_fixed<float, 2>(plan);
    failures += failures_of_fixed<float, 3>(plan) + failures_of_fixed<float, 4>(plan);
    failures += failures_of_fixed<double, 2>(plan) + failures_of_fixed<double, 4>(plan);
  }
  std::printf("%d values of a batch differ from the sample alone\n", failures);
  return failures == 0 ? 0 : 1;
}
