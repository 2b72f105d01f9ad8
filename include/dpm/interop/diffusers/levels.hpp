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
#include "dpm/interop/diffusers/schedules.hpp"
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
  if (is_flow_match(o.kind)) return Prediction::flow;
  if (o.kind == Kind::ipndm) return Prediction::velocity;
  if (o.prediction_type == "sample") return Prediction::data;
  if (o.prediction_type == "v_prediction") return Prediction::velocity;
  if (o.prediction_type == "flow_prediction") return Prediction::flow;
  return is_edm(o.kind) ? Prediction::edm : Prediction::noise;
}

inline bool has_thresholding(const Options& o) {
  if (o.kind == Kind::unipc && !o.predict_x0) return false;  // diffusers ignores it there
  return o.thresholding &&
         (steps_in_lambda(o.kind) ||
          is_one_of(o.kind, Kind::edm_dpm_multistep, Kind::ddim, Kind::ddpm, Kind::lcm, Kind::tcd));
}

inline bool has_clipping(const Options& o) {
  return o.clip_sample && is_one_of(o.kind, Kind::ddim, Kind::ddim_inverse, Kind::ddpm, Kind::heun,
                                    Kind::lcm, Kind::tcd);
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
  if (steps_in_sigma(o.kind)) data = o.kind == Kind::dpm_sde;
  if (is_one_of(o.kind, Kind::deis, Kind::pndm, Kind::edm_euler, Kind::ipndm,
                Kind::ddpm_wuerstchen)) {
    data = false;
  }
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
  if (is_edm(o.kind)) {
    const Edm edm(o.sigma_min.value_or(0.002), o.sigma_max.value_or(80.0), o.sigma_data);
    if (o.kind != Kind::cosine_dpm_multistep) return edm;
    return WithTimesteps(edm, [](const Level& at) { return timestep_of_angle(at.sigma()); });
  }
  if (o.kind == Kind::ipndm) return AngleSchedule();
  if (o.kind == Kind::ddpm_wuerstchen) return WuerstchenSchedule(o.scaler, o.s);
  if (is_flow_match(o.kind)) {
    const double shift = o.use_dynamic_shifting ? shift_of(o, run, o.shift) : o.shift;
    const RectifiedFlow flow(shift, o.num_train_timesteps);
    if (!o.invert_sigmas) return flow;
    return WithTimesteps(flow,
                         [n = o.num_train_timesteps](const Level& at) { return n * at.alpha(); });
  }
  if (steps_in_lambda(o.kind) && o.use_flow_sigmas) {
    return RectifiedFlow(shift_of(o, run, o.flow_shift), o.num_train_timesteps);
  }
  if (steps_in_sigma(o.kind)) {
    return SigmaSchedule(Table(o), o.sigma_max.value_or(0.0));
  }
  return Table(o).schedule();
}

/// The level with sigma / alpha = `sigma`, or for a flow sigma itself, or where those are inverted
/// 1 - sigma.
inline Level level_of(const AnySchedule& schedule, const Options& o, double sigma,
                      double timestep) {
  Level level{.log_sigma = std::log(sigma), .timestep = timestep};
  if (steps_in_sigma(o.kind)) {
    level.time = sigma;
    level.data_stddev = 1.0;
    return level;
  }
  if (is_flow(o)) {
    level.log_alpha = std::log1p(-sigma);
    if (o.invert_sigmas) std::swap(level.log_alpha, level.log_sigma);
  } else if (is_edm(o.kind)) {
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
    const double timestep = i < n ? points.timesteps[i] : 0.0;
    levels.push_back(is_continuous(o.kind) ? schedule.level(timestep)
                                           : level_of(schedule, o, points.sigmas[i], timestep));
  }
  return levels;
}

}  // namespace detail
}  // namespace dpm::diffusers
