// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The two translations of a diffusers configuration: the plan that reproduces it, and the
/// library's own method over its grid. They agree for every class and every option, except where
/// `reason_of` says why not.
#include <cmath>
#include <map>
#include <string>
#include <type_traits>
#include <vector>

#include "dpm/interop/diffusers.hpp"
#include "support/catch.hpp"
#include "support/refused.hpp"
#include "support/test_network.hpp"

namespace diffusers_method_test {

using namespace dpm_test;
using dpm::diffusers::Kind;
using dpm::diffusers::Options;
using dpm::diffusers::Run;
using dpm::diffusers::Scheduler;
using nlohmann::json;
using State = std::vector<double>;

namespace {

/// Other values than the default for the options that are numbers or lists.
std::vector<json> values_of(const std::string& key) {
  static const std::map<std::string, std::vector<json>> values{
      {"num_train_timesteps", {400}},
      {"beta_start", {0.001}},
      {"beta_end", {0.015}},
      {"trained_betas", {json(dpm::sigmoid_betas(1000, 1e-4, 0.02))}},
      {"lambda_min_clipped", {-5.0}},
      {"dynamic_thresholding_ratio", {0.9}},
      {"sample_max_value", {1.5}},
      {"clip_sample_range", {0.7}},
      {"steps_offset", {1}},
      {"flow_shift", {3.0}},
      {"solver_order", {1, 2, 3}},
      {"disable_corrector", {{0}, {0, 2}}},
      {"predictor_order", {1, 3}},
      {"corrector_order", {1, 3}},
      {"sigma_min", {0.05}},
      {"sigma_max", {30.0}},
      {"sigma_data", {1.0}},
      {"rho", {5.0}},
      {"shift", {3.0}},
      {"shift_terminal", {0.1}},
      {"original_inference_steps", {100}},
      {"timestep_scaling", {5.0}},
      {"snr_shift_scale", {1.0}},
      {"eta", {0.5}},
      {"s_noise", {1.1}},
      {"scaler", {0.5, 2.0}},
      {"s", {0.02}}};
  const auto at = values.find(key);
  if (at == values.end()) FAIL("the option " << key << " has no values to try");
  return at->second;
}

/// Every option of the class with every value to try.
std::vector<std::pair<std::string, json>> changes_of(Kind kind) {
  std::vector<std::pair<std::string, json>> changes;
  Options options = dpm::diffusers::options_of(kind);
  dpm::diffusers::detail::visit_options(
      options, [&](const char* key, const auto& value, const auto&... choices) {
        if constexpr (sizeof...(choices) > 0) {
          const auto add = [&](const auto& allowed, const auto& /*replaced*/) {
            for (const auto text : allowed) {
              changes.emplace_back(key, text.empty() ? json() : json(std::string(text)));
            }
          };
          add(choices...);
        } else if constexpr (std::is_same_v<std::decay_t<decltype(value)>, bool>) {
          changes.emplace_back(key, !value);
        } else {
          for (const json& other : values_of(key)) changes.emplace_back(key, other);
        }
      });
  return changes;
}

/// What the changes are made to.
const std::vector<json> bases{
    json::object(),
    {{"clip_sample", false}},
    {{"clip_sample", false}, {"final_sigmas_type", "sigma_min"}, {"thresholding", true}},
    {{"final_sigmas_type", "sigma_min"}, {"algorithm_type", "dpmsolver"}},
    {{"use_flow_sigmas", true}, {"prediction_type", "flow_prediction"}},
    {{"use_karras_sigmas", true}, {"solver_order", 3}}};

json config_of(Kind kind, const json& base, const std::string& key, const json& value) {
  json config{{"_class_name", std::string(class_name(kind))}};
  Options options = dpm::diffusers::options_of(kind);
  dpm::diffusers::detail::visit_options(options, [&](const char* known, const auto&...) {
    if (base.contains(known)) config[known] = base[known];
  });
  config[key] = value;
  // Thresholding alone clips, which strict mode refuses.
  if (config.value("thresholding", false)) config["sample_max_value"] = 1.5;
  return config;
}

/// Why plan and method differ, if they may.
std::string reason_of(const Scheduler& scheduler, const Run& run, const dpm::Plan& plan) {
  const Options& o = scheduler.options();
  const int n = run.steps;
  if (o.kind == Kind::sa_solver) return "SASolver weighs and draws otherwise";
  if (o.kind == Kind::pndm && o.prediction_type == "v_prediction") {
    return "PNDM converts v_prediction after mixing";
  }
  if (o.kind == Kind::deis && o.lower_order_final && n < 15 && o.solver_order > 1) {
    return "DEIS lowers its order at the end";
  }
  if (o.kind == Kind::dpm_singlestep && n % o.solver_order != 0) {
    return "DPMSolverSinglestep has blocks that do not fill the grid";
  }
  const bool ddim = o.kind == Kind::ddim || o.kind == Kind::ddim_inverse || o.kind == Kind::tcd;
  if (ddim && scheduler.corrects() && !run.use_clipped_model_output) {
    return "DDIM keeps the noise of the prediction before it was corrected";
  }
  if (o.kind == Kind::pndm && !o.skip_prk_steps && o.num_train_timesteps / n % 2 == 1) {
    return "PNDM rounds the timestep in the middle of a step";
  }
  // There the first step takes all but 5e-8 of the noise's variance.
  if (o.kind == Kind::kdpm2_ancestral && o.beta_schedule == "squaredcos_cap_v2" && n < 10) {
    return "ancestral steps lose digits where they take nearly all the noise";
  }
  if (o.kind == Kind::lms) return "LMSDiscrete extrapolates in its last step, to sigma 0";
  if (o.kind == Kind::cogvideox_dpm) return "CogVideoXDPM draws twice in a step";
  if (o.kind == Kind::ddpm_wuerstchen) return "DDPMWuerstchen adds no noise in its last step";
  for (const dpm::Step* step : {&plan.steps.front(), &plan.steps.back()}) {
    if (std::abs(step->to.lambda() - step->from.lambda()) < 1e-12) return "a step has no length";
  }
  return "";
}

/// @param sign  -1: the model's output with its sign changed.
State run_plan(const dpm::Plan& plan, const Scheduler& scheduler, double sign = 1.0) {
  State x = test_start();
  dpm::RunOptions<State> options;
  options.noise = [](State& z, const dpm::NoiseRequest& request) { test_draw(z, request); };
  if (scheduler.corrects()) options.correction = scheduler.correction(4);
  dpm::sample(
      plan,
      [sign](const State& at, double timestep, State& out) {
        test_network(at, timestep / 1000.0, out);
        for (double& value : out) value *= sign;
      },
      x, options);
  return x;
}

struct Counts {
  std::map<std::string, int> differences;  // by reason
};

/// Whether both make the same calls and draws and the same samples. diffusers also draws in a last
/// step to sigma 0, where the noise has no weight.
bool agree(const dpm::Plan& own, const dpm::Plan& plan, const Scheduler& scheduler) {
  const double sign = scheduler.options().invert_sigmas ? -1.0 : 1.0;
  const int unused = plan.end().sigma() == 0.0 && own.draws() < plan.draws() ? 1 : 0;
  return own.model_calls() == plan.model_calls() && own.draws() + unused == plan.draws() &&
         relative_difference(run_plan(own, scheduler, sign), run_plan(plan, scheduler)) < 1e-9;
}

void compare(const Scheduler& scheduler, const Run& run, Counts& counts) {
  dpm::diffusers::Method method;
  dpm::Plan plan;
  try {
    plan = scheduler.make_plan(run);
    method = scheduler.method(run);
  } catch (const dpm::InvalidArgument&) {
    return;
  }
  const auto correction = scheduler.corrects() ? dpm::Correction::data : dpm::Correction::none;
  // With invert_sigmas the model predicts minus the flow.
  const auto prediction =
      scheduler.options().invert_sigmas ? dpm::Prediction::flow : scheduler.prediction();
  const auto own = [&] {
    return dpm::diffusers::make_plan(method, scheduler.grid(run), prediction, correction);
  };
  const std::string reason = reason_of(scheduler, run, plan);
  if (reason.empty()) {
    CHECK(agree(own(), plan, scheduler));
    return;
  }
  bool same = false;
  try {
    same = agree(own(), plan, scheduler);
  } catch (const dpm::InvalidArgument&) {
  }
  counts.differences[reason] += same ? 0 : 1;
}

}  // namespace

TEST_CASE("plan and method over the grid agree for every class and every option") {
  Counts counts;
  for (const auto& [kind, name] : dpm::diffusers::class_names) {
    for (const auto& [key, value] : changes_of(kind)) {
      bool accepted = false;
      for (const json& base : bases) {
        const json config = config_of(kind, base, key, value);
        INFO(config.dump().substr(0, 400));
        try {
          (void)Scheduler::from_json(config);
        } catch (const dpm::InvalidArgument&) {
          continue;
        }
        accepted = true;
        const Scheduler scheduler = Scheduler::from_json(config);
        for (const int steps : {8, 20}) {
          INFO(steps << " steps");
          Run run{.steps = steps};
          if (scheduler.options().use_dynamic_shifting) run.mu = 0.8;
          compare(scheduler, run, counts);
          if (kind != Kind::ddim) continue;
          run.eta = 0.5;
          run.use_clipped_model_output = true;
          compare(scheduler, run, counts);
        }
      }
      INFO(name << " " << key << " " << value.dump().substr(0, 100));
      const bool never = kind == Kind::ipndm || (kind == Kind::ddpm && key == "variance_type") ||
                         (kind == Kind::cosine_dpm_multistep && value == 3) ||
                         (kind == Kind::flow_match_lcm && key == "invert_sigmas");
      CHECK((accepted || never));
    }
  }
  // Each exception is needed.
  for (const char* reason :
       {"SASolver weighs and draws otherwise", "PNDM converts v_prediction after mixing",
        "DEIS lowers its order at the end",
        "DPMSolverSinglestep has blocks that do not fill the grid",
        "DDIM keeps the noise of the prediction before it was corrected",
        "PNDM rounds the timestep in the middle of a step", "a step has no length",
        "ancestral steps lose digits where they take nearly all the noise",
        "LMSDiscrete extrapolates in its last step, to sigma 0",
        "CogVideoXDPM draws twice in a step", "DDPMWuerstchen adds no noise in its last step"}) {
    INFO(reason);
    CHECK(counts.differences[reason] > 0);
  }
  CHECK(counts.differences.size() == 11);
}

TEST_CASE("options that no method of the library has are refused by the method and not the plan") {
  const Scheduler heun(dpm::diffusers::options_of(Kind::flow_match_heun));
  REQUIRE(heun.make_plan(8).model_calls() == 15);
  REQUIRE_THROWS_WITH(heun.method(8), mentions("FlowMatchHeunDiscreteScheduler has no method"));

  Options unipc = dpm::diffusers::options_of(Kind::unipc);
  unipc.disable_corrector = {0, 2};
  REQUIRE_THROWS_WITH(
      Scheduler(unipc).method(8),
      mentions("UniPCMultistepScheduler with disable_corrector for 2 of 8 steps has no method"));
  unipc.disable_corrector = {0, 1, 2, 3, 4, 5, 6};  // the last of 8 steps has none
  const Scheduler all_off(unipc);
  REQUIRE(!std::get<dpm::UniPc>(all_off.method(8)).corrector);
  Counts counts;
  compare(all_off, {.steps = 8}, counts);
  const auto plain = Scheduler(dpm::diffusers::options_of(Kind::unipc));
  REQUIRE(relative_difference(run_plan(all_off.make_plan(8), all_off),
                              run_plan(plain.make_plan(8), plain)) > 1e-3);
}

}  // namespace diffusers_method_test
