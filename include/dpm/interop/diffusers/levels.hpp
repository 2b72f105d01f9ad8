// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What a diffusers configuration means here: prediction, correction, space, schedule and levels.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/interop/diffusers/options.hpp"
#include "dpm/interop/diffusers/points.hpp"
#include "dpm/interop/diffusers/table.hpp"
#include "dpm/plan/builder.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/run/correction.hpp"
#include "dpm/schedule/edm.hpp"
#include "dpm/schedule/level.hpp"
#include "dpm/schedule/noise_schedule.hpp"
#include "dpm/schedule/rectified_flow.hpp"
#include "dpm/state/dense.hpp"

namespace dpm::diffusers {

/// The process of EulerDiscrete and HeunDiscrete: x = x_0 + sigma epsilon, the model given x over
/// sqrt(1 + sigma^2) and the table's timestep of sigma. Its time is sigma.
class SigmaSchedule {
 public:
  /// Up to the table's largest sigma, or to `sigma_max` if that is larger.
  explicit SigmaSchedule(detail::Table table, double sigma_max = 0.0)
      : table_(std::move(table)), sigma_max_(std::max(sigma_max, table_.sigma_max())) {}

  [[nodiscard]] double first_time() const { return table_.sigma_min(); }
  [[nodiscard]] double last_time() const { return sigma_max_; }
  /// The level at sigma >= 0.
  [[nodiscard]] Level level(double sigma) const {
    dpm::detail::require(sigma >= 0.0 && sigma < std::numeric_limits<double>::infinity(),
                         "SigmaSchedule: time, which is sigma, is ", sigma,
                         "; it must be finite and at least 0");
    return {.time = sigma,
            .log_sigma = std::log(sigma),
            .timestep = table_.timestep_of(sigma),
            .data_stddev = 1.0};
  }
  [[nodiscard]] double time_of_lambda(double lambda) const { return std::exp(-lambda); }
  [[nodiscard]] LevelRate rate(double sigma) const { return {0.0, 1.0 / sigma}; }

 private:
  detail::Table table_;
  double sigma_max_;
};

/// A flow whose model counts its time from the noise: its timestep is `timestep_scale` times alpha.
class InvertedFlow {
 public:
  explicit InvertedFlow(double shift, double timestep_scale)
      : flow_(shift, timestep_scale), timestep_scale_(timestep_scale) {}

  [[nodiscard]] double first_time() const { return flow_.first_time(); }
  [[nodiscard]] double last_time() const { return flow_.last_time(); }
  /// The level at time t in [0, 1].
  [[nodiscard]] Level level(double time) const {
    Level level = flow_.level(time);
    level.timestep = timestep_scale_ * level.alpha();
    return level;
  }
  [[nodiscard]] double time_of_lambda(double lambda) const { return flow_.time_of_lambda(lambda); }
  [[nodiscard]] LevelRate rate(double time) const { return flow_.rate(time); }

 private:
  RectifiedFlow flow_;
  double timestep_scale_;
};

/// The correction of data predictions that a configuration asks for: thresholding or clipping.
class DataCorrection {
 public:
  explicit DataCorrection(Clip clip) : correction_(clip) {}
  explicit DataCorrection(DynamicThresholding threshold) : correction_(std::move(threshold)) {}

  template <DenseState State>
  void operator()(State& data, const Level& level) {
    std::visit([&](auto& correction) { correction(data, level); }, correction_);
  }

