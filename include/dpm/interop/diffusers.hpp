// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Samplers from Hugging Face diffusers' scheduler_config.json. Needs nlohmann_json; `dpm/dpm.hpp`
/// does not include this.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dpm/dpm.hpp"
#include "dpm/interop/diffusers/adams_plans.hpp"
#include "dpm/interop/diffusers/ancestral_plans.hpp"
#include "dpm/interop/diffusers/config_json.hpp"
#include "dpm/interop/diffusers/config_text.hpp"
#include "dpm/interop/diffusers/consistency_plans.hpp"
#include "dpm/interop/diffusers/doubts.hpp"
#include "dpm/interop/diffusers/levels.hpp"
#include "dpm/interop/diffusers/nearest_method.hpp"
#include "dpm/interop/diffusers/options.hpp"
#include "dpm/interop/diffusers/points.hpp"
#include "dpm/interop/diffusers/refusals.hpp"
#include "dpm/interop/diffusers/sigma_plans.hpp"
#include "dpm/interop/diffusers/table.hpp"
#include "dpm/interop/diffusers/table_plans.hpp"

namespace dpm::diffusers {

/// A diffusers scheduler: its schedule, grids, nearest method and what the model predicts, and the
/// plans that reproduce it step by step.
///
///     const auto scheduler = dpm::diffusers::Scheduler::from_text(text_of_the_file);
///     const dpm::Plan plan = scheduler.make_plan(20);
///     x *= scheduler.init_noise_sigma(20);  // x: standard normal noise
///     dpm::sample(plan, model, x);          // the model's timestep is diffusers' timestep
///
/// Each step of the plan is one call of diffusers' `step`: after step k the sample is what
/// diffusers has then, to rounding. Tables are computed in double (diffusers: float32).
class Scheduler {
 public:
  /// From a parsed scheduler_config.json. Refuses keys and values that are not known, by name, and
  /// in `Mode::strict` configurations that are broken in diffusers.
  [[nodiscard]] static Scheduler from_json(const nlohmann::json& config, Mode mode = Mode::strict) {
    const Options options = detail::read_options(config);
    detail::check_absent_options(config, options.kind, mode);
    return Scheduler(Read{options}, mode);
  }
  /// From the text of the file, which may hold Python's Infinity and -Infinity. Refuses what is not
  /// JSON, a key that stands twice, and lists or objects more than 64 deep.
  [[nodiscard]] static Scheduler from_text(std::string_view text, Mode mode = Mode::strict) {
    return from_json(detail::parse_config(text), mode);
  }
  /// From options, as `options_of(kind)` gives them. Refuses what a file is refused for. Options
  /// that the class does not have become the default's.
  explicit Scheduler(const Options& options, Mode mode = Mode::strict)
      : Scheduler(Read{detail::read_again(options)}, mode) {}

  /// The configuration with every option of its class, as diffusers reads it.
  [[nodiscard]] nlohmann::json to_json() const { return detail::write_options(options_); }
  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] Mode mode() const { return mode_; }

  /// What the model's output means. Refuses `invert_sigmas`, whose models predict minus the flow,
  /// x_0 - epsilon.
  [[nodiscard]] Prediction prediction() const {
    dpm::detail::require(!options_.invert_sigmas,
                         "diffusers: with invert_sigmas the model predicts data - noise, minus a "
                         "flow, which no Prediction names; run make_plan(run), or let your model "
                         "change its output's sign and give dpm::Prediction::flow");
    return detail::prediction_of(options_);
  }

  /// The noise schedule, on which grids of one's own can be made. Refuses a flow with dynamic
  /// shifting whose run has no mu.
  [[nodiscard]] AnySchedule schedule(const Run& run = {}) const {
    detail::check_shift(options_, mode_, run);
    return detail::schedule_of(options_, run);
  }

  /// The timesteps that the model is given, one for each step of the plan.
  [[nodiscard]] std::vector<double> timesteps(const Run& run) const {
    return detail::shown(options_, points(run)).timesteps;
  }
  [[nodiscard]] std::vector<double> timesteps(int steps) const { return timesteps(of(steps)); }

