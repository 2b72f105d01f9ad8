// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// diffusers' scheduler_config.json: what is read, what is refused, and the way back.
#include <functional>
#include <string>
#include <vector>

#include "dpm/interop/diffusers.hpp"
#include "support/catch.hpp"

namespace diffusers_config_test {

using namespace dpm_test;
using dpm::diffusers::Kind;
using dpm::diffusers::Mode;
using dpm::diffusers::Options;
using dpm::diffusers::Run;
using dpm::diffusers::Scheduler;
using nlohmann::json;

namespace {

json config_of(const std::string& name, const json& more = json::object()) {
  json config = more;
  config["_class_name"] = name;
  return config;
}

void refused(const json& config, const std::string& part, Mode mode = Mode::strict) {
  INFO(config.dump());
  REQUIRE_THROWS_AS(Scheduler::from_json(config, mode), dpm::InvalidArgument);
  REQUIRE_THROWS_WITH(Scheduler::from_json(config, mode), mentions(part));
}

void run_refused(const Scheduler& scheduler, const Run& run, const std::string& part) {
  INFO(part);
  REQUIRE_THROWS_AS(scheduler.make_plan(run), dpm::InvalidArgument);
  REQUIRE_THROWS_WITH(scheduler.make_plan(run), mentions(part));
}

}  // namespace

TEST_CASE("every class of diffusers is read with its defaults, makes a plan and is written back") {
  for (const auto& [kind, name] : dpm::diffusers::class_names) {
    CAPTURE(name);
    // Strict mode refuses IPNDM for where it starts.
    const Mode mode = kind == Kind::ipndm ? Mode::compatible : Mode::strict;
    const auto scheduler = Scheduler::from_json(config_of(std::string(name)), mode);
    REQUIRE(scheduler.options() == dpm::diffusers::options_of(kind));
    const json written = scheduler.to_json();
    REQUIRE(written["_class_name"] == std::string(name));
    REQUIRE(Scheduler::from_json(written, mode).options() == scheduler.options());
    const dpm::Plan plan = scheduler.make_plan(10);
    REQUIRE(plan == Scheduler::from_json(written, mode).make_plan(10));
    REQUIRE(scheduler.timesteps(10).size() == plan.steps.size());
    REQUIRE(plan.model_calls() == static_cast<int>(plan.steps.size()));
  }
}

TEST_CASE("options that are not the default come back as they were") {
  const json config =
      config_of("UniPCMultistepScheduler", {{"solver_order", 3},
                                            {"solver_type", "bh1"},
                                            {"predict_x0", false},
                                            {"final_sigmas_type", "sigma_min"},
                                            {"disable_corrector", {0, 1}},
                                            {"num_train_timesteps", 4},
                                            {"trained_betas", {0.01, 0.02, 0.03, 0.04}},
                                            {"sigma_min", 0.05}});
  const auto scheduler = Scheduler::from_json(config);
  const json written = scheduler.to_json();
  for (const auto& entry : config.items()) REQUIRE(written[entry.key()] == entry.value());
  REQUIRE(written["sigma_max"].is_null());
  refused(config_of("DDIMScheduler", {{"trained_betas", {0.1, 0.2}}}),
          "trained_betas has 2 entries and num_train_timesteps is 1000");
}

TEST_CASE("Python's infinities are read from a file's text") {
  const std::string text =
      R"({"_class_name": "DPMSolverMultistepScheduler", "lambda_min_clipped": -Infinity,
          "_diffusers_version": "0.30 \" -Infinity"})";
  const auto scheduler = Scheduler::from_text(text);
  REQUIRE(scheduler.options().lambda_min_clipped == -std::numeric_limits<double>::infinity());
  REQUIRE(!scheduler.to_json().contains("lambda_min_clipped"));
  REQUIRE_THROWS_WITH(Scheduler::from_text("{"), mentions("the text is not JSON; give the file"));
}

