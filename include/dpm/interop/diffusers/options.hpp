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
  euler_ancestral,
  lms,
  kdpm2,
  kdpm2_ancestral,
  dpm_sde,
  edm_euler,
  cosine_dpm_multistep,
  flow_match_heun,
  flow_match_lcm,
  ltx_euler_ancestral,
  ipndm,
  lcm,
  tcd,
  cogvideox_ddim,
  cogvideox_dpm,
  ddpm_wuerstchen,
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

  // Distilled models, CogVideoX, LTX and Wuerstchen.
  int original_inference_steps = 50;
  double timestep_scaling = 10.0;
  double snr_shift_scale = 3.0;
  double eta = 1.0;
  double s_noise = 1.0;
  double scaler = 1.0;
  double s = 0.008;

  friend bool operator==(const Options&, const Options&) = default;
};

/// What diffusers is told when a run begins: the arguments of `set_timesteps` and of `step`.
struct Run {
  /// num_inference_steps; 0 where timesteps or sigmas are given.
  int steps = 0;
  /// Timesteps of one's own, from high to low.
  std::vector<double> timesteps = {};
  /// Sigmas of one's own, from high to low: for Euler and LTXEulerAncestralRF the last is where the
  /// run ends, for other flows they are those before the shift, and an end at 0 is added.
  std::vector<double> sigmas = {};
  /// The shift of a flow whose `use_dynamic_shifting` is on, e^mu.
  std::optional<double> mu = std::nullopt;
  /// How much fresh noise. DDIM: 0 unless given; TCD: 0.3.
  std::optional<double> eta = std::nullopt;
  /// DDIM: whether the noise prediction follows from the clipped data prediction.
  bool use_clipped_model_output = false;
  /// LCM and TCD: of how many timesteps those of the run are a part.
  std::optional<int> original_inference_steps = std::nullopt;
  /// Image-to-image: the part of the steps that is run, its last. Such a run begins with
  /// `add_noise(image, plan.start(), noise)`. Flow pipelines leave out int(n - n strength) steps,
  /// the others run int(n strength); LCM and TCD spread all steps over that part.
  double strength = 1.0;
  /// The same as a number of steps that are left out, diffusers' begin index.
  int begin = 0;
  /// Euler and EDMEuler: noise that is added before each step (Karras et al. 2022, arXiv
  /// 2206.00364, Alg. 2), where s_tmin <= sigma <= s_tmax. DPMSolverSDE has s_noise alone.
  double s_churn = 0.0;
  double s_tmin = 0.0;
  double s_tmax = std::numeric_limits<double>::infinity();
  double s_noise = 1.0;
};

/// The class names, as `_class_name` has them, in the order of `Kind`.
inline constexpr std::array<std::pair<Kind, std::string_view>, 30> class_names{{
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
    {Kind::euler_ancestral, "EulerAncestralDiscreteScheduler"},
    {Kind::lms, "LMSDiscreteScheduler"},
    {Kind::kdpm2, "KDPM2DiscreteScheduler"},
    {Kind::kdpm2_ancestral, "KDPM2AncestralDiscreteScheduler"},
    {Kind::dpm_sde, "DPMSolverSDEScheduler"},
    {Kind::edm_euler, "EDMEulerScheduler"},
    {Kind::cosine_dpm_multistep, "CosineDPMSolverMultistepScheduler"},
    {Kind::flow_match_heun, "FlowMatchHeunDiscreteScheduler"},
    {Kind::flow_match_lcm, "FlowMatchLCMScheduler"},
    {Kind::ltx_euler_ancestral, "LTXEulerAncestralRFScheduler"},
    {Kind::ipndm, "IPNDMScheduler"},
    {Kind::lcm, "LCMScheduler"},
    {Kind::tcd, "TCDScheduler"},
    {Kind::cogvideox_ddim, "CogVideoXDDIMScheduler"},
    {Kind::cogvideox_dpm, "CogVideoXDPMScheduler"},
    {Kind::ddpm_wuerstchen, "DDPMWuerstchenScheduler"},
}};

/// The class name of a kind. Refuses a number that no kind has.
[[nodiscard]] inline std::string_view class_name(Kind kind) {
  const auto number = static_cast<std::size_t>(kind);
  dpm::detail::require(number < class_names.size(), "diffusers: kind is number ", number,
                       "; it must be one that `Kind` names");
  return class_names[number].second;
}

