// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Runs over large states give the same bits on any number of OpenMP threads. A program of its own,
/// since the other tests are built without OpenMP.
#include <omp.h>
#include <Eigen/Core>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <utility>
#include <vector>

#include "dpm/dpm.hpp"

namespace {

template <class Scalar>
using State = Eigen::Array<Scalar, Eigen::Dynamic, Eigen::Dynamic>;

template <class Scalar>
State<Scalar> run(const dpm::Plan& plan, int threads) {
  omp_set_num_threads(threads);
  State<Scalar> x(1001, 257);  // large enough to be shared, and no multiple of any block
  const dpm::NormalNoise noise{.seed = 7};
  noise.fill(x);
  dpm::RunOptions<State<Scalar>> options;
  options.noise = noise;
  const auto model = [](const State<Scalar>& at, double timestep, State<Scalar>& out) {
    out = static_cast<Scalar>(0.3F) * at + static_cast<Scalar>(float(timestep) / 4e3F);
  };
  dpm::sample(plan, model, x, std::move(options));
  return x;
}

/// Of runs with several threads, those that end in other bits than one thread's.
template <class Scalar>
int failures_of(const dpm::Plan& plan) {
  const State<Scalar> one = run<Scalar>(plan, 1);
  int failures = 0;
  for (const int threads : {2, 3, 5}) failures += (run<Scalar>(plan, threads) != one).any();
  return failures;
}

/// Of some samples, those whose noise is not what they get alone, where nothing is shared.
int shared_noise_failures() {
  Eigen::ArrayXXf all(1001, 257);
  dpm::NormalNoise{.seed = 7}.fill(all);
  int failures = 0;
  for (const Eigen::Index sample : {0, 1, 100, 255, 256}) {
    Eigen::ArrayXf alone(all.rows());
    dpm::NormalNoise{.seed = 7, .first_sample = static_cast<std::uint64_t>(sample)}.fill(alone);
    failures += (all.col(sample) != alone).any();
  }
  return failures;
}

/// Of some values that are not finite, those that a sum on several threads does not see, or sees in
/// the wrong operand.
int combine_failures() {
  using Values = Eigen::ArrayXf;
  const Values ones = Values::Ones(300001);
  const std::array<double, 4> weights{0.5, 0.25, 0.5, 0.5};
  int failures = 0;
  for (const Eigen::Index at : {0, 77777, 299999, 300000}) {
    for (const std::size_t checked : {0U, 1U}) {
      for (const std::size_t bad : {0U, 1U, 2U}) {
        std::array<Values, 3> states{ones, ones, ones};
        states[bad][at] = std::numeric_limits<float>::quiet_NaN();
        const std::array<Values*, 2> to{&states[0], &states[1]};
        const std::array<const Values*, 2> from{&states[0], &states[1]};
        const bool finite = dpm::detail::combine_and_check<Values>(dpm::Weights(weights.data(), 2),
                                                                   to, from, checked);
        failures += finite == (checked != bad) ? 0 : 1;
      }
    }
  }
  return failures;
}

/// Whether each thread has had a part of a loop over `size` values.
int threads_used(std::size_t size) {
  std::vector<int> parts(static_cast<std::size_t>(omp_get_max_threads()), 0);
  dpm::detail::in_chunks(size, [&parts](std::size_t, std::size_t) {
    parts[static_cast<std::size_t>(omp_get_thread_num())] = 1;
    return true;
  });
  int used = 0;
  for (const int part : parts) used += part;
  return used;
}

}  // namespace

int main() {
  int failures = 0;
  const dpm::AnySchedule schedule = dpm::VpLinear();
  const std::vector<dpm::Plan> plans{dpm::make_plan(dpm::DpmSolver{.order = 3}, schedule, 6),
                                     dpm::make_plan(dpm::UniPc{}, schedule, 6),
                                     dpm::make_plan(dpm::Ddpm{}, schedule, 6)};
  for (const dpm::Plan& plan : plans) {
    failures += failures_of<float>(plan) + failures_of<double>(plan);
  }
  for (const dpm::Plan& plan : {plans.front(), plans.back()}) {
    failures += failures_of<Eigen::half>(plan);
  }

  omp_set_num_threads(4);
  failures += shared_noise_failures() + combine_failures();
  failures += threads_used(1 << 20) != 4;
  failures += threads_used(1000) != 1;
  for (const Eigen::Index at : {0, 77777, 299999}) {
    Eigen::ArrayXf values = Eigen::ArrayXf::Ones(300000);
    failures += !dpm::all_finite(values);
    values[at] = std::numeric_limits<float>::infinity();
    failures += dpm::all_finite(values);
  }
  std::printf("%d failures with 1, 2, 3 and 5 threads\n", failures);
  return failures;
}
