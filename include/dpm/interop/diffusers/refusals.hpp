// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Which diffusers configurations are refused.
#pragma once

#include <string_view>
#include <utility>

#include "dpm/error.hpp"
#include "dpm/interop/diffusers/levels.hpp"
#include "dpm/interop/diffusers/spacings.hpp"
#include "dpm/interop/diffusers/table.hpp"

namespace dpm::diffusers::detail {

inline void check_orders(const Options& o) {
  const auto check_order = [&](const char* name, int order, int most) {
    require(order >= 1 && order <= most, "diffusers: ", name, " of ", class_name(o.kind), " is ",
            order, "; it must be 1 to ", most);
  };
  if (o.kind == Kind::sa_solver) {
    check_order("predictor_order", o.predictor_order, 4);
    check_order("corrector_order", o.corrector_order, 4);
  } else if (steps_in_lambda(o.kind) || o.kind == Kind::edm_dpm_multistep) {
    check_order("solver_order", o.solver_order, o.kind == Kind::unipc ? 4 : 3);
  }
}

/// Refuses, in both modes, what diffusers cannot run.
inline void check_possible(const Options& o) {
  const bool noise_space = space_of(o) == Space::noise;
  require(!(is_one_of(o.kind, Kind::dpm_multistep, Kind::dpm_singlestep) && noise_space &&
            o.final_sigmas_type == "zero"),
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
  require(!(o.kind == Kind::unipc && !o.lower_order_final && o.final_sigmas_type == "zero" &&
            o.solver_order > 1),
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
      !(o.kind == Kind::unipc && o.solver_type == "bh1" && o.final_sigmas_type == "zero"),
      "diffusers: UniPCMultistepScheduler with solver_type bh1 and final_sigmas_type zero gives "
      "NaN in diffusers; use bh2, or sigma_min");
  require(o.num_train_timesteps >= 1 && o.num_train_timesteps <= 1'000'000,
          "diffusers: num_train_timesteps is ", o.num_train_timesteps,
          "; it must lie between 1 and 1000000");
  require(!o.shift_terminal || (*o.shift_terminal >= 0.0 && *o.shift_terminal < 1.0),
          "diffusers: shift_terminal is ", o.shift_terminal.value_or(0.0),
          "; it must be at least 0 and less than 1");
  for (const auto& [name, sigma] :
       {std::pair{"sigma_min", o.sigma_min}, std::pair{"sigma_max", o.sigma_max}}) {
    require(!sigma || (*sigma > 0.0 && *sigma < 1e6), "diffusers: ", name, " is ",
            sigma.value_or(0.0), "; it must be greater than 0 and less than 1e6");
  }
  require(o.rho >= 0.1 && o.rho <= 1000.0, "diffusers: rho is ", o.rho,
          "; it must lie between 0.1 and 1000");
  require(!has_clipping(o) || (o.clip_sample_range > 0.0 && o.clip_sample_range < 1e300),
          "diffusers: clip_sample_range is ", o.clip_sample_range,
          "; it must be greater than 0 and finite");
  require(o.steps_offset >= 0, "diffusers: steps_offset is ", o.steps_offset,
          "; it must be at least 0");
  require(o.flow_shift > 0.0 && o.flow_shift < 1e6, "diffusers: flow_shift is ", o.flow_shift,
          "; it must be greater than 0 and less than 1e6");
  require(o.sample_max_value > 0.0, "diffusers: sample_max_value is ", o.sample_max_value,
          "; it must be greater than 0");
  require(o.dynamic_thresholding_ratio >= 0.0 && o.dynamic_thresholding_ratio <= 1.0,
          "diffusers: dynamic_thresholding_ratio is ", o.dynamic_thresholding_ratio,
          "; it must lie between 0 and 1");
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
  require(!(has_thresholding(o) && o.sample_max_value <= 1.0),
          "diffusers: thresholding with sample_max_value ", o.sample_max_value,
          " is plain clipping in diffusers; use a greater sample_max_value, or thresholding false "
          "and dpm::Clip or dpm::DynamicThresholding");
}

inline void check_options(const Options& o, Mode mode) {
  check_orders(o);
  check_possible(o);
  if (mode == Mode::strict) check_sound(o);
  if (has_betas(o.kind)) Table(o).clipped_entries(o.lambda_min_clipped);
  schedule_of(o);
}

}  // namespace dpm::diffusers::detail