namespace detail {

using dpm::detail::refuse;
using dpm::detail::require;

template <class... Kinds>
bool is_one_of(Kind kind, Kinds... kinds) {
  return ((kind == kinds) || ...);
}

/// Whether the class steps in lambda, over sigmas that may lie on a curve such as Karras'.
inline bool steps_in_lambda(Kind kind) {
  return is_one_of(kind, Kind::dpm_multistep, Kind::dpm_multistep_inverse, Kind::dpm_singlestep,
                   Kind::unipc, Kind::deis, Kind::sa_solver);
}

/// Whether the class steps in sigma = sigma / alpha, and its model is given x / sqrt(1 + sigma^2).
inline bool steps_in_sigma(Kind kind) {
  return is_one_of(kind, Kind::euler, Kind::heun, Kind::euler_ancestral, Kind::lms, Kind::kdpm2,
                   Kind::kdpm2_ancestral, Kind::dpm_sde);
}

/// Whether the class steps from one entry of the table of betas to another, and has no sigmas.
inline bool steps_in_table(Kind kind) {
  return is_one_of(kind, Kind::ddim, Kind::ddim_inverse, Kind::ddpm, Kind::pndm, Kind::lcm,
                   Kind::tcd, Kind::cogvideox_ddim, Kind::cogvideox_dpm);
}

/// Whether the class works on a table of betas; the others state their levels.
inline bool has_betas(Kind kind) {
  return steps_in_lambda(kind) || steps_in_sigma(kind) || steps_in_table(kind);
}

/// Whether the class has EDM's preconditioning.
inline bool is_edm(Kind kind) {
  return is_one_of(kind, Kind::edm_dpm_multistep, Kind::edm_euler, Kind::cosine_dpm_multistep);
}

/// Whether the class is for flows alone.
inline bool is_flow_match(Kind kind) {
  return is_one_of(kind, Kind::flow_match_euler, Kind::flow_match_heun, Kind::flow_match_lcm,
                   Kind::ltx_euler_ancestral);
}

/// Whether the class makes timesteps of its own between 0 and 1.
inline bool is_continuous(Kind kind) { return is_one_of(kind, Kind::ipndm, Kind::ddpm_wuerstchen); }

/// Classes of diffusers that are not read, and what is nearest to them.
inline constexpr std::array<std::pair<std::string_view, std::string_view>, 11> classes_not_read{{
    {"DDIMParallelScheduler", "name DDIMScheduler, whose numbers are the same"},
    {"DDPMParallelScheduler", "name DDPMScheduler, whose numbers are the same"},
    {"KarrasVeScheduler", "write dpm::Heun{} over dpm::Karras{} of dpm::VarianceExploding"},
    {"ScoreSdeVeScheduler", "write dpm::Ddim{.eta = 1} over dpm::VarianceExploding"},
    {"ScoreSdeVpScheduler", "write dpm::DpmSolver{.order = 1, .tau = 1} over dpm::VpLinear"},
    {"RePaintScheduler", "write dpm::Ddpm{} and dpm::Inpaint, as examples/inpainting.cpp does"},
    {"UnCLIPScheduler", "write dpm::Ddpm{} over the cosine table"},
    {"CMStochasticIterativeScheduler",
     "call a consistency model yourself, with dpm::add_noise between the calls"},
    {"VQDiffusionScheduler", "use its own pipeline: discrete states have no plan"},
    {"AmusedScheduler", "use its own pipeline: discrete states have no plan"},
    {"SCMScheduler", "write the steps as a method of your own (docs/own.md)"},
}};

}  // namespace detail

/// The kind of a class name. Refuses other names.
[[nodiscard]] inline Kind kind_of(std::string_view name) {
  std::string known_names;
  for (const auto& [kind, known] : class_names) {
    if (known == name) return kind;
    known_names += (known_names.empty() ? "" : ", ") + std::string(known);
  }
  for (const auto& [known, instead] : detail::classes_not_read) {
    dpm::detail::require(known != name, "diffusers: _class_name is ", name,
                         ", which is not read; instead, ", instead);
  }
  const std::string_view shown = name.substr(0, 60);
  dpm::detail::refuse({"diffusers: _class_name is ", shown, shown == name ? "" : "...",
                       "; it must be one of ", known_names});
}

/// The options of a class with the defaults that diffusers gives them.
[[nodiscard]] inline Options options_of(Kind kind) {
  using enum Kind;
  const auto is = [kind](auto... kinds) { return detail::is_one_of(kind, kinds...); };
  Options o{.kind = kind};
  if (is(deis)) {
    o.algorithm_type = "deis";
    o.solver_type = "logrho";
  }
  if (is(edm_dpm_multistep, edm_euler)) {
    o.sigma_min = 0.002;
    o.sigma_max = 80.0;
  }
  if (is(cosine_dpm_multistep)) {
    o.sigma_min = 0.3;
    o.sigma_max = 500.0;
    o.sigma_data = 1.0;
    o.sigma_schedule = "exponential";
    o.prediction_type = "v_prediction";
    o.algorithm_type = "sde-dpmsolver++";
  }
  if (is(heun, kdpm2, kdpm2_ancestral, dpm_sde, lcm, tcd, cogvideox_ddim, cogvideox_dpm)) {
    o.beta_start = 0.00085;
    o.beta_end = 0.012;
  }
  if (is(lcm, tcd, cogvideox_ddim, cogvideox_dpm)) o.beta_schedule = "scaled_linear";
  if (is(heun, lcm, tcd)) o.clip_sample = false;
  if (detail::steps_in_table(kind)) o.timestep_spacing = "leading";
  if (is(dpm_singlestep)) o.lower_order_final = false;
  if (is(ddpm)) o.variance_type = "fixed_small";
  if (is(pndm)) o.set_alpha_to_one = false;
  if (is(unipc)) o.solver_type = "bh2";
  if (is(sa_solver)) o.algorithm_type = "data_prediction";
  return o;
}

}  // namespace dpm::diffusers
