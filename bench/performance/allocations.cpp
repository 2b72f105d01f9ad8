// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Counts what every method allocates once its stepper is made.
///
///     dpm_allocations figures.tsv
#include <Eigen/Core>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <utility>

#include "dpm/dpm.hpp"
#include "support/every_method.hpp"

namespace {
thread_local bool counting = false;
thread_local long allocations = 0;
}  // namespace

// Where the C library is glibc, everything comes from here: operator new and Eigen as well.
#if defined(__GLIBC__)
extern "C" void* __libc_malloc(std::size_t size);
extern "C" void* malloc(std::size_t size) noexcept {
  if (counting) ++allocations;
  return __libc_malloc(size);
}
#endif

namespace {

template <class Function>
long count(const Function& function) {
  allocations = 0;
  counting = true;
  function();
  counting = false;
  return allocations;
}

template <class State>
dpm::RunOptions<State> options_for(const dpm::Plan& plan) {
  dpm::RunOptions<State> options;
  if (plan.draws() > 0) options.noise = dpm::NormalNoise{.seed = 1};
  return options;
}

template <class State>
void finish(dpm::Stepper<State>& stepper) {
  while (const auto call = stepper.next()) call->output = call->input;
}

struct Counts {
  long methods = 0;
  long run = 0;    ///< of a run, after its stepper is made
  long reset = 0;  ///< of the next one, with its reset
  long small = 0;  ///< of a whole run in the plane, without its noise
};

Counts count_all() {
  Counts counts;
  const dpm::AnySchedule schedule = dpm::VpLinear();
  for (const dpm_test::NamedMethod& method : dpm_test::every_method()) {
    const dpm::Plan plan = method(method.grid(schedule, 1.0, 1e-3, 12), dpm::Prediction::velocity);
    const auto start = Eigen::ArrayXXf::Constant(64, 8, 0.5F).eval();
    dpm::Stepper<Eigen::ArrayXXf> stepper(plan, start, options_for<Eigen::ArrayXXf>(plan));
    counts.run += count([&] { finish(stepper); });
    counts.reset += count([&] {
      stepper.reset(start);
      finish(stepper);
    });
    Eigen::Array2d x(0.5, 0.6);
    auto options = options_for<Eigen::Array2d>(plan);
    counts.small += count([&] {
      dpm::sample(
          plan, [](const Eigen::Array2d& in, double, Eigen::Array2d& out) { out = in; }, x,
          std::move(options));
    });
    ++counts.methods;
  }
  return counts;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s figures.tsv\n", argv[0]);
    return 2;
  }
  std::ofstream file(argv[1]);
#if defined(__GLIBC__)
  const long works = count([] { Eigen::ArrayXf(100).setZero(); });
  const Counts counts = count_all();
  if (works == 0) {
    std::fprintf(stderr, "allocations are not counted\n");
    return 1;
  }
  file << "methods\t" << counts.methods << "\nrun\t" << counts.run << "\nreset\t" << counts.reset
       << "\nsmall\t" << counts.small << '\n';
#endif
  file.close();
  return file ? 0 : 1;
}
