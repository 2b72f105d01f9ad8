// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What a diffusers scheduler_config.json can say, as one struct.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dpm/error.hpp"

namespace dpm::diffusers {

/// What to do with a configuration that is broken in diffusers.
enum class Mode : std::uint8_t {
  /// Refuse it, and say what to use instead.
  strict,
  /// Give the number that diffusers gives, wherever it gives one.
  compatible,
};

/// The scheduler classes that are understood, without the "Scheduler" of their names.
enum class Kind : std::uint8_t {
  dpm_multistep,
  dpm_multistep_inverse,
  dpm_singlestep,
  ddim,
  ddim_inverse,
  ddpm,
  pndm,
  unipc,
  deis,
  sa_solver,
  edm_dpm_multistep,
  euler,
  heun,
  flow_match_euler,
};

/// Every option of every class, under its name in diffusers. A class ignores those it does not
/// have; `options_of` knows the defaults of each.
struct Options {
  Kind kind = Kind::dpm_multistep;

  // The table.
  int num_train_timesteps = 1000;
  double beta_start = 0.0001;
  double beta_end = 0.02;
  std::string beta_schedule = "linear";
  std::vector<double> trained_betas = {};
  bool rescale_betas_zero_snr = false;
  double lambda_min_clipped = -std::numeric_limits<double>::infinity();

  // The model's output, and what is done to it.
  std::string prediction_type = "epsilon";
  std::string variance_type = "";  ///< "" is null
  bool thresholding = false;
  double dynamic_thresholding_ratio = 0.995;
  double sample_max_value = 1.0;
  bool clip_sample = true;
  double clip_sample_range = 1.0;

  // The grid.
  std::string timestep_spacing = "linspace";
  int steps_offset = 0;
  std::string final_sigmas_type = "zero";
  bool use_karras_sigmas = false;
  bool use_exponential_sigmas = false;
  bool use_beta_sigmas = false;
  bool use_lu_lambdas = false;
  bool use_flow_sigmas = false;
  double flow_shift = 1.0;
  bool use_dynamic_shifting = false;
  std::string time_shift_type = "exponential";
  bool set_alpha_to_one = true;

  // The method.
  int solver_order = 2;
  std::string algorithm_type = "dpmsolver++";
  std::string solver_type = "midpoint";
  bool lower_order_final = true;
  bool euler_at_final = false;
  bool predict_x0 = true;
  std::vector<int> disable_corrector = {};
  int predictor_order = 2;
  int corrector_order = 2;
  bool skip_prk_steps = false;

  // EDM, Euler and flows.
  std::optional<double> sigma_min = std::nullopt;
  std::optional<double> sigma_max = std::nullopt;
  double sigma_data = 0.5;
  std::string sigma_schedule = "karras";
  double rho = 7.0;
  std::string interpolation_type = "linear";
  std::string timestep_type = "discrete";
  double shift = 1.0;
  std::optional<double> shift_terminal = std::nullopt;
  bool invert_sigmas = false;
  bool stochastic_sampling = false;

