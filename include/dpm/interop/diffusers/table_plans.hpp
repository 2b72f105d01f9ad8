// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The plans of the diffusers classes that step through the table: DDIM, its inverse, DDPM, PNDM
/// and CogVideoX', and of DDPMWuerstchen.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "dpm/interop/diffusers/levels.hpp"
#include "dpm/method/pndm.hpp"
#include "dpm/method/polynomial.hpp"
#include "dpm/plan/builder.hpp"
#include "dpm/plan/conversion.hpp"

namespace dpm::diffusers::detail {

/// The level of a timestep. Below 0 stands clean data, where a run ends or an inversion begins:
/// alpha = 1, or the table's first entry.
inline Level level_or_end(const Options& o, const Table& table, int timestep) {
  if (timestep >= 0) return table.level(timestep);
  if (o.set_alpha_to_one || o.kind == Kind::ddpm) return Level{};
  Level level = table.level(0);
  level.time = 0.0;
  return level;
}

/// alpha^2 there, for DDIM and PNDM.
inline double cumprod_or_end(const Options& o, const Table& table, int timestep) {
  if (timestep >= 0) return table.alpha_cumprod(timestep);
  return o.set_alpha_to_one ? 1.0 : table.alpha_cumprod(0);
}

/// DDIM and PNDM step from t to t - num_train_timesteps / steps (rounded down) even where the next
/// timestep is another. In strict mode, refuses a grid where the two differ.
inline void check_stride(const Options& o, Mode mode, const Run& run) {
  if (mode == Mode::compatible || is_one_of(o.kind, Kind::ddpm, Kind::lcm, Kind::tcd)) return;
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

/// How the data prediction follows from x and the model's output. Slot 0 holds the output, slot 1
/// the corrected data prediction.
struct DataPrediction {
  Conversion by;
  bool corrected = false;
};

inline DataPrediction write_prediction(PlanBuilder& builder, const Options& o, const Level& at) {
  builder.evaluate_raw(0, sample_register, at);
  const DataPrediction p{to_data(prediction_of(o), at), builder.correction() == Correction::data};
  if (p.corrected) {
    builder.combine(prediction_register(1),
                    {{sample_register, p.by.input}, {prediction_register(0), p.by.output}});
    builder.correct(1, at);
  }
  return p;
}

/// sample <- data * x_0 + noise * epsilon + noise_stddev * z, where `to_epsilon` gives epsilon.
inline void write_update(PlanBuilder& builder, const DataPrediction& p, double data,
                         const Conversion& to_epsilon, double noise, double noise_stddev) {
  const double raw = p.corrected ? 0.0 : data;
  builder.combine(sample_register,
                  {{sample_register, raw * p.by.input + noise * to_epsilon.input},
                   {prediction_register(0), raw * p.by.output + noise * to_epsilon.output},
                   {prediction_register(1), p.corrected ? data : 0.0},
                   {noise_register, noise_stddev}});
}

/// DDIM, also CogVideoX'. The noise prediction is the model's own, not that of the corrected data
/// prediction, unless the run asks for it.
inline Plan ddim_plan(const Options& o, const Table& table, const Run& run,
                      std::span<const double> timesteps) {
  const double eta = run.eta.value_or(0.0);
  require(eta >= 0.0 && eta < 1e300, "diffusers: eta = ", eta,
          "; it must be finite and at least 0");
  const int stride = o.num_train_timesteps / run.steps;
  PlanBuilder builder = builder_for(o);
  Level current = table.level(static_cast<int>(timesteps[0]));
  for (const double timestep : timesteps) {
    const int t = static_cast<int>(timestep);
    const Level at = table.level(t);
    const Level to = level_or_end(o, table, t - stride);
    builder.begin_step(current, to);
    if (eta > 0.0) builder.draw();
    const DataPrediction p = write_prediction(builder, o, at);
    const double from_cumprod = table.alpha_cumprod(t);
    const double to_cumprod = cumprod_or_end(o, table, t - stride);
    const double variance =
        (1.0 - to_cumprod) / (1.0 - from_cumprod) * (1.0 - from_cumprod / to_cumprod);
    const double noise_stddev = eta * std::sqrt(variance);
    double left = 1.0 - to_cumprod - noise_stddev * noise_stddev;
    if (std::abs(left) < 1e-15) left = std::max(left, 0.0);  // all of it, but for rounding
    require(left >= 0.0, "diffusers: eta = ", eta, " at timestep ", t,
            " asks for more noise than there is; it must be smaller");
    const double noise = std::sqrt(left);
    double data = to.alpha();
    Conversion to_epsilon = to_noise(prediction_of(o), at);
    if (run.use_clipped_model_output && p.corrected) {
      // epsilon = (x - alpha x_0) / sigma with the corrected x_0.
      to_epsilon = {1.0 / at.sigma(), 0.0};
      data -= noise * std::exp(at.lambda());
    }
    write_update(builder, p, data, to_epsilon, noise, noise_stddev);
    current = to;
  }
  return std::move(builder).finish();
}

/// DDIMInverse: from t - stride to t, with the model given timestep t.
inline Plan ddim_inverse_plan(const Options& o, const Table& table, int stride,
                              std::span<const double> timesteps) {
  PlanBuilder builder = builder_for(o);
  Level current = level_or_end(o, table, static_cast<int>(timesteps[0]) - stride);
  for (const double timestep : timesteps) {
    const int t = static_cast<int>(timestep);
    Level at = level_or_end(o, table, std::min(t - stride, o.num_train_timesteps - 1));
    at.timestep = timestep;
    const Level to = table.level(t);
    builder.begin_step(current, to);
    const DataPrediction p = write_prediction(builder, o, at);
    write_update(builder, p, to.alpha(), to_noise(prediction_of(o), at), to.sigma(), 0.0);
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
    const DataPrediction p = write_prediction(builder, o, at);
    const double beta = -std::expm1(2.0 * (at.log_alpha - to.log_alpha));
    const double kept = std::pow(to.sigma() / at.sigma(), 2);
    const double variance = large ? beta : std::max(kept * beta, 1e-20);
    const double data = to.alpha() * beta / (at.sigma() * at.sigma());
    const double linear = std::exp(at.log_alpha - to.log_alpha) * kept;
    const double noise_stddev = timesteps[i] > 0.0 ? std::sqrt(variance) : 0.0;
    write_update(builder, p, data, {linear, 0.0}, 1.0, noise_stddev);
    current = to;
  }
  return std::move(builder).finish();
}

/// CogVideoXDPM: SDE-DPM-Solver++ of order 2, the first and the last step of order 1. Every other
/// step draws twice and uses the second draw.
inline Plan cogvideox_dpm_plan(const Options& o, const Table& table, int stride,
                               std::span<const double> timesteps) {
  PlanBuilder builder = builder_for(o);
  Level current = table.level(static_cast<int>(timesteps[0]));
  Nodes history;
  for (std::size_t i = 0; i < timesteps.size(); ++i) {
    const int t = static_cast<int>(timesteps[i]);
    const Level at = table.level(t);
    const Level to = level_or_end(o, table, t - stride);
    const ExponentialStep step(Space::data, at, to, 1.0);
    const bool second_order = i > 0 && t >= stride;
    builder.begin_step(current, to);
    builder.draw();
    if (second_order) builder.draw();
    history = with_newest({at.lambda(), builder.evaluate(i % 2, sample_register, at)}, history, 2);
    DerivativeWeights weights{step.weight(0)};
    if (second_order) weights.push_back(0.5 * step.h() * step.weight(0));
    UpdateTerms terms =
        polynomial_terms(step.linear(), weights, at.lambda(), history.span().first(weights.size()));
    terms.push_back({noise_register, step.noise_stddev()});
    builder.combine(sample_register, terms.span());
    current = to;
  }
  return std::move(builder).finish();
}

/// DDPMWuerstchen: DDPM's posterior, with noise except to time 0. It draws there too.
inline Plan ddpm_wuerstchen_plan(const Options& o, std::span<const Level> levels) {
  PlanBuilder builder = builder_for(o);
  for (std::size_t i = 0; i + 1 < levels.size(); ++i) {
    const Level& s = levels[i];
    const Level& t = levels[i + 1];
    const double beta = -std::expm1(2.0 * (s.log_alpha - t.log_alpha));
    const double linear = std::exp(t.log_alpha - s.log_alpha);
    builder.begin_step(s, t);
    builder.draw();
    const Register m = builder.evaluate(0, sample_register, s);
    builder.combine(
        sample_register,
        {{sample_register, linear},
         {m, -linear * beta / s.sigma()},
         {noise_register, t.time > 0.0 ? std::sqrt(beta) * t.sigma() / s.sigma() : 0.0}});
  }
  return std::move(builder).finish();
}

/// sample <- start, taken from alpha^2 = s to alpha^2 = t with a mix of outputs (arXiv 2202.09778,
/// Eq. 11), which is converted to noise after mixing.
inline void write_transfer(PlanBuilder& builder, Register start, double s, double t,
                           std::span<const Term> mix) {
  const double weight = (s - t) / (s * std::sqrt(1.0 - t) + std::sqrt(s * (1.0 - s) * t));
  const bool velocity = builder.prediction() == Prediction::velocity;
  const Conversion noise = velocity ? Conversion{std::sqrt(1.0 - s), std::sqrt(s)} : Conversion{};
  BoundedVector<Term, 5> terms{{start, std::sqrt(t / s) + weight * noise.input}};
  for (const Term& term : mix) {
    terms.push_back({term.operand, weight * noise.output * term.weight});
  }
  builder.combine(sample_register, terms.span());
}

/// PNDM (Liu et al. 2022, arXiv 2202.09778): pseudo Runge-Kutta blocks of four calls, then linear
/// multistep; or that alone, with a second call in its first step. Slots 0 to 3 keep the
/// predictions that the multistep formula uses, 4 to 6 those inside a block; the stage register
/// keeps the sample that a block or the first step began with.
inline Plan pndm_plan(const Options& o, const Table& table, int stride,
                      std::span<const double> calls) {
  const std::size_t block_calls = o.skip_prk_steps ? 0 : 12;
  std::size_t stored = 0;
  const auto kept = [&](std::size_t back) { return prediction_register((stored - 1 - back) % 4); };
  PlanBuilder builder = builder_for(o);
  Level current = table.level(static_cast<int>(calls[0]));
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const int t = static_cast<int>(calls[i]);
    const std::size_t part = i % 4;
    const bool in_block = i < block_calls;
    const bool repeated = o.skip_prk_steps && i == 1;
    int from = in_block ? static_cast<int>(calls[i - part]) : t;
    if (repeated) from = t + stride;
    const int length = in_block ? (part % 2 == 1 ? 0 : stride / 2) : (repeated ? 0 : stride);
    const int target = t - length;
    const Level to = level_or_end(o, table, target);
    builder.begin_step(current, to);
    const bool keeps = in_block ? part == 0 : !repeated;
    const std::size_t slot = keeps ? stored % 4 : (in_block ? 3 + part : 4);
    const Register m = builder.evaluate_raw(slot, sample_register, table.level(t));
    if (keeps) ++stored;
    if (in_block ? part == 0 : o.skip_prk_steps && i == 0) {
      builder.combine(stage_register, {{sample_register, 1.0}});
    }
    BoundedVector<Term, 4> mix;
    if (in_block && part == 3) {
      mix = {{kept(0), 1.0 / 6.0},
             {prediction_register(4), 1.0 / 3.0},
             {prediction_register(5), 1.0 / 3.0},
             {m, 1.0 / 6.0}};
    } else if (repeated) {
      mix = {{m, 0.5}, {kept(0), 0.5}};
    } else if (in_block || stored == 1) {
      mix = {{m, 1.0}};
    } else {
      const auto weights = dpm::detail::adams_bashforth(std::min<std::size_t>(stored, 4));
      for (std::size_t k = 0; k < weights.size(); ++k) mix.push_back({kept(k), weights[k]});
    }
    write_transfer(builder, in_block || repeated ? stage_register : sample_register,
                   table.alpha_cumprod(from), cumprod_or_end(o, table, target), mix.span());
    current = to;
  }
  return std::move(builder).finish();
}

}  // namespace dpm::diffusers::detail