TEST_CASE("keys that no class knows are refused by name, those of other classes are accepted") {
  refused(config_of("DDIMScheduler", {{"clip_smaple", true}}), "the key clip_smaple of DDIM");
  refused(json::object({{"beta_start", 0.1}}), "_class_name");
  refused(json::array(), "it must be an object");
  refused(config_of("MyScheduler"), "_class_name is MyScheduler; it must be one of DPMSolver");
  for (const auto& [name, instead] : dpm::diffusers::detail::classes_not_read) {
    refused(config_of(std::string(name)),
            std::string(name) + ", which is not read; instead, " + std::string(instead));
  }
  const auto scheduler = Scheduler::from_json(
      config_of("DDIMScheduler",
                {{"skip_prk_steps", true}, {"_diffusers_version", "0.2"}, {"solver_order", 2}}));
  REQUIRE(scheduler.options() == dpm::diffusers::options_of(Kind::ddim));
}

TEST_CASE("values that a class does not have are refused by name") {
  const std::string dpm_name = "DPMSolverMultistepScheduler";
  refused(config_of(dpm_name, {{"solver_order", 4}}),
          "solver_order of DPMSolverMultistepScheduler is 4");
  refused(config_of(dpm_name, {{"solver_order", 2.5}}), "solver_order is 2.5; it must be a whole");
  refused(
      config_of(dpm_name, {{"beta_schedule", "sigmoid"}}),
      "beta_schedule is \"sigmoid\"; it must be one of linear, scaled_linear, squaredcos_cap_v2");
  refused(config_of(dpm_name, {{"use_karras_sigmas", "yes"}}), "it must be true or false");
  refused(config_of(dpm_name, {{"beta_end", "0.1"}}), "beta_end is \"0.1\"; it must be a number");
  refused(config_of(dpm_name, {{"beta_end", 0.00001}}), "it must not be greater than beta_end");
  refused(config_of(dpm_name, {{"beta_end", 1.5}}), "beta_end is 1.5");
  refused(config_of(dpm_name, {{"trained_betas", "x"}}), "it must be a list of numbers");
  refused(config_of(dpm_name, {{"num_train_timesteps", 2}, {"trained_betas", {0.1, 2.0}}}),
          "betas[1]");
  refused(config_of(dpm_name, {{"prediction_type", "v_prediction"}, {"use_flow_sigmas", true}}),
          "as if alpha^2 + sigma^2 were 1");
  refused(config_of(dpm_name, {{"num_train_timesteps", 0}}), "num_train_timesteps is 0");
  refused(config_of(dpm_name, {{"prediction_type", "flow"}}), "prediction_type is \"flow\"");
  refused(config_of(dpm_name, {{"prediction_type", "flow_prediction"}}), "needs use_flow_sigmas");
  refused(config_of(dpm_name, {{"steps_offset", -1}}), "steps_offset is -1");
  refused(config_of(dpm_name, {{"use_karras_sigmas", true}, {"use_beta_sigmas", true}}),
          "at most one may be");
  refused(config_of(dpm_name, {{"lambda_min_clipped", 9.0}}), "lambda_min_clipped is 9");
  refused(config_of(dpm_name, {{"dynamic_thresholding_ratio", 2.0}}), "dynamic_thresholding_ratio");
  refused(config_of(dpm_name, {{"algorithm_type", "dpmsolver"}}),
          "use final_sigmas_type sigma_min");
  refused(config_of("UniPCMultistepScheduler", {{"solver_p", "x"}}), "solver_p holds code");
  refused(config_of("HeunDiscreteScheduler", {{"prediction_type", "sample"}}), "prediction_type");
  refused(config_of("DDPMScheduler", {{"variance_type", "learned_range"}}), "learned_range");
  refused(config_of("EDMDPMSolverMultistepScheduler", {{"sigma_min", 90.0}}), "sigma_min must be");
  refused(config_of("FlowMatchEulerDiscreteScheduler", {{"shift", 0.0}}), "shift must be");
}