  friend bool operator==(const Options&, const Options&) = default;
};

/// What diffusers is told when a run begins: the arguments of `set_timesteps` and of `step`.
struct Run {
  /// num_inference_steps; 0 where timesteps or sigmas are given.
  int steps = 0;
  /// Timesteps of one's own, from high to low.
  std::vector<double> timesteps = {};
  /// Sigmas of one's own, from high to low: for Euler the last is where the run ends, for a flow an
  /// end at 0 is added.
  std::vector<double> sigmas = {};
  /// The shift of a flow whose `use_dynamic_shifting` is on, e^mu.
  std::optional<double> mu = std::nullopt;
  /// DDIM: how much fresh noise.
  double eta = 0.0;
  /// DDIM: whether the noise prediction follows from the clipped data prediction.
  bool use_clipped_model_output = false;
};

/// The class names, as `_class_name` has them, in the order of `Kind`.
inline constexpr std::array<std::pair<Kind, std::string_view>, 14> class_names{{
    {Kind::dpm_multistep, "DPMSolverMultistepScheduler"},
    {Kind::dpm_multistep_inverse, "DPMSolverMultistepInverseScheduler"},
    {Kind::dpm_singlestep, "DPMSolverSinglestepScheduler"},
    {Kind::ddim, "DDIMScheduler"},
    {Kind::ddim_inverse, "DDIMInverseScheduler"},
    {Kind::ddpm, "DDPMScheduler"},
    {Kind::pndm, "PNDMScheduler"},
    {Kind::unipc, "UniPCMultistepScheduler"},
    {Kind::deis, "DEISMultistepScheduler"},
    {Kind::sa_solver, "SASolverScheduler"},
    {Kind::edm_dpm_multistep, "EDMDPMSolverMultistepScheduler"},
    {Kind::euler, "EulerDiscreteScheduler"},
    {Kind::heun, "HeunDiscreteScheduler"},
    {Kind::flow_match_euler, "FlowMatchEulerDiscreteScheduler"},
}};

/// The class name of a kind. Refuses a number that no kind has.
[[nodiscard]] inline std::string_view class_name(Kind kind) {
  const auto number = static_cast<std::size_t>(kind);
  dpm::detail::require(number < class_names.size(), "diffusers: kind is number ", number,
                       "; it must be one that `Kind` names");
  return class_names[number].second;
}

/// The kind of a class name. Refuses other names.
[[nodiscard]] inline Kind kind_of(std::string_view name) {
  std::string known_names;
  for (const auto& [kind, known] : class_names) {
    if (known == name) return kind;
    known_names += (known_names.empty() ? "" : ", ") + std::string(known);
  }
  const std::string_view shown = name.substr(0, 60);
  dpm::detail::refuse({"diffusers: _class_name is ", shown, shown == name ? "" : "...",
                       "; it must be one of ", known_names});
}

namespace detail {

using dpm::detail::refuse;
using dpm::detail::require;

template <class... Kinds>
bool is_one_of(Kind kind, Kinds... kinds) {
  return ((kind == kinds) || ...);
}

/// Whether the class works on a table of betas; the others state sigmas.
inline bool has_betas(Kind kind) {
  return !is_one_of(kind, Kind::edm_dpm_multistep, Kind::flow_match_euler);
}

/// Whether the class steps in lambda, over sigmas that may lie on a curve such as Karras'.
inline bool steps_in_lambda(Kind kind) {
  return is_one_of(kind, Kind::dpm_multistep, Kind::dpm_multistep_inverse, Kind::dpm_singlestep,
                   Kind::unipc, Kind::deis, Kind::sa_solver);
}

}  // namespace detail

/// The options of a class with the defaults that diffusers gives them.
[[nodiscard]] inline Options options_of(Kind kind) {
  if (kind == Kind::deis) return {.kind = kind, .algorithm_type = "deis", .solver_type = "logrho"};
  if (kind == Kind::edm_dpm_multistep) return {.kind = kind, .sigma_min = 0.002, .sigma_max = 80.0};
  if (kind == Kind::heun) {
    return {.kind = kind, .beta_start = 0.00085, .beta_end = 0.012, .clip_sample = false};
  }
  Options o{.kind = kind};
  if (detail::is_one_of(kind, Kind::ddim, Kind::ddim_inverse, Kind::ddpm, Kind::pndm)) {
    o.timestep_spacing = "leading";
  }
  if (kind == Kind::dpm_singlestep) o.lower_order_final = false;
  if (kind == Kind::ddpm) o.variance_type = "fixed_small";
  if (kind == Kind::pndm) o.set_alpha_to_one = false;
  if (kind == Kind::unipc) o.solver_type = "bh2";
  if (kind == Kind::sa_solver) o.algorithm_type = "data_prediction";
  return o;
}

}  // namespace dpm::diffusers