  /// diffusers' `sigmas`; empty for classes that have none, such as DDIM.
  [[nodiscard]] std::vector<double> sigmas(const Run& run) const {
    return detail::shown(options_, points(run)).sigmas;
  }
  [[nodiscard]] std::vector<double> sigmas(int steps) const { return sigmas(of(steps)); }

  /// What the start, standard normal noise, is to be multiplied with. Refuses a run that begins
  /// later, which starts from `add_noise(image, plan.start(), noise)`.
  [[nodiscard]] double init_noise_sigma(const Run& run) const {
    return detail::init_noise_sigma(options_, points(run));
  }
  [[nodiscard]] double init_noise_sigma(int steps) const { return init_noise_sigma(of(steps)); }

  /// The levels of the run for the library's own methods, without a first or last step of no
  /// length. Refuses what `Grid` refuses: other levels that are repeated.
  [[nodiscard]] Grid grid(const Run& run) const {
    const AnySchedule along = schedule(run);
    return {along, detail::grid_levels(along, options_, mode_, run, points(run))};
  }
  [[nodiscard]] Grid grid(int steps) const { return grid(of(steps)); }

  /// The library's own method that is nearest: what to write without diffusers. Over `grid(run)` it
  /// gives the same samples as the plan, with as many model calls and draws (but for those that
  /// diffusers makes in a last step to sigma 0, with no weight), except for:
  /// - SASolver, which in diffusers weighs the slope of order 2 otherwise and draws noise where tau
  ///   is 0;
  /// - PNDM with v_prediction, which diffusers converts after mixing;
  /// - DEIS where it lowers its order at the end;
  /// - DPMSolverSinglestep where its blocks do not fill the grid;
  /// - DDIM, its inverse and TCD with clip_sample or thresholding: diffusers keeps the model's
  /// noise
  ///   prediction, unless the run has `use_clipped_model_output`;
  /// - PNDM's Runge-Kutta steps, where half of num_train_timesteps / steps is not whole: diffusers
  ///   rounds it;
  /// - LMSDiscrete, which extrapolates in its last step, where the library's ends with an Euler
  /// step;
  /// - CogVideoXDPM, which draws twice in most steps, and DDPMWuerstchen, whose last step adds no
  ///   noise although it does not end at sigma 0;
  /// - runs with a first or last step of no length: the grid leaves it out, and with it one model
  ///   call.
  ///
  /// Refuses what the library has no method for: FlowMatchHeunDiscrete, IPNDM, s_churn,
  /// DPMSolverSinglestep with sde-dpmsolver++ or begun within a block, and UniPC where
  /// disable_corrector names some steps and not all.
  [[nodiscard]] Method method(const Run& run) const {
    return detail::method_of(options_, run, points(run));
  }
  [[nodiscard]] Method method(int steps) const { return method(of(steps)); }

  /// The plan of the whole run. Refuses counts of steps that diffusers cannot do, and in
  /// `Mode::strict` those for which it is broken.
  [[nodiscard]] Plan make_plan(const Run& run) const {
    const Points at = points(run);
    if (detail::steps_in_table(options_.kind)) return table_plan(run, at);
    const AnySchedule along = schedule(run);
    if (!detail::is_continuous(options_.kind)) detail::check_order(options_, mode_, at);
    return sigma_plan(run, at, along, detail::levels_of(along, options_, at));
  }
  [[nodiscard]] Plan make_plan(int steps) const { return make_plan(of(steps)); }

  /// What is legal in the run and rarely meant, a sentence for each kind, beside what `dpm::doubts`
  /// says of its plan: a flow's sigmas that its pipeline would not leave to the class.
  [[nodiscard]] std::vector<std::string> doubts(const Run& run) const {
    return detail::doubts_of(options_, run, points(run));
  }

