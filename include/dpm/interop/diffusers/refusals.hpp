// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Which diffusers configurations are refused.
#pragma once

#include <string_view>

#include "dpm/interop/diffusers/levels.hpp"
#include "dpm/interop/diffusers/spacings.hpp"
#include "dpm/interop/diffusers/table.hpp"

namespace dpm::diffusers::detail {

/// Refuses, in both modes, what diffusers cannot run.
inline void check_possible(const Options& o) {
  const auto check_order = [&](const char* name, int order, int most) {
    require(order >= 1 && order <= most, "diffusers: ", name, " of ", class_name(o.kind), " is ",
            order, "; it must be 1 to ", most);
  };
  const bool unipc = o.kind == Kind::unipc;
  if (o.kind == Kind::sa_solver) {
    check_order("predictor_order", o.predictor_order, 4);
    check_order("corrector_order", o.corrector_order, 4);
  } else if (o.kind == Kind::cosine_dpm_multistep) {
    check_order("solver_order", o.solver_order, 2);
  } else if (steps_in_lambda(o.kind) || o.kind == Kind::edm_dpm_multistep) {
    check_order("solver_order", o.solver_order, unipc ? 4 : 3);
  }
  const bool noise_space = space_of(o) == Space::noise;
  const bool to_zero = o.final_sigmas_type == "zero";
  require(!(is_one_of(o.kind, Kind::dpm_multistep, Kind::dpm_singlestep) && noise_space && to_zero),
          "diffusers: algorithm_type ", o.algorithm_type,
          " with final_sigmas_type zero is refused by diffusers; use final_sigmas_type sigma_min");
  require(!(o.algorithm_type == "sde-dpmsolver" && o.solver_order == 3),
          "diffusers: algorithm_type sde-dpmsolver of order 3 does not exist in diffusers; use "
          "solver_order 2, or dpm::DpmSolver{.order = 3, .space = dpm::Space::noise, .tau = 1}");
  require(!(o.kind == Kind::edm_dpm_multistep && is_sde(o) && o.solver_order == 3),
          "diffusers: EDMDPMSolverMultistepScheduler with algorithm_type sde-dpmsolver++ has no "
          "order 3 in diffusers; use solver_order 2, or dpm::DpmSolver{.order = 3, .tau = 1}");
  require(
      !(is_one_of(o.kind, Kind::dpm_singlestep, Kind::sa_solver) && noise_space && o.thresholding),
      "diffusers: thresholding of ", class_name(o.kind), " with algorithm_type ", o.algorithm_type,
      " fails in diffusers; use thresholding false, or the data-prediction algorithm");
  require(!(unipc && !o.lower_order_final && to_zero && o.solver_order > 1),
          "diffusers: UniPCMultistepScheduler with lower_order_final false and final_sigmas_type "
          "zero gives infinities in diffusers; use lower_order_final true, or sigma_min");
  require(!(o.kind == Kind::ddpm && o.variance_type == "fixed_large_log"),
          "diffusers: variance_type fixed_large_log gives NaN in diffusers; use fixed_large, which "
          "is what it means");
  require(!(o.kind == Kind::ddpm && std::string_view(o.variance_type).starts_with("learned")),
          "diffusers: variance_type ", o.variance_type,
          " scales noise value by value, which a plan cannot; use fixed_small or fixed_large");
  require(!(o.prediction_type == "flow_prediction" &&
            (!o.use_flow_sigmas || (noise_space && o.kind != Kind::deis))),
          "diffusers: prediction_type flow_prediction needs use_flow_sigmas true and a "
          "data-prediction algorithm");
  require(
      !(o.prediction_type == "v_prediction" && steps_in_lambda(o.kind) && o.use_flow_sigmas),
      "diffusers: prediction_type v_prediction with use_flow_sigmas is converted in diffusers as "
      "if alpha^2 + sigma^2 were 1; use flow_prediction, or dpm::RectifiedFlow with "
      "dpm::Prediction::velocity");
  require(
      !(unipc && o.solver_type == "bh1" && to_zero),
      "diffusers: UniPCMultistepScheduler with solver_type bh1 and final_sigmas_type zero gives "
      "NaN in diffusers; use bh2, or sigma_min");

  const auto must = [](const char* name, auto value, bool allowed, const char* what) {
    require(allowed, "diffusers: ", name, " is ", value, "; it must ", what);
  };
  const auto below_1e6 = [&](const char* name, double value) {
    must(name, value, value > 0.0 && value < 1e6, "be greater than 0 and less than 1e6");
  };
  const int train = o.num_train_timesteps;
  const double terminal = o.shift_terminal.value_or(0.0);
  const double clip = o.clip_sample_range;
  const double ratio = o.dynamic_thresholding_ratio;
  must("num_train_timesteps", train, train >= 1 && train <= 1'000'000, "lie between 1 and 1000000");
  must("shift_terminal", terminal, terminal >= 0.0 && terminal < 1.0,
       "be at least 0 and less than 1");
  below_1e6("sigma_min", o.sigma_min.value_or(1.0));
  below_1e6("sigma_max", o.sigma_max.value_or(1.0));
  below_1e6("sigma_data", o.sigma_data);
  must("rho", o.rho, o.rho >= 0.1 && o.rho <= 1000.0, "lie between 0.1 and 1000");
  must("clip_sample_range", clip, !has_clipping(o) || (clip > 0.0 && clip < 1e300),
       "be greater than 0 and finite");
  must("steps_offset", o.steps_offset, o.steps_offset >= 0, "be at least 0");
  below_1e6("flow_shift", o.flow_shift);
  below_1e6("snr_shift_scale", o.snr_shift_scale);
  below_1e6("timestep_scaling", o.timestep_scaling);
  below_1e6("scaler", o.scaler);
  must("s", o.s, o.s >= 0.0 && o.s <= 1.0, "lie between 0 and 1");
  must("eta", o.eta, o.eta >= 0.0 && o.eta <= 1.0, "lie between 0 and 1");
  must("s_noise", o.s_noise, o.s_noise >= 0.0 && o.s_noise < 1e6, "be at least 0 and below 1e6");
  must("sample_max_value", o.sample_max_value, o.sample_max_value > 0.0, "be greater than 0");
  must("dynamic_thresholding_ratio", ratio, ratio >= 0.0 && ratio <= 1.0, "lie between 0 and 1");
  curves(o);
}

/// Refuses, in strict mode, what diffusers runs and gets wrong.
inline void check_sound(const Options& o) {
  const auto own_betas = static_cast<int>(o.trained_betas.size());
  require(!has_betas(o.kind) || own_betas == 0 || own_betas == o.num_train_timesteps,
          "diffusers: trained_betas has ", own_betas, " entries and num_train_timesteps is ",
          o.num_train_timesteps, "; they must be equal");
  const bool lambda = steps_in_lambda(o.kind) || o.kind == Kind::edm_dpm_multistep;
  require(!(lambda && o.algorithm_type == "sde-dpmsolver++" && o.solver_order == 3),
          "diffusers: algorithm_type sde-dpmsolver++ of order 3 has a wrong sign in diffusers and "
          "is of first order; use solver_order 2, or dpm::DpmSolver{.order = 3, .tau = 1}");
  require(
      !(o.invert_sigmas && (o.stochastic_sampling || o.kind == Kind::flow_match_lcm)),
      "diffusers: ", class_name(o.kind),
      " with invert_sigmas takes noise for data in diffusers where it adds fresh noise, and ends "
      "with noise; use invert_sigmas or fresh noise alone");
  require(
      o.kind != Kind::ipndm,
      "diffusers: IPNDMScheduler starts at alpha = 0, where it takes the data for 0 whatever the "
      "model says; use a method in data space over its grid, such as dpm::UniPc, with "
      "dpm::Prediction::velocity");
  require(!(has_thresholding(o) && o.sample_max_value <= 1.0),
          "diffusers: thresholding with sample_max_value ", o.sample_max_value,
          " is plain clipping in diffusers; use a greater sample_max_value, or thresholding false "
          "and dpm::Clip or dpm::DynamicThresholding");
}

inline void check_options(const Options& o, Mode mode) {
  check_possible(o);
  if (mode == Mode::strict) check_sound(o);
  if (has_betas(o.kind)) (void)Table(o).timesteps_left(o);
  schedule_of(o);
}

}  // namespace dpm::diffusers::detail
