// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Plans by name, and the exact moments of what they make of Gaussian data in any prediction.
#pragma once

#include <cmath>
#include <cstddef>
#include <utility>

#include "dpm/analysis/affine_state.hpp"
#include "dpm/catalogue.hpp"

namespace dpm_test {

/// The schedule of Stable Diffusion, and a flow as Stable Diffusion 3 has it.
inline const dpm::AnySchedule table_schedule =
    dpm::DiscreteSchedule(dpm::scaled_linear_betas(1000));
inline const dpm::AnySchedule flow_schedule = dpm::RectifiedFlow(3.0);

/// Mean and standard deviation of one value.
struct Spread {
  double mean = 0.0;
  double stddev = 0.0;
};

/// Data N(mean, stddev^2).
inline constexpr Spread named_data{0.4, 0.6};

/// Output = slope (x - alpha mean) + offset, the exact model at a level.
struct ExactModel {
  double slope = 0.0;
  double offset = 0.0;
};

inline ExactModel exact_model(dpm::Prediction prediction, const dpm::Level& at) {
  const auto [centre, spread] = named_data;
  const double alpha = at.alpha();
  const double sigma = at.sigma();
  const double variance = alpha * alpha * spread * spread + sigma * sigma;
  const ExactModel noise{sigma / variance, 0.0};
  const ExactModel data{alpha * spread * spread / variance, centre};
  switch (prediction) {
    case dpm::Prediction::data:
      return data;
    case dpm::Prediction::velocity:
      return {alpha * noise.slope - sigma * data.slope, -sigma * data.offset};
    case dpm::Prediction::score:
      return {-1.0 / variance, 0.0};
    case dpm::Prediction::flow:
      return {noise.slope - data.slope, -data.offset};
    default:
      return noise;
  }
}

/// The sample at the end as a function of its start and its draws.
inline dpm::AffineState affine_end(const dpm::Plan& plan) {
  dpm::RunOptions<dpm::AffineState> options;
  options.noise = [](dpm::AffineState& z, const dpm::NoiseRequest& request) {
    z.set_to_draw(request.draw);
  };
  const auto draws = static_cast<std::size_t>(plan.draws());
  dpm::Stepper<dpm::AffineState> stepper(plan, dpm::AffineState(1, draws), std::move(options));
  while (auto call = stepper.next()) {
    const ExactModel model = exact_model(plan.prediction, call->level);
    call->output.set_to_affine_of(call->input, 0, model.slope,
                                  call->level.alpha() * named_data.mean);
    call->output.one(0) += model.offset;
    if (call->unconditional != nullptr) *call->unconditional = call->output;
  }
  return stepper.sample();
}

/// The moments at the end of a run from the distribution of the plan's first level.
inline Spread end_of(const dpm::Plan& plan) {
  const dpm::AffineState x = affine_end(plan);
  const double first = std::hypot(plan.start().alpha() * named_data.stddev, plan.start().sigma());
  double variance = std::pow(x.start(0) * first, 2.0);
  for (const double c : x.draws(0)) variance += c * c;
  return {x.start(0) * plan.start().alpha() * named_data.mean + x.one(0), std::sqrt(variance)};
}

/// The exact moments at a level.
inline Spread spread_at(const dpm::Level& at) {
  return {at.alpha() * named_data.mean, std::hypot(at.alpha() * named_data.stddev, at.sigma())};
}

}  // namespace dpm_test
