// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The plans of the diffusers classes for distilled consistency models: LCM and TCD.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "dpm/interop/diffusers/table_plans.hpp"

namespace dpm::diffusers::detail {

/// LCM (Luo et al. 2023, arXiv 2310.04378, Alg. 3): the consistency function c_out x_0 + c_skip x
/// (Song et al. 2023, arXiv 2303.01469, App. C, with sigma_data = 1/2), and between the steps fresh
/// noise.
inline Plan lcm_plan(const Options& o, const Table& table, std::span<const double> timesteps) {
  constexpr double data_stddev = 0.5;
  PlanBuilder builder = builder_for(o);
  Level current = table.level(static_cast<int>(timesteps[0]));
  for (std::size_t i = 0; i < timesteps.size(); ++i) {
    const bool last = i + 1 == timesteps.size();
    const Level at = table.level(static_cast<int>(timesteps[i]));
    const Level to = last ? Level{} : table.level(static_cast<int>(timesteps[i + 1]));
    builder.begin_step(current, to);
    if (!last) builder.draw();
    const DataPrediction p = write_prediction(builder, o, at);
    const double scaled = o.timestep_scaling * timesteps[i];
    const double norm = std::hypot(scaled, data_stddev);
    const double skip = data_stddev * data_stddev / (norm * norm);
    write_update(builder, p, to.alpha() * scaled / norm, {to.alpha() * skip, 0.0}, 1.0, to.sigma());
    current = to;
  }
  return std::move(builder).finish();
}

/// TCD (Zheng et al. 2024, arXiv 2402.19159, Alg. 4): a DDIM step to the timestep (1 - eta) t, then
/// fresh noise back up to t. The last step goes to timestep 0, whose noise stays in the sample.
inline Plan tcd_plan(const Options& o, const Table& table, double eta,
                     std::span<const double> timesteps) {
  PlanBuilder builder = builder_for(o);
  Level current = table.level(static_cast<int>(timesteps[0]));
  for (std::size_t i = 0; i < timesteps.size(); ++i) {
    const bool last = i + 1 == timesteps.size();
    const int next = last ? 0 : static_cast<int>(timesteps[i + 1]);
    const Level at = table.level(static_cast<int>(timesteps[i]));
    const Level to = table.level(next);
    const Level down = table.level(static_cast<int>(std::floor((1.0 - eta) * next)));
    const bool draws = eta > 0.0 && !last;
    builder.begin_step(current, to);
    if (draws) builder.draw();
    const DataPrediction p = write_prediction(builder, o, at);
    const double ratio = draws ? std::exp(to.log_alpha - down.log_alpha) : 1.0;
    write_update(builder, p, ratio * down.alpha(), to_noise(prediction_of(o), at),
                 ratio * down.sigma(),
                 draws ? std::sqrt(-std::expm1(2.0 * (to.log_alpha - down.log_alpha))) : 0.0);
    current = to;
  }
  return std::move(builder).finish();
}

}  // namespace dpm::diffusers::detail