  /// Whether the plan corrects data predictions, so that `RunOptions::correction` is needed.
  [[nodiscard]] bool corrects() const {
    return detail::correction_of(options_) == Correction::data;
  }
  /// That correction. Refuses a configuration without.
  ///
  /// @param elements_per_sample  for ranges that hold several samples one after the other: values
  ///                             in each; 0: one sample.
  [[nodiscard]] DataCorrection correction(std::size_t elements_per_sample = 0) const {
    dpm::detail::require(corrects(), "diffusers: ", class_name(options_.kind),
                         " has thresholding and clip_sample off; there is no correction to make");
    if (!detail::has_thresholding(options_)) {
      return DataCorrection(Clip(options_.clip_sample_range));
    }
    const double most = options_.sample_max_value;
    return DataCorrection(DynamicThresholding(options_.dynamic_thresholding_ratio,
                                              most < 1.0 ? most : 1.0, most, elements_per_sample));
  }

 private:
  [[nodiscard]] Plan table_plan(const Run& run, const Points& at) const {
    using enum Kind;
    const Options& o = options_;
    const detail::Table table(o);
    detail::check_stride(o, mode_, run);
    if (o.kind == ddpm) return detail::ddpm_plan(o, mode_, table, at.timesteps);
    if (o.kind == lcm) return detail::lcm_plan(o, table, at.timesteps);
    if (o.kind == tcd) return detail::tcd_plan(o, table, run.eta.value_or(0.3), at.timesteps);
    if (o.kind == ddim || o.kind == cogvideox_ddim) {
      return detail::ddim_plan(o, table, run, at.timesteps);
    }
    const int stride = o.num_train_timesteps / run.steps;
    if (o.kind == cogvideox_dpm) {
      return detail::cogvideox_dpm_plan(o, table, stride, at.timesteps);
    }
    if (o.kind == pndm) return detail::pndm_plan(o, table, stride, at.timesteps);
    return detail::ddim_inverse_plan(o, table, stride, at.timesteps);
  }

  [[nodiscard]] Plan sigma_plan(const Run& run, const Points& at, const AnySchedule& along,
                                const std::vector<Level>& levels) const {
    const Options& o = options_;
    switch (o.kind) {
      case Kind::dpm_singlestep:
        return detail::singlestep_plan(o, levels, at.skipped);
      case Kind::unipc:
        return detail::unipc_plan(o, levels, at.skipped);
      case Kind::sa_solver:
        return detail::sa_solver_plan(o, levels);
      case Kind::heun:
      case Kind::flow_match_heun:
        return detail::heun_plan(o, levels);
      case Kind::euler:
      case Kind::edm_euler:
      case Kind::flow_match_euler:
      case Kind::flow_match_lcm:
        return detail::euler_plan(o, run, levels, at.skipped);
      case Kind::euler_ancestral:
        return detail::euler_ancestral_plan(o, levels);
      case Kind::ltx_euler_ancestral:
        return detail::ltx_plan(o, levels);
      case Kind::kdpm2:
      case Kind::kdpm2_ancestral:
        return detail::kdpm2_plan(o, along, levels);
      case Kind::dpm_sde:
        return detail::dpm_sde_plan(o, run, along, levels);
      case Kind::lms:
        return detail::lms_plan(o, levels);
      case Kind::ipndm:
        return detail::ipndm_plan(o, levels);
      case Kind::ddpm_wuerstchen:
        return detail::ddpm_wuerstchen_plan(o, levels);
      default:
        return detail::multistep_plan(o, mode_, levels, at.skipped);
    }
  }

  /// Options whose every value is of its type and, for texts, one that the class allows.
  struct Read {
    Options options;
  };
  Scheduler(Read read, Mode mode) : options_(std::move(read.options)), mode_(mode) {
    detail::check_options(options_, mode_);
  }

  static Run of(int steps) { return Run{.steps = steps}; }

  [[nodiscard]] Points points(const Run& run) const {
    return detail::points_of(options_, mode_, run);
  }

  Options options_;
  Mode mode_;
};

}  // namespace dpm::diffusers
