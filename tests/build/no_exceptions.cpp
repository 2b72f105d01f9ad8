// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The library under -fno-exceptions -fno-rtti: it samples, and refusals go to the error handler.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "dpm/dpm.hpp"

static_assert(DPM_EXCEPTIONS == 0);

namespace {

void require(bool true_here, const char* what) {
  if (true_here) return;
  std::fprintf(stderr, "not so: %s\n", what);
  std::_Exit(1);
}

/// Ends the program: with success if this is the expected refusal. It leaves by `_Exit`, because a
/// handler must not return and a `longjmp` would skip destructors, which is undefined.
void expect_refusal(const char* sentence) {
  std::printf("refused: %s\n", sentence);
  std::fflush(stdout);
  const std::string_view expected = "Stepper: the plan draws noise 10 times";
  std::_Exit(std::string_view(sentence).substr(0, expected.size()) == expected ? 0 : 1);
}

void refuse_nothing(const char* sentence) { require(false, sentence); }

}  // namespace

int main() {
  const dpm::ErrorHandler standard = dpm::set_error_handler(&refuse_nothing);
  require(standard != nullptr, "there is a handler from the start");

  // Data that is always 0.25: every sampler ends at alpha 0.25 + sigma epsilon.
  const dpm::VpLinear schedule;
  const auto model = [](const std::vector<double>& x, const dpm::Level& at,
                        std::vector<double>& noise) {
    for (std::size_t i = 0; i < x.size(); ++i) noise[i] = (x[i] - at.alpha() * 0.25) / at.sigma();
  };
  std::vector<double> x{1.5, -0.5};
  const std::vector<double> start = x;
  const dpm::RunReport report = dpm::sample(dpm::DpmSolver{}, schedule, 10, model, x);
  require(report.model_calls == 10, "ten model calls were made");
  const dpm::Level from = schedule.level(schedule.last_time());
  const dpm::Level to = schedule.level(schedule.first_time());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double noise = (start[i] - from.alpha() * 0.25) / from.sigma();
    const double exact = to.alpha() * 0.25 + to.sigma() * noise;
    require(std::abs(x[i] - exact) < 1e-12, "the sample is the exact one");
  }
  const std::vector<double> sampled = x;
  dpm::sample(dpm::Ddpm{}, schedule, 10, model, x, dpm::Prediction::noise,
              {.noise = dpm::NormalNoise{.seed = 1}});
  require(x != sampled, "a stochastic run moves the sample");

  require(dpm::set_error_handler(&expect_refusal) == &refuse_nothing, "handlers are returned");
  dpm::sample(dpm::Ddpm{}, schedule, 10, model, x);
  require(false, "a refused call does not return");
}
