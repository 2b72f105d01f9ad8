// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Reads and writes a scheduler_config.json.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "dpm/interop/diffusers/config_text.hpp"
#include "dpm/interop/diffusers/options.hpp"

namespace dpm::diffusers::detail {

using Texts = std::initializer_list<std::string_view>;

/// Calls `visit(name, value)` for every option of the class, and for texts `visit(name, value,
/// allowed, replaced)`. Those replaced are values of other classes, for which diffusers takes the
/// first one allowed.
template <class Visit>
void visit_options(Options& o, Visit&& visit) {
  using enum Kind;
  const auto is = [kind = o.kind](auto... kinds) { return is_one_of(kind, kinds...); };
  // One option: whether the class has it, its name and its value.
  const auto field = [&](bool has, const char* name, auto& value) {
    if (has) visit(name, value);
  };
  const auto text = [&](bool has, const char* name, auto& value, Texts allowed,
                        Texts replaced = {}) {
    if (has) visit(name, value, allowed, replaced);
  };
  const bool betas = has_betas(o.kind);
  const bool lambda = steps_in_lambda(o.kind);
  const bool dpm = is(dpm_multistep, dpm_multistep_inverse, dpm_singlestep);
  const bool edm = is_edm(o.kind);
  const bool edm_dpm = is(edm_dpm_multistep);
  const bool cosine = is(cosine_dpm_multistep);
  const bool flow_match = is(flow_match_euler, flow_match_lcm);
  const bool distilled = is(lcm, tcd);
  const bool cogvideox = is(cogvideox_ddim, cogvideox_dpm);
  const bool has_spacing = betas && !is(dpm_singlestep) && !distilled;
  const bool thresholds = lambda || edm_dpm || distilled || is(ddim, ddpm);
  const bool clips = distilled || is(ddim, ddim_inverse, ddpm, heun);
  const bool has_curves = lambda || flow_match || (steps_in_sigma(o.kind) && !is(euler_ancestral));
  const bool shifts = is(dpm_multistep, dpm_singlestep, unipc, deis);
  const bool has_order = dpm || edm_dpm || cosine || is(unipc, deis);
  const bool has_sigma_range = edm || is(euler, unipc);

  field(!is(ddpm_wuerstchen), "num_train_timesteps", o.num_train_timesteps);
  field(betas, "beta_start", o.beta_start);
  field(betas, "beta_end", o.beta_end);
  text(betas && !is(ddpm, heun), "beta_schedule", o.beta_schedule,
       {"linear", "scaled_linear", "squaredcos_cap_v2"});
  text(is(ddpm), "beta_schedule", o.beta_schedule,
       {"linear", "scaled_linear", "squaredcos_cap_v2", "sigmoid", "laplace"});
  text(is(heun), "beta_schedule", o.beta_schedule,
       {"linear", "scaled_linear", "squaredcos_cap_v2", "exp"});
  field(betas, "trained_betas", o.trained_betas);
  field(distilled || cogvideox ||
            is(dpm_multistep, unipc, ddim, ddim_inverse, ddpm, euler, euler_ancestral),
        "rescale_betas_zero_snr", o.rescale_betas_zero_snr);
  field(cogvideox, "snr_shift_scale", o.snr_shift_scale);

  text(lambda, "prediction_type", o.prediction_type,
       {"epsilon", "sample", "v_prediction", "flow_prediction"});
  text(distilled || cogvideox || is(ddim, ddim_inverse, ddpm, euler, lms), "prediction_type",
       o.prediction_type, {"epsilon", "sample", "v_prediction"});
  text(edm || is(heun, pndm, euler_ancestral, kdpm2, kdpm2_ancestral, dpm_sde), "prediction_type",
       o.prediction_type, {"epsilon", "v_prediction"});
  field(dpm || is(sa_solver), "lambda_min_clipped", o.lambda_min_clipped);
  text(dpm || is(sa_solver), "variance_type", o.variance_type, {"", "learned", "learned_range"});
  text(is(ddpm), "variance_type", o.variance_type,
       {"fixed_small", "fixed_small_log", "fixed_large", "fixed_large_log", "learned",
        "learned_range"});
  field(thresholds, "thresholding", o.thresholding);
  field(thresholds, "dynamic_thresholding_ratio", o.dynamic_thresholding_ratio);
  field(thresholds, "sample_max_value", o.sample_max_value);
  field(clips, "clip_sample", o.clip_sample);
  field(clips, "clip_sample_range", o.clip_sample_range);
  field(cogvideox || is(ddim, ddim_inverse, pndm), "set_alpha_to_one", o.set_alpha_to_one);

  text(has_spacing && !is(ddim_inverse), "timestep_spacing", o.timestep_spacing,
       {"linspace", "leading", "trailing"});
  text(is(ddim_inverse), "timestep_spacing", o.timestep_spacing, {"leading", "trailing"});
  field(has_spacing, "steps_offset", o.steps_offset);
  text(edm || is(dpm_multistep, dpm_singlestep, unipc, euler), "final_sigmas_type",
       o.final_sigmas_type, {"zero", "sigma_min"});
  field(has_curves, "use_karras_sigmas", o.use_karras_sigmas);
  field(has_curves, "use_exponential_sigmas", o.use_exponential_sigmas);
  field(has_curves, "use_beta_sigmas", o.use_beta_sigmas);
  field(is(dpm_multistep), "use_lu_lambdas", o.use_lu_lambdas);
  field(lambda, "use_flow_sigmas", o.use_flow_sigmas);
  field(lambda, "flow_shift", o.flow_shift);
  field(shifts || flow_match, "use_dynamic_shifting", o.use_dynamic_shifting);
  text(shifts, "time_shift_type", o.time_shift_type, {"exponential"});

  field(has_order, "solver_order", o.solver_order);
  field(has_order || is(sa_solver), "lower_order_final", o.lower_order_final);
  text(is(dpm_multistep, dpm_multistep_inverse), "algorithm_type", o.algorithm_type,
       {"dpmsolver++", "dpmsolver", "sde-dpmsolver", "sde-dpmsolver++"}, {"deis"});
  text(is(dpm_singlestep), "algorithm_type", o.algorithm_type,
       {"dpmsolver++", "dpmsolver", "sde-dpmsolver++"}, {"deis"});
  text(edm_dpm, "algorithm_type", o.algorithm_type, {"dpmsolver++", "sde-dpmsolver++"}, {"deis"});
  text(is(deis), "algorithm_type", o.algorithm_type, {"deis"}, {"dpmsolver", "dpmsolver++"});
  text(is(sa_solver), "algorithm_type", o.algorithm_type, {"data_prediction", "noise_prediction"});
  text(dpm || edm_dpm || cosine, "solver_type", o.solver_type, {"midpoint", "heun"},
       {"logrho", "bh1", "bh2"});
  text(is(unipc), "solver_type", o.solver_type, {"bh2", "bh1"}, {"midpoint", "heun", "logrho"});
  text(is(deis), "solver_type", o.solver_type, {"logrho"}, {"midpoint", "heun", "bh1", "bh2"});
  field(edm_dpm || cosine || is(dpm_multistep, dpm_multistep_inverse), "euler_at_final",
        o.euler_at_final);
  field(is(unipc), "predict_x0", o.predict_x0);
  field(is(unipc), "disable_corrector", o.disable_corrector);
  field(is(sa_solver), "predictor_order", o.predictor_order);
  field(is(sa_solver), "corrector_order", o.corrector_order);
  field(is(pndm), "skip_prk_steps", o.skip_prk_steps);

  field(has_sigma_range, "sigma_min", o.sigma_min);
  field(has_sigma_range, "sigma_max", o.sigma_max);
  field(edm, "sigma_data", o.sigma_data);
  text(edm, "sigma_schedule", o.sigma_schedule, {"karras", "exponential"});
  field(edm, "rho", o.rho);
  text(is(euler), "interpolation_type", o.interpolation_type, {"linear", "log_linear"});
  text(is(euler), "timestep_type", o.timestep_type, {"discrete", "continuous"});
  field(flow_match || is(flow_match_heun), "shift", o.shift);
  text(flow_match, "time_shift_type", o.time_shift_type, {"exponential", "linear"});
  field(flow_match || is(unipc), "shift_terminal", o.shift_terminal);
  field(flow_match, "invert_sigmas", o.invert_sigmas);
  field(is(flow_match_euler), "stochastic_sampling", o.stochastic_sampling);

  field(distilled, "original_inference_steps", o.original_inference_steps);
  field(is(lcm), "timestep_scaling", o.timestep_scaling);
  field(is(ltx_euler_ancestral), "eta", o.eta);
  field(is(ltx_euler_ancestral), "s_noise", o.s_noise);
  field(is(ddpm_wuerstchen), "scaler", o.scaler);
  field(is(ddpm_wuerstchen), "s", o.s);
}

/// Every key that some class has, and keys without effect on the result: notes of diffusers,
/// options of classes that are not understood here, and options that pipelines read.
inline std::set<std::string> known_keys() {
  std::set<std::string> known;
  const auto add = [&known](const auto*... names) { (known.emplace(names), ...); };
  add("_class_name", "timestep_values", "tensor_format", "_diffusers_version",
      "_use_default_values", "_name_or_path", "_commit_hash", "base_image_seq_len", "base_shift",
      "max_image_seq_len", "max_shift", "upscale_mode", "scale_factors", "use_timestep_alignment",
      "noise_sampler_seed", "s_churn", "s_noise", "s_tmin", "s_tmax", "clip_model_output", "order",
      "use_noise_sampler", "set_alpha_to_zero", "solver_p", "tau_func");
  for (const auto& [kind, name] : class_names) {
    Options options = options_of(kind);
    visit_options(options, [&add](const char* key, auto&&...) { add(key); });
  }
  return known;
}

/// A number, or the text "Infinity" or "-Infinity", for which JSON has no number.
inline std::optional<double> as_number(const json& value) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (value.is_number() && !std::isnan(value.get<double>())) return value.get<double>();
  if (value == "Infinity") return infinity;
  if (value == "-Infinity") return -infinity;
  return std::nullopt;
}

