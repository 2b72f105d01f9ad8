// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The plans of the diffusers classes that step through the table: DDIM, its inverse, DDPM.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/interop/diffusers/levels.hpp"
#include "dpm/plan/builder.hpp"

namespace dpm::diffusers::detail {

/// Clean data, where a run ends or an inversion begins: alpha = 1, or the table's first entry.
inline Level end_level(const Options& o, const Table& table) {
  if (o.set_alpha_to_one || o.kind == Kind::ddpm) return Level{};
  Level level = table.level(0);
  level.time = 0.0;  // it takes the place of timestep -1
  return level;
}

inline Level level_or_end(const Options& o, const Table& table, int timestep) {
  return timestep >= 0 ? table.level(timestep) : end_level(o, table);
}

inline double cumprod_or_end(const Options& o, const Table& table, int timestep) {
  if (timestep >= 0) return table.alpha_cumprod(timestep);
  return o.set_alpha_to_one || o.kind == Kind::ddpm ? 1.0 : table.alpha_cumprod(0);
}

/// DDIM and PNDM step from t to t - num_train_timesteps / steps (rounded down) even where the next
/// timestep is another. In strict mode, refuses a grid where the two differ.
inline void check_stride(const Options& o, Mode mode, const Run& run) {
  if (mode == Mode::compatible || o.kind == Kind::ddpm) return;
  const int stride = o.num_train_timesteps / run.steps;
  const std::vector<double> timesteps = table_timesteps(o, mode, o.num_train_timesteps, run.steps);
  for (std::size_t i = 0; i < timesteps.size(); ++i) {
    const bool last = i + 1 == timesteps.size();
    const double reached = timesteps[i] - stride;
    require(last ? reached < 0.0 : reached == timesteps[i + 1], "diffusers: ", class_name(o.kind),
            " with timestep_spacing ", o.timestep_spacing, " over ", timesteps.size(),
            " steps steps from timestep ", timesteps[i], " to ", reached, " and goes on from ",
            last ? 0.0 : timesteps[i + 1],
            "; use timestep_spacing leading, or dpm::Ddim or dpm::Pndm over grid(steps)");
  }
}

/// How the data and the noise prediction follow from x and the model's output. Slot 0 holds the
/// output, slot 1 the corrected data prediction.
struct Predictions {
  Conversion data;
  Conversion noise;
  bool corrected = false;
};

inline Predictions write_predictions(PlanBuilder& builder, const Options& o, const Level& model_at,
                                     const Level& at) {
  const Prediction prediction = prediction_of(o);
  builder.evaluate_raw(0, sample_register, model_at);
  Predictions p{to_data(prediction, at), {}, correction_of(o) == Correction::data};
  if (p.corrected) {
    builder.combine(prediction_register(1),
                    {{sample_register, p.data.input}, {prediction_register(0), p.data.output}});
    builder.correct(1, at);
  }
  return p;
}

/// sample <- data * x_0 + noise * epsilon + noise_stddev * z.
inline void write_update(PlanBuilder& builder, const Predictions& p, double data, double noise,
                         double noise_stddev) {
  const Register m = prediction_register(0);
  const Conversion from{p.corrected ? 0.0 : data * p.data.input,
                        p.corrected ? 0.0 : data * p.data.output};
  builder.combine(sample_register, {{sample_register, from.input + noise * p.noise.input},
                                    {m, from.output + noise * p.noise.output},
                                    {prediction_register(1), p.corrected ? data : 0.0},
                                    {noise_register, noise_stddev}});
}

/// DDIM. The noise prediction is the model's own, not that of the corrected data prediction, unless
/// the run asks for it.
inline Plan ddim_plan(const Options& o, const Table& table, const Run& run,
                      std::span<const double> timesteps) {
  require(run.eta >= 0.0 && run.eta < 1e300, "diffusers: eta = ", run.eta,
          "; it must be finite and at least 0");
  const int stride = o.num_train_timesteps / run.steps;
  PlanBuilder builder = builder_for(o);
  Level current = table.level(static_cast<int>(timesteps[0]));
  for (const double timestep : timesteps) {
    const int t = static_cast<int>(timestep);
    const Level at = table.level(t);
    const Level to = level_or_end(o, table, t - stride);
    builder.begin_step(current, to);
    if (run.eta > 0.0) builder.draw();
    Predictions p = write_predictions(builder, o, at, at);
    const double from_cumprod = table.alpha_cumprod(t);
    const double to_cumprod = cumprod_or_end(o, table, t - stride);
    const double variance =
        (1.0 - to_cumprod) / (1.0 - from_cumprod) * (1.0 - from_cumprod / to_cumprod);
    const double noise_stddev = run.eta * std::sqrt(variance);
    double left = 1.0 - to_cumprod - noise_stddev * noise_stddev;
    if (std::abs(left) < 1e-15) left = std::max(left, 0.0);  // all of it, but for rounding
    require(left >= 0.0, "diffusers: eta = ", run.eta, " at timestep ", t,
            " asks for more noise than there is; it must be smaller");
    const double noise = std::sqrt(left);
    if (run.use_clipped_model_output && p.corrected) {
      // epsilon = (x - alpha x_0) / sigma with the corrected x_0.
      p.noise = {1.0 / at.sigma(), 0.0};
      write_update(builder, p, to.alpha() - noise * std::exp(at.lambda()), noise, noise_stddev);
    } else {
      p.noise = to_noise(prediction_of(o), at);
      write_update(builder, p, to.alpha(), noise, noise_stddev);
    }
    current = to;
  }
  return std::move(builder).finish();
}

/// DDIMInverse: from t - stride to t, with the model given timestep t.
inline Plan ddim_inverse_plan(const Options& o, const Table& table, const Run& run,
                              std::span<const double> timesteps) {
  const int stride = o.num_train_timesteps / run.steps;
  PlanBuilder builder = builder_for(o);
  Level current = level_or_end(o, table, static_cast<int>(timesteps[0]) - stride);
  for (const double timestep : timesteps) {
    const int t = static_cast<int>(timestep);
    Level at = level_or_end(o, table, std::min(t - stride, o.num_train_timesteps - 1));
    at.timestep = timestep;
    const Level to = table.level(t);
    builder.begin_step(current, to);
    Predictions p = write_predictions(builder, o, at, at);
    p.noise = to_noise(prediction_of(o), at);
    write_update(builder, p, to.alpha(), to.sigma(), 0.0);
    current = to;
  }
  return std::move(builder).finish();
}

/// DDPM (Ho et al. 2020, arXiv 2006.11239, Eq. 7): the posterior mean, and noise except after
/// timestep 0.
inline Plan ddpm_plan(const Options& o, Mode mode, const Table& table,
                      std::span<const double> timesteps) {
  const bool large = o.variance_type == "fixed_large";
  require(
      mode == Mode::compatible || !large || timesteps.back() <= 0.0,
      "diffusers: DDPMScheduler with variance_type fixed_large adds noise in its last step, which "
      "starts at timestep ",
      timesteps.back(), "; use fixed_small, or timestep_spacing leading with steps_offset 0");
  PlanBuilder builder = builder_for(o);
  Level current = table.level(static_cast<int>(timesteps[0]));
  for (std::size_t i = 0; i < timesteps.size(); ++i) {
    const Level at = table.level(static_cast<int>(timesteps[i]));
    const double next = i + 1 < timesteps.size() ? timesteps[i + 1] : -1.0;
    const Level to = level_or_end(o, table, static_cast<int>(next));
    builder.begin_step(current, to);
    if (timesteps[i] > 0.0) builder.draw();
    const Predictions p = write_predictions(builder, o, at, at);
    const double beta = -std::expm1(2.0 * (at.log_alpha - to.log_alpha));
    const double kept = std::pow(to.sigma() / at.sigma(), 2);
    const double variance = large ? beta : std::max(kept * beta, 1e-20);
    const double data = to.alpha() * beta / (at.sigma() * at.sigma());
    const double linear = std::exp(at.log_alpha - to.log_alpha) * kept;
    Predictions with_x = p;
    with_x.noise = {linear, 0.0};
    write_update(builder, with_x, data, 1.0, timesteps[i] > 0.0 ? std::sqrt(variance) : 0.0);
    current = to;
  }
  return std::move(builder).finish();
}

}  // namespace dpm::diffusers::detail
