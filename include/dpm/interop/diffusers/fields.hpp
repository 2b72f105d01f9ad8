// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Which options each diffusers class has.
#pragma once

#include <initializer_list>
#include <string_view>

#include "dpm/interop/diffusers/options.hpp"

namespace dpm::diffusers::detail {

/// The values that a text option may have.
struct Choices {
  std::initializer_list<std::string_view> allowed;
  /// Values of other classes, which diffusers replaces by the first one allowed.
  std::initializer_list<std::string_view> replaced = {};
};

/// Shows a visitor every option that the class has: `field(name, value)`, and the choices of texts.
template <class Field>
void visit_options(Options& o, Field&& field) {
  const Kind k = o.kind;
  const auto is = [k](auto... kinds) { return ((k == kinds) || ...); };
  const bool lambda = steps_in_lambda(k);
  const bool dpm = is(Kind::dpm_multistep, Kind::dpm_multistep_inverse, Kind::dpm_singlestep);
  const bool edm = k == Kind::edm_dpm_multistep;
  const bool euler_or_heun = is(Kind::euler, Kind::heun);
  const bool ancestral = is(Kind::ddim, Kind::ddpm);
  field("num_train_timesteps", o.num_train_timesteps);
  if (has_betas(k)) {
    field("beta_start", o.beta_start);
    field("beta_end", o.beta_end);
    const Choices tables{{"linear", "scaled_linear", "squaredcos_cap_v2"}};
    const Choices ddpm_tables{
        {"linear", "scaled_linear", "squaredcos_cap_v2", "sigmoid", "laplace"}};
    const Choices heun_tables{{"linear", "scaled_linear", "squaredcos_cap_v2", "exp"}};
    field("beta_schedule", o.beta_schedule,
          k == Kind::ddpm   ? ddpm_tables
          : k == Kind::heun ? heun_tables
                            : tables);
    field("trained_betas", o.trained_betas);
  }
  if (is(Kind::dpm_multistep, Kind::unipc, Kind::ddim, Kind::ddim_inverse, Kind::ddpm,
         Kind::euler)) {
    field("rescale_betas_zero_snr", o.rescale_betas_zero_snr);
  }
  if (dpm || k == Kind::sa_solver) field("lambda_min_clipped", o.lambda_min_clipped);

  if (k != Kind::flow_match_euler) {
    const Choices with_flow{{"epsilon", "sample", "v_prediction", "flow_prediction"}};
    const Choices plain{{"epsilon", "sample", "v_prediction"}};
    const Choices no_sample{{"epsilon", "v_prediction"}};
    field("prediction_type", o.prediction_type,
          lambda                              ? with_flow
          : is(Kind::heun, Kind::pndm) || edm ? no_sample
                                              : plain);
  }
  if (dpm || k == Kind::sa_solver) {
    field("variance_type", o.variance_type, Choices{{"", "learned", "learned_range"}});
  }
  if (k == Kind::ddpm) {
    field("variance_type", o.variance_type,
          Choices{{"fixed_small", "fixed_small_log", "fixed_large", "fixed_large_log", "learned",
                   "learned_range"}});
  }
  if (lambda || edm || ancestral) {
    field("thresholding", o.thresholding);
    field("dynamic_thresholding_ratio", o.dynamic_thresholding_ratio);
    field("sample_max_value", o.sample_max_value);
  }
  if (ancestral || is(Kind::ddim_inverse, Kind::heun)) {
    field("clip_sample", o.clip_sample);
    field("clip_sample_range", o.clip_sample_range);
  }
  if (is(Kind::ddim, Kind::ddim_inverse, Kind::pndm)) field("set_alpha_to_one", o.set_alpha_to_one);

  if (has_betas(k) && k != Kind::dpm_singlestep) {
    const Choices all{{"linspace", "leading", "trailing"}};
    const Choices no_linspace{{"leading", "trailing"}};
    field("timestep_spacing", o.timestep_spacing, k == Kind::ddim_inverse ? no_linspace : all);
    field("steps_offset", o.steps_offset);
  }
  if (is(Kind::dpm_multistep, Kind::dpm_singlestep, Kind::unipc, Kind::euler) || edm) {
    field("final_sigmas_type", o.final_sigmas_type, Choices{{"zero", "sigma_min"}});
  }
  if (lambda || euler_or_heun || k == Kind::flow_match_euler) {
    field("use_karras_sigmas", o.use_karras_sigmas);
    field("use_exponential_sigmas", o.use_exponential_sigmas);
    field("use_beta_sigmas", o.use_beta_sigmas);
  }
  if (k == Kind::dpm_multistep) field("use_lu_lambdas", o.use_lu_lambdas);
  if (lambda) {
    field("use_flow_sigmas", o.use_flow_sigmas);
    field("flow_shift", o.flow_shift);
  }
  if (is(Kind::dpm_multistep, Kind::dpm_singlestep, Kind::unipc, Kind::deis)) {
    field("use_dynamic_shifting", o.use_dynamic_shifting);
    field("time_shift_type", o.time_shift_type, Choices{{"exponential"}});
  }

  if (dpm || edm || is(Kind::unipc, Kind::deis)) {
    field("solver_order", o.solver_order);
    field("lower_order_final", o.lower_order_final);
  }
  if (dpm || edm) {
    const Choices multistep{{"dpmsolver++", "dpmsolver", "sde-dpmsolver", "sde-dpmsolver++"},
                            {"deis"}};
    const Choices singlestep{{"dpmsolver++", "dpmsolver", "sde-dpmsolver++"}, {"deis"}};
    const Choices data_only{{"dpmsolver++", "sde-dpmsolver++"}, {"deis"}};
    field("algorithm_type", o.algorithm_type,
          edm                         ? data_only
          : k == Kind::dpm_singlestep ? singlestep
                                      : multistep);
    field("solver_type", o.solver_type, Choices{{"midpoint", "heun"}, {"logrho", "bh1", "bh2"}});
    if (k != Kind::dpm_singlestep) field("euler_at_final", o.euler_at_final);
  }
  if (k == Kind::unipc) {
    field("predict_x0", o.predict_x0);
    field("solver_type", o.solver_type, Choices{{"bh2", "bh1"}, {"midpoint", "heun", "logrho"}});
    field("disable_corrector", o.disable_corrector);
    field("shift_terminal", o.shift_terminal);
  }
  if (k == Kind::deis) {
    field("algorithm_type", o.algorithm_type, Choices{{"deis"}, {"dpmsolver", "dpmsolver++"}});
    field("solver_type", o.solver_type, Choices{{"logrho"}, {"midpoint", "heun", "bh1", "bh2"}});
  }
  if (k == Kind::sa_solver) {
    field("predictor_order", o.predictor_order);
    field("corrector_order", o.corrector_order);
    field("lower_order_final", o.lower_order_final);
    field("algorithm_type", o.algorithm_type, Choices{{"data_prediction", "noise_prediction"}});
  }
  if (k == Kind::pndm) field("skip_prk_steps", o.skip_prk_steps);

  if (edm || is(Kind::euler, Kind::unipc)) {
    field("sigma_min", o.sigma_min);
    field("sigma_max", o.sigma_max);
  }
  if (edm) {
    field("sigma_data", o.sigma_data);
    field("sigma_schedule", o.sigma_schedule, Choices{{"karras", "exponential"}});
    field("rho", o.rho);
  }
  if (k == Kind::euler) {
    field("interpolation_type", o.interpolation_type, Choices{{"linear", "log_linear"}});
    field("timestep_type", o.timestep_type, Choices{{"discrete", "continuous"}});
  }
  if (k == Kind::flow_match_euler) {
    field("shift", o.shift);
    field("use_dynamic_shifting", o.use_dynamic_shifting);
    field("time_shift_type", o.time_shift_type, Choices{{"exponential", "linear"}});
    field("shift_terminal", o.shift_terminal);
    field("invert_sigmas", o.invert_sigmas);
    field("stochastic_sampling", o.stochastic_sampling);
  }
}

}  // namespace dpm::diffusers::detail