/// Refuses the value of an option unless it is `allowed`, which is said in words.
inline void require_value(bool allowed, const char* key, const json& value, const char* words) {
  if (!allowed) refuse({"diffusers: ", key, " is ", shown(value), "; it must be ", words});
}

/// These read the value of an option, each of one type, or refuse it.
inline void read(const char* key, const json& value, bool& target) {
  require_value(value.is_boolean() || value.is_null(), key, value, "true or false");
  target = value.is_boolean() && value.get<bool>();
}
inline void read(const char* key, const json& value, int& target) {
  require_value(value.is_number_integer() && std::abs(value.get<double>()) < 1e9, key, value,
                "a whole number below 1e9");
  target = value.get<int>();
}
inline void read(const char* key, const json& value, double& target) {
  if (value.is_null() && std::isinf(target)) return;
  const auto number = as_number(value);
  require_value(number.has_value(), key, value, "a number");
  target = *number;
}
inline void read(const char* key, const json& value, std::optional<double>& target) {
  target = as_number(value);
  require_value(target.has_value() || value.is_null(), key, value, "a number or null");
}
inline void read(const char* key, const json& value, std::vector<double>& target) {
  if (value.is_null()) return;
  require_value(value.is_array(), key, value, "a list of numbers or null");
  target.clear();
  for (const json& entry : value) read(key, entry, target.emplace_back());
}
inline void read(const char* key, const json& value, std::vector<int>& target) {
  if (value.is_null()) return;
  require_value(value.is_array(), key, value, "a list of whole numbers or null");
  target.clear();
  for (const json& entry : value) read(key, entry, target.emplace_back());
}
inline void read(const char* key, const json& value, std::string& target, Texts allowed,
                 Texts replaced) {
  const auto is_in = [&target](Texts texts) {
    return std::find(texts.begin(), texts.end(), target) != texts.end();
  };
  const bool is_text = value.is_string() || value.is_null();
  target = value.is_string() ? value.get<std::string>() : "";
  if (is_text && is_in(replaced)) target = *allowed.begin();
  if (is_text && is_in(allowed)) return;
  std::string names = "one of ";
  for (const auto name : allowed) {
    names += (name == *allowed.begin() ? "" : ", ") + (name.empty() ? "null" : std::string(name));
  }
  require_value(false, key, value, names.c_str());
}