 private:
  std::variant<Clip, DynamicThresholding> correction_;
};

namespace detail {

inline Prediction prediction_of(const Options& o) {
  if (o.kind == Kind::flow_match_euler) return Prediction::flow;
  if (o.prediction_type == "sample") return Prediction::data;
  if (o.prediction_type == "v_prediction") return Prediction::velocity;
  if (o.prediction_type == "flow_prediction") return Prediction::flow;
  return o.kind == Kind::edm_dpm_multistep ? Prediction::edm : Prediction::noise;
}

inline bool has_thresholding(const Options& o) {
  if (o.kind == Kind::unipc && !o.predict_x0) return false;  // diffusers ignores it there
  return o.thresholding && (steps_in_lambda(o.kind) ||
                            is_one_of(o.kind, Kind::edm_dpm_multistep, Kind::ddim, Kind::ddpm));
}

inline bool has_clipping(const Options& o) {
  return o.clip_sample && is_one_of(o.kind, Kind::ddim, Kind::ddim_inverse, Kind::ddpm, Kind::heun);
}

inline Correction correction_of(const Options& o) {
  return has_thresholding(o) || has_clipping(o) ? Correction::data : Correction::none;
}

/// The space that the class's formulas are written in.
inline Space space_of(const Options& o) {
  const std::string_view algorithm = o.algorithm_type;
  bool data = algorithm.ends_with("++") || !steps_in_lambda(o.kind);
  if (o.kind == Kind::unipc) data = o.predict_x0;
  if (o.kind == Kind::sa_solver) data = algorithm == "data_prediction";
  if (is_one_of(o.kind, Kind::deis, Kind::heun, Kind::euler, Kind::pndm)) data = false;
  return data ? Space::data : Space::noise;
}

inline PlanBuilder builder_for(const Options& o) {
  PlanBuilder builder(prediction_of(o), correction_of(o));
  builder.set_space(space_of(o));
  return builder;
}

/// Whether DPM-Solver solves the SDE.
inline bool is_sde(const Options& o) {
  return std::string_view(o.algorithm_type).starts_with("sde-") && o.kind != Kind::deis;
}

inline AnySchedule schedule_of(const Options& o, const Run& run = {}) {
  if (o.kind == Kind::edm_dpm_multistep) {
    return Edm(o.sigma_min.value_or(0.002), o.sigma_max.value_or(80.0), o.sigma_data);
  }
  if (o.kind == Kind::flow_match_euler) {
    const double shift = o.use_dynamic_shifting ? shift_of(o, run, o.shift) : o.shift;
    if (o.invert_sigmas) return InvertedFlow(shift, o.num_train_timesteps);
    return RectifiedFlow(shift, o.num_train_timesteps);
  }
  if (steps_in_lambda(o.kind) && o.use_flow_sigmas) {
    return RectifiedFlow(shift_of(o, run, o.flow_shift), o.num_train_timesteps);
  }
  if (is_one_of(o.kind, Kind::euler, Kind::heun)) {
    return SigmaSchedule(Table(o), o.sigma_max.value_or(0.0));
  }
  return Table(o).schedule();
}

/// The level with sigma / alpha = `sigma`, or for a flow sigma itself, or where those are inverted
/// 1 - sigma.
inline Level level_of(const AnySchedule& schedule, const Options& o, double sigma,
                      double timestep) {
  Level level{.log_sigma = std::log(sigma), .timestep = timestep};
  if (is_one_of(o.kind, Kind::euler, Kind::heun)) {
    level.time = sigma;
    level.data_stddev = 1.0;
    return level;
  }
  if (is_flow(o)) {
    level.log_alpha = std::log1p(-sigma);
    if (o.invert_sigmas) std::swap(level.log_alpha, level.log_sigma);
  } else if (o.kind == Kind::edm_dpm_multistep) {
    level.data_stddev = o.sigma_data;
  } else {
    level.log_alpha = -0.5 * std::log1p(sigma * sigma);
    level.log_sigma += level.log_alpha;
  }
  const double least = schedule.level(schedule.last_time()).lambda();
  level.time = schedule.time_of_lambda(std::max(level.lambda(), least));
  return level;
}

/// One level for each timestep and the final one.
inline std::vector<Level> levels_of(const AnySchedule& schedule, const Options& o,
                                    const Points& points) {
  std::vector<Level> levels;
  const std::size_t n = points.timesteps.size();
  for (std::size_t i = 0; i <= n; ++i) {
    levels.push_back(level_of(schedule, o, points.sigmas[i], i < n ? points.timesteps[i] : 0.0));
  }
  return levels;
}

}  // namespace detail
}  // namespace dpm::diffusers