TEST_CASE("values of other classes become the class's own, as in diffusers") {
  const auto dpm_from_unipc = Scheduler::from_json(config_of(
      "DPMSolverMultistepScheduler", {{"solver_type", "bh2"}, {"algorithm_type", "deis"}}));
  REQUIRE(dpm_from_unipc.options().solver_type == "midpoint");
  REQUIRE(dpm_from_unipc.options().algorithm_type == "dpmsolver++");
  const auto unipc_from_dpm =
      Scheduler::from_json(config_of("UniPCMultistepScheduler", {{"solver_type", "midpoint"}}));
  REQUIRE(unipc_from_dpm.options().solver_type == "bh2");
}

TEST_CASE("runs that a class cannot do are refused") {
  const Scheduler ddim(dpm::diffusers::options_of(Kind::ddim));
  run_refused(ddim, {}, "steps = 0 and no timesteps or sigmas, so there is nothing to do");
  run_refused(ddim, {.steps = 5, .timesteps = {3, 2}}, "a run is given 2");
  run_refused(ddim, {.steps = 1001}, "must not be greater than num_train_timesteps");
  run_refused(ddim, {.steps = -1}, "steps = -1");
  run_refused(ddim, {.timesteps = {500.0}}, "DDIMScheduler takes no timesteps");
  run_refused(ddim, {.steps = 10, .eta = -1.0}, "eta = -1");
  run_refused(ddim, {.steps = 10, .eta = 3.0}, "more noise than there is");
  const Scheduler dpm_solver(dpm::diffusers::options_of(Kind::dpm_multistep));
  run_refused(dpm_solver, {.steps = 10, .eta = 1.0}, "only DDIMScheduler and TCDScheduler have it");
  run_refused(dpm_solver, {.timesteps = {5.0, 7.0}}, "timesteps[1] = 7");
  run_refused(dpm_solver, {.timesteps = {1000.0}}, "timesteps[0] = 1000");
  run_refused(dpm_solver, {.sigmas = {1.0}}, "takes no sigmas");
  run_refused(dpm_solver, {.steps = 2000}, "the same sigma twice");
  run_refused(dpm_solver, {.steps = 10, .mu = 1.0}, "use_dynamic_shifting is off");
  const Scheduler pndm(dpm::diffusers::options_of(Kind::pndm));
  run_refused(pndm, {.steps = 3}, "it must be at least 4");
  Options flow = dpm::diffusers::options_of(Kind::flow_match_euler);
  flow.use_dynamic_shifting = true;
  run_refused(Scheduler(flow), {.steps = 4}, "mu is missing");
  run_refused(Scheduler(dpm::diffusers::options_of(Kind::flow_match_euler)), {.sigmas = {1.5}},
              "a flow's sigma is 1.5");
}

TEST_CASE("corrections come with the configuration that asks for them, and with no other") {
  const Scheduler none(dpm::diffusers::options_of(Kind::dpm_multistep));
  REQUIRE(!none.corrects());
  REQUIRE_THROWS_WITH(none.correction(), mentions("there is no correction to make"));
  const Scheduler clipped(dpm::diffusers::options_of(Kind::ddpm));
  REQUIRE(clipped.corrects());
  std::vector<double> data{-3.0, 0.5};
  clipped.correction()(data, dpm::Level{});
  REQUIRE(data == std::vector<double>{-1.0, 0.5});
  REQUIRE(clipped.make_plan(10).corrections() == 10);
}

TEST_CASE("init_noise_sigma is 1, except for Euler, Heun and EDM, where the first sigma makes it") {
  const auto factor = [](Kind kind, const std::string& spacing = "linspace") {
    Options options = dpm::diffusers::options_of(kind);
    options.timestep_spacing = spacing;
    return Scheduler(options).init_noise_sigma(10);
  };
  const double most = Scheduler(dpm::diffusers::options_of(Kind::euler)).sigmas(10)[0];
  REQUIRE(factor(Kind::unipc) == 1.0);
  REQUIRE(factor(Kind::euler) == most);
  REQUIRE(factor(Kind::euler, "leading") > 1.0);
  REQUIRE_THAT(factor(Kind::edm_dpm_multistep), WithinRel(std::sqrt(6401.0), 1e-15));
}

}  // namespace diffusers_config_test