/// Reads the options of the class that `_class_name` names. Refuses, by name, keys that no class
/// of diffusers has, and values that the class does not allow.
inline Options read_options(const json& config) {
  require(config.is_object(), "diffusers: the configuration is ", config.type_name(),
          "; it must be an object");
  const auto name = config.find("_class_name");
  require(name != config.end() && name->is_string(),
          "diffusers: the configuration has no text _class_name; it must name the scheduler");
  Options options = options_of(kind_of(name->get<std::string>()));
  const std::set<std::string> known = known_keys();
  for (const auto& entry : config.items()) {
    require(known.contains(entry.key()), "diffusers: the key ", shortened(entry.key()), " of ",
            class_name(options.kind), " is not known; remove it if it cannot change the result");
  }
  for (const char* key : {"solver_p", "tau_func"}) {
    require(!config.contains(key) || config[key].is_null(), "diffusers: ", key,
            " holds code; it must be null");
  }
  if (config.contains("scale_factors")) {
    require(
        config["scale_factors"].is_null(),
        "diffusers: scale_factors resizes the sample between steps, which a plan cannot; it must "
        "be null");
  }
  if (options.kind == Kind::ipndm && config.contains("trained_betas")) {
    require(
        config["trained_betas"].is_null(),
        "diffusers: trained_betas of IPNDMScheduler are sigmas of one number of steps; they must "
        "be null, and dpm::Ipndm{} runs over a grid of your own");
  }
  visit_options(options, [&config](const char* key, auto& target, const auto&... choices) {
    if (const auto at = config.find(key); at != config.end()) read(key, *at, target, choices...);
  });
  return options;
}

/// Refuses, in strict mode, an option that the class lacks although the model needs it.
inline void check_absent_options(const json& config, Kind kind, Mode mode) {
  const auto shifting = config.find("use_dynamic_shifting");
  require(
      mode == Mode::compatible || kind != Kind::flow_match_heun || shifting == config.end() ||
          *shifting != true,
      "diffusers: FlowMatchHeunDiscreteScheduler has no use_dynamic_shifting and keeps its shift "
      "whatever the picture's size; remove the key and set shift to e^mu");
}

/// The options of a class as a configuration.
inline json write_options(Options options) {
  json config = json::object();
  config["_class_name"] = class_name(options.kind);
  visit_options(options, [&config](const char* key, const auto& value, const auto&... /*choices*/) {
    using Value = std::decay_t<decltype(value)>;
    if constexpr (std::is_same_v<Value, double>) {
      // JSON has no number for infinity.
      const bool is_default = key == std::string_view("lambda_min_clipped") && value < 0.0;
      if (!std::isinf(value)) config[key] = value;
      if (std::isinf(value) && !is_default) config[key] = value > 0.0 ? "Infinity" : "-Infinity";
    } else if constexpr (std::is_same_v<Value, std::optional<double>>) {
      config[key] = value ? json(*value) : json();
    } else if constexpr (std::is_same_v<Value, bool> || std::is_same_v<Value, int> ||
                         std::is_same_v<Value, std::vector<int>>) {
      config[key] = value;
    } else {
      config[key] = value.empty() ? json() : json(value);
    }
  });
  return config;
}

/// Options that were set by hand, checked and completed as those of a file are.
inline Options read_again(const Options& options) { return read_options(write_options(options)); }

}  // namespace dpm::diffusers::detail
