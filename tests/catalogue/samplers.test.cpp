// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The rows of samplers: what they declare, their options and what they refuse.
#include "dpm/catalogue/samplers.hpp"

#include <cmath>
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "support/catch.hpp"
#include "support/named_plans.hpp"
#include "support/refused.hpp"

namespace samplers_test {

using namespace dpm_test;
using dpm::Plan;
using dpm::Prediction;
using dpm::Sampler;
using dpm::SamplerOptions;

namespace {

dpm::Grid karras(int steps) {
  return make_grid(dpm::KarrasSigma{}, dpm::as_other_programs_read(table_schedule), steps);
}

Plan plan_of(const std::string& name, const SamplerOptions& options = {}, int steps = 24) {
  return make_plan(dpm::sampler_by_name(name), karras(steps), Prediction::noise, options);
}

/// Whether the options are taken, by which the plan must change; false where they are refused.
bool takes(const Sampler& sampler, const SamplerOptions& options, const dpm::Grid& grid,
           const SamplerOptions& usual = {}) {
  std::optional<Plan> plan;
  try {
    plan = make_plan(sampler, grid, std::nullopt, options);
  } catch (const dpm::InvalidArgument&) {
    return false;
  }
  CAPTURE(sampler.name);
  CHECK(*plan != make_plan(sampler, grid, std::nullopt, usual));
  return true;
}

bool takes(const Sampler& sampler, const SamplerOptions& options) {
  return takes(sampler, options, karras(24));
}

dpm::Grid simple_flow(int steps) { return make_grid(dpm::SimpleTable{}, flow_schedule, steps); }

Plan flow_plan(const std::string& name, const SamplerOptions& options = {}, int steps = 24) {
  return make_plan(dpm::sampler_by_name(name), simple_flow(steps), Prediction::flow, options);
}

std::set<std::string> samplers_that_take(const SamplerOptions& options) {
  std::set<std::string> names;
  for (const Sampler& sampler : dpm::samplers()) {
    if (takes(sampler, options)) names.insert(sampler.name);
  }
  return names;
}

}  // namespace

TEST_CASE("Every sampler makes as many calls a step as its row says") {
  for (const Sampler& sampler : dpm::samplers()) {
    CAPTURE(sampler.name);
    const int calls = make_plan(sampler, karras(60)).model_calls();
    // Ends save calls; PLMS has one more at its start.
    CHECK(calls <= 60 * sampler.model_calls_a_step() + 1);
    CHECK(calls >= 60 * sampler.model_calls_a_step() - 3);
  }
}

TEST_CASE("Every sampler draws noise where its row says so and nowhere else") {
  for (const Sampler& sampler : dpm::samplers()) {
    CAPTURE(sampler.name);
    CHECK((make_plan(sampler, karras(24)).draws() > 0) == sampler.draws_noise());
  }
}

TEST_CASE("Every sampler states its order but for those that have none") {
  for (const Sampler& sampler : dpm::samplers()) {
    CAPTURE(sampler.name);
    const bool of_distilled_models = sampler.name == "lcm" || sampler.name == "tcd";
    const bool starts_elsewhere = std::holds_alternative<dpm::ErSde>(sampler.method) ||
                                  std::holds_alternative<dpm::CfgPlusPlus>(sampler.method);
    CHECK(sampler.order() >= (of_distilled_models || starts_elsewhere ? 0 : 1));
    CHECK(sampler.order() <= 4);
    CHECK_FALSE(sampler.code.empty());
  }
}

TEST_CASE("The scheduler that a sampler is used with is one of the list") {
  for (const Sampler& sampler : dpm::samplers()) {
    CHECK(dpm::scheduler_by_name(sampler.scheduler).name == sampler.scheduler);
  }
}

TEST_CASE("DPM adaptive is refused with what to use in its place") {
  for (const char* const name : {"dpm_adaptive", "DPM adaptive", "sample_dpm_adaptive"}) {
    CAPTURE(name);
    refused([&] { (void)dpm::sampler_by_name(name); },
            "sampler_by_name: DPM adaptive finds its steps on the way, so it is no plan; give what "
            "adaptive_by_name returns to sample_adaptive or AdaptiveRun");
  }
}

TEST_CASE("The second version of DPM++ 2M is refused with what to use in its place") {
  for (const char* const name : {"dpm++2mv2", "DPM++ 2M v2", "k_dpmpp_2m_v2"}) {
    CAPTURE(name);
    refused([&] { (void)dpm::sampler_by_name(name); },
            "sampler_by_name: dpm++2mv2 is not exact even for a constant data prediction; use "
            "dpmpp_2m");
    REQUIRE_THROWS_WITH(dpm::plan_by_name(name, table_schedule, 20), mentions("use dpmpp_2m"));
  }
}

TEST_CASE("A class of diffusers is refused, as its configuration says which sampler it is") {
  for (const char* const name :
       {"EulerDiscreteScheduler", "DPMSolverSinglestepScheduler", "LCMScheduler", "TCDScheduler",
        "UniPCMultistepScheduler", "KDPM2DiscreteScheduler", "dpmsolver_multistep_scheduler",
        "DPMSolverMultistep", "UniPCMultistep", "FlowMatchEulerDiscrete"}) {
    CAPTURE(name);
    const std::string sentence =
        std::string("_by_name: ") + name +
        " is a class of diffusers; its scheduler_config.json says its options and timesteps: read "
        "it by dpm::diffusers::Scheduler";
    refused([&] { (void)dpm::sampler_by_name(name); }, "sampler" + sentence);
    refused([&] { (void)dpm::plan_by_name(name, table_schedule, 20); }, "plan" + sentence);
  }
}

TEST_CASE("The family of DPM-Solver is refused with the names of its samplers") {
  for (const char* const name : {"DPM-Solver++", "dpm_solver", "DPM Solver++ Karras"}) {
    CAPTURE(name);
    refused([&] { (void)dpm::plan_by_name(name, table_schedule, 20); },
            std::string("plan_by_name: ") + name +
                " is a family of samplers; dpmpp_2m is DPM-Solver++ as most programs have it, and "
                "dpmpp_2m_sde, dpmpp_sde and dpmpp_2s_ancestral draw noise");
  }
}

TEST_CASE("Two words for one sampler make equal plans") {
  CHECK(plan_of("euler") == plan_of("ddim"));
  CHECK(plan_of("ddim_trailing") == plan_of("ddim"));
  CHECK(plan_of("euler_a") == plan_of("Euler a"));
  CHECK(plan_of("lms") == plan_of("ipndm_v"));
  CHECK(plan_of("dpmpp_sde_gpu") == plan_of("dpmpp_sde"));
}

TEST_CASE("Eta is taken by the samplers that share a step between solver and draw") {
  CHECK(samplers_that_take({.eta = 0.5}) ==
        std::set<std::string>{"euler_ancestral", "euler_ancestral_cfg_pp", "exp_heun_2_x0_sde",
                              "dpm_fast", "dpm_2_ancestral", "dpmpp_2s_ancestral",
                              "dpmpp_2s_ancestral_cfg_pp", "dpmpp_sde", "dpmpp_2m_sde",
                              "dpmpp_2m_sde_heun", "dpmpp_3m_sde", "res_multistep_ancestral",
                              "res_multistep_ancestral_cfg_pp", "seeds_2", "seeds_3", "ddim",
                              "ddim_trailing", "tcd"});
}

TEST_CASE("A factor on the noise is taken by the samplers that draw it") {
  std::set<std::string> drawing;  // TCD's and DDPM's have none in their programs
  for (const Sampler& sampler : dpm::samplers()) {
    if (sampler.draws_noise() && sampler.name != "tcd" && sampler.name != "ddpm")
      drawing.insert(sampler.name);
  }
  CHECK(samplers_that_take({.s_noise = 0.9}) == drawing);
}

TEST_CASE("Churn is taken by the samplers that have it in k-diffusion") {
  CHECK(samplers_that_take({.churn = {.amount = 5.0}}) ==
        std::set<std::string>{"euler", "heun", "heunpp2", "dpm_2"});
}

TEST_CASE("No sampler takes an option in silence on a table or on a flow") {
  for (const Sampler& sampler : dpm::samplers()) {
    CAPTURE(sampler.name);
    for (const dpm::Grid& grid : {karras(24), simple_flow(24)}) {
      if (sampler.name == "restart" && grid.front().alpha() == 0.0) continue;
      const SamplerOptions eta{.eta = 0.5};
      const bool has_eta = takes(sampler, eta, grid);
      CHECK(has_eta == takes(sampler, eta));
      const bool has_scale = takes(sampler, {.s_noise = 0.9}, grid);
      CHECK(has_scale == takes(sampler, {.s_noise = 0.9}));
      // Together with what makes a sampler draw noise the factor on it is taken.
      if (has_eta) {
        const bool beside_eta = takes(sampler, {.eta = 0.5, .s_noise = 0.9}, grid, eta);
        CHECK(beside_eta == (sampler.name != "tcd"));
      }
      const SamplerOptions churn{.churn = {.amount = 5.0, .most = 10.0}, .as_coded = true};
      const SamplerOptions coded{.as_coded = true};
      if (takes(sampler, churn, grid, coded)) {
        SamplerOptions scaled = churn;
        scaled.s_noise = 0.9;
        CHECK(takes(sampler, scaled, grid, churn));
      }
    }
  }
}

TEST_CASE("Beside churn s_noise is the factor on the draws of churn") {
  for (const char* const name : {"euler", "heun", "heunpp2", "dpm_2"}) {
    CAPTURE(name);
    CHECK(plan_of(name, {.s_noise = 1.003, .churn = {.amount = 5.0}}) ==
          plan_of(name, {.churn = {.amount = 5.0, .scale = 1.003}}));
  }
  refused([] { (void)plan_of("euler", {.s_noise = 1.1, .churn = {.amount = 5.0, .scale = 0.9}}); },
          "euler: s_noise = 1.1 and churn.scale = 0.9; both are the factor on the draws of churn, "
          "so give one of them");
}

TEST_CASE("An option that a sampler does not have is refused with what to write instead") {
  const auto wrong = [](const char* name, const SamplerOptions& options,
                        const std::string& sentence) {
    CAPTURE(name);
    refused([&] { (void)plan_of(name, options); }, sentence);
  };
  const std::string none = "; this sampler has none, so leave it out";
  wrong("heun", {.eta = 0.5}, "heun: eta = 0.5" + none);
  wrong("er_sde", {.eta = 0.5}, "er_sde: eta = 0.5" + none);
  wrong("er_sde", {.eta = 0.5, .s_noise = 0.9}, "er_sde: eta = 0.5" + none);
  wrong("euler", {.eta = 0.5}, "euler: eta = 0.5" + none + " or take euler_ancestral");
  wrong("euler", {.eta = 0.0}, "euler: eta = 0" + none + " or take euler_ancestral");
  wrong("euler_cfg_pp", {.eta = 1.0},
        "euler_cfg_pp: eta = 1" + none + " or take euler_ancestral_cfg_pp");
  wrong("dpm_2", {.eta = 1.0}, "dpm_2: eta = 1" + none + " or take dpm_2_ancestral");
  wrong("dpmpp_2m", {.eta = 1.0}, "dpmpp_2m: eta = 1" + none + " or take dpmpp_2m_sde");
  wrong("exp_heun_2_x0", {.eta = 1.0},
        "exp_heun_2_x0: eta = 1" + none + " or take exp_heun_2_x0_sde");
  wrong("exp_heun_2_x0", {.s_noise = 0.5}, "exp_heun_2_x0: s_noise = 0.5" + none);
  wrong("dpmpp_2m", {.s_noise = 0.5}, "dpmpp_2m: s_noise = 0.5" + none);
  wrong("tcd", {.eta = 0.5, .s_noise = 0.9}, "tcd: s_noise = 0.9" + none);
  const std::string with_eta =
      "; this sampler draws noise with eta alone, so set eta or leave it out";
  wrong("dpm_fast", {.s_noise = 0.9}, "dpm_fast: s_noise = 0.9" + with_eta);
  wrong("ddim", {.s_noise = 0.9}, "ddim: s_noise = 0.9" + with_eta);
  const std::string with_churn =
      "; this sampler draws noise with churn alone, so set churn.amount or leave it out";
  wrong("euler", {.s_noise = 0.9}, "euler: s_noise = 0.9" + with_churn);
  wrong("heun", {.s_noise = 0.9}, "heun: s_noise = 0.9" + with_churn);
  const std::string no_churn =
      ": churn.amount = 5; this sampler has no churn; euler, heun, heunpp2 and dpm_2 have it";
  wrong("euler_a", {.churn = {.amount = 5.0}}, "euler_ancestral" + no_churn);
  wrong("ddim", {.churn = {.amount = 5.0}}, "ddim" + no_churn);
  wrong("ddim", {.eta = 0.5, .churn = {.amount = 5.0}}, "ddim" + no_churn);
  wrong("lms", {.churn = {.amount = 5.0}}, "lms" + no_churn);
}

TEST_CASE("Options out of range are refused") {
  refused([] { (void)plan_of("euler_a", {.eta = -0.5}); },
          "euler_ancestral: eta = -0.5; it must be at least 0");
  refused([] { (void)plan_of("dpmpp_2m_sde", {.eta = not_a_number}); },
          "dpmpp_2m_sde: eta = nan; it must be at least 0");
  for (const char* const name : {"euler_a", "dpmpp_2m_sde", "dpmpp_sde", "seeds_2", "er_sde", "lcm",
                                 "ddpm", "sa_solver", "dpmpp_2s_ancestral", "restart"}) {
    CAPTURE(name);
    REQUIRE_THROWS_AS(plan_of(name, {.s_noise = -1.0}), dpm::InvalidArgument);
    REQUIRE_THROWS_AS(plan_of(name, {.s_noise = not_a_number}), dpm::InvalidArgument);
  }
  REQUIRE_THROWS_AS(plan_of("euler", {.churn = {.amount = -1.0}}), dpm::InvalidArgument);
  REQUIRE_THROWS_AS(plan_of("tcd", {.eta = 1.5}), dpm::InvalidArgument);
}

TEST_CASE("A sampler without noise takes a factor on it together with eta") {
  for (const char* const name : {"ddim", "ddim_trailing", "dpm_fast"}) {
    CAPTURE(name);
    const Plan plan = plan_of(name, {.eta = 0.5, .s_noise = 0.9});
    CHECK(plan.draws() > 0);
    CHECK(plan != plan_of(name, {.eta = 0.5}));
  }
  CHECK(plan_of("euler_ancestral", {.eta = 0.0, .s_noise = 0.9}) == plan_of("euler"));
}

TEST_CASE("Eta 0 leaves the solver alone") {
  CHECK(plan_of("euler_ancestral", {.eta = 0.0}) == plan_of("euler"));
  CHECK(plan_of("dpmpp_2m_sde", {.eta = 0.0}) == plan_of("dpmpp_2m"));
  CHECK(plan_of("dpmpp_2m_sde_heun", {.eta = 0.0}) == plan_of("res_multistep"));
  CHECK(plan_of("res_multistep_ancestral", {.eta = 0.0}) == plan_of("res_multistep"));
  CHECK(plan_of("dpm_2_ancestral", {.eta = 0.0}) == plan_of("dpm_2"));
  CHECK(plan_of("exp_heun_2_x0_sde", {.eta = 0.0}) == plan_of("exp_heun_2_x0"));
  CHECK(plan_of("euler_ancestral_cfg_pp", {.eta = 0.0}) == plan_of("euler_cfg_pp"));
  CHECK(plan_of("ddim", {.eta = 1.0}) == plan_of("euler_ancestral"));
  CHECK(plan_of("dpm_fast", {.eta = 0.0, .s_noise = 0.5}) == plan_of("dpm_fast"));
  CHECK(plan_of("ddim", {.eta = 0.0, .s_noise = 0.5}) == plan_of("ddim"));
  for (const char* const name : {"dpmpp_sde", "dpmpp_3m_sde", "seeds_2", "seeds_3", "tcd"}) {
    CAPTURE(name);
    CHECK(plan_of(name, {.eta = 0.0}).draws() == 0);
  }
}

TEST_CASE("Eta of an SDE sampler is the share of the noise that k-diffusion means by it") {
  // x_t = ... + sigma_t sqrt(1 - e^(-2 eta h)) z: the last weight of the first step.
  const double eta = 0.4;
  const dpm::Grid grid = karras(24);
  const Plan plan = plan_of("dpmpp_2m_sde", {.eta = eta});
  const double h = grid[1].lambda() - grid[0].lambda();
  const auto& step = std::get<dpm::Combine>(plan.steps[0].instructions.back());
  double found = 0.0;
  for (std::size_t j = 0; j < step.operands.size(); ++j) {
    if (step.operands[j] == dpm::noise_register) found = step.weight(0, j);
  }
  CHECK_THAT(found, WithinRel(grid[1].sigma() * std::sqrt(-std::expm1(-2.0 * eta * h)), 1e-12));
}

TEST_CASE("The factor on the noise scales each draw and nothing else") {
  for (const Sampler& sampler : dpm::samplers()) {
    if (!takes(sampler, {.s_noise = 0.5})) continue;
    CAPTURE(sampler.name);
    const auto usual = affine_end(make_plan(sampler, karras(24)));
    const auto halved =
        affine_end(make_plan(sampler, karras(24), Prediction::noise, {.s_noise = 0.5}));
    CHECK_THAT(halved.start(0), WithinAbs(usual.start(0), 1e-12));
    CHECK_THAT(halved.one(0), WithinAbs(usual.one(0), 1e-12));
    for (std::size_t k = 0; k < usual.draws(0).size(); ++k) {
      CHECK_THAT(halved.draws(0)[k], WithinAbs(0.5 * usual.draws(0)[k], 1e-12));
    }
  }
}

TEST_CASE("Churn draws at the levels between its ends") {
  const Plan all = plan_of("euler", {.churn = {.amount = 5.0}});
  CHECK(all.draws() == 24);
  const Plan some = plan_of("euler", {.churn = {.amount = 5.0, .least = 0.5, .most = 5.0}});
  int between = 0;
  const dpm::Grid grid = karras(24);
  for (const dpm::Level& level : grid.levels().first(24)) {
    const double sigma = std::exp(-level.lambda());
    between += sigma >= 0.5 && sigma <= 5.0 ? 1 : 0;
  }
  CHECK(some.draws() == between);
}

TEST_CASE("As coded changes the samplers whose programs do not do what was meant") {
  std::set<std::string> changed;
  for (const Sampler& sampler : dpm::samplers()) {
    const Plan coded = make_plan(sampler, karras(24), Prediction::noise, {.as_coded = true});
    if (coded != make_plan(sampler, karras(24))) changed.insert(sampler.name);
  }
  CHECK(changed == std::set<std::string>{"dpmpp_2s_ancestral_cfg_pp", "ipndm_v", "deis",
                                         "res_multistep_ancestral",
                                         "res_multistep_ancestral_cfg_pp", "uni_pc", "uni_pc_bh2"});
}

TEST_CASE("UniPC as coded ends at sigma 0.001 and else where the grid ends") {
  CHECK(plan_of("uni_pc").end().sigma() == 0.0);
  const Plan coded = plan_of("uni_pc", {.as_coded = true});
  CHECK_THAT(std::exp(-coded.end().lambda()), WithinRel(0.001, 1e-12));
  CHECK(coded.model_calls() == plan_of("uni_pc").model_calls());
}

TEST_CASE("A grid that is made takes no denoise") {
  refused([] { (void)plan_of("euler", {.denoise = 0.5}); },
          "make_plan: denoise = 0.5 for a grid that is made already; take a part of it by "
          "Grid::from, or plan_by_name");
}

TEST_CASE("DPM fast makes as many calls as steps and ends above sigma 0") {
  for (const int steps : {2, 3, 4, 5, 6, 7, 24}) {
    CAPTURE(steps);
    const Plan plan = plan_of("dpm_fast", {}, steps);
    CHECK(plan.model_calls() == steps);
    const dpm::Grid grid = karras(steps);
    CHECK(plan.end() == grid[grid.steps() - 1]);
  }
  refused([] { (void)plan_of("dpm_fast", {}, 1); },
          "dpm_fast: it is given 1 steps; it needs two levels with 0 < sigma and alpha > 0");
}

TEST_CASE("DPM fast draws the noise of flows on a flow, and as coded that of k-diffusion") {
  const SamplerOptions fresh{.eta = 0.7};
  const Plan meant = flow_plan("dpm_fast", fresh, 9);
  const Plan coded = flow_plan("dpm_fast", {.eta = 0.7, .as_coded = true}, 9);
  CHECK(coded != meant);
  CHECK(flow_plan("dpm_fast", {.as_coded = true}, 9) == flow_plan("dpm_fast", {}, 9));
  // k-diffusion's step from s to t in the flow's sigma, read as that of alpha = 1: it goes down to
  // d, no further than to the end, and adds sqrt(t^2 - d^2).
  const dpm::Grid grid = simple_flow(9);
  const double first = grid[0].sigma();
  const double last = grid[grid.steps() - 1].sigma();
  for (std::size_t i = 0; i + 1 < coded.steps.size(); ++i) {
    CAPTURE(i);
    const double s = coded.steps[i].from.sigma();
    const double t = coded.steps[i].to.sigma();
    CHECK_THAT(s, WithinRel(first * std::pow(last / first, double(i) / 4.0), 1e-9));
    const double up = std::min(t, 0.7 * std::sqrt(t * t * (s * s - t * t) / (s * s)));
    const double down = std::max(last, std::sqrt(t * t - up * up));
    const auto& step = std::get<dpm::Combine>(coded.steps[i].instructions.back());
    double found = 0.0;
    for (std::size_t j = 0; j < step.operands.size(); ++j) {
      if (step.operands[j] == dpm::noise_register) found = step.weight(0, j);
    }
    CHECK_THAT(found, WithinRel(std::sqrt(t * t - down * down), 1e-9));
  }
  // The samples spread as the data does where the noise is that of flows.
  const auto too_wide = [](const SamplerOptions& options) {
    const Plan plan = flow_plan("dpm_fast", options, 120);
    return end_of(plan).stddev / spread_at(plan.end()).stddev;
  };
  CHECK_THAT(too_wide({.eta = 0.7}), WithinAbs(1.0, 0.03));
  CHECK(too_wide({.eta = 0.7, .as_coded = true}) > 1.2);
}

TEST_CASE("Restart is Heun below 20 steps and keeps the number of steps above") {
  CHECK(plan_of("restart", {}, 19) == plan_of("heun", {}, 19));
  for (const int steps : {20, 35, 36, 60}) {
    CAPTURE(steps);
    CHECK(plan_of("restart", {}, steps).model_calls() == plan_of("heun", {}, steps).model_calls());
    CHECK(plan_of("restart", {}, steps).draws() == (steps < 36 ? 1 : 2));
  }
}

TEST_CASE("SA-Solver draws between a fifth and four fifths of the model's times") {
  const Plan plan = plan_of("sa_solver");
  const dpm::Grid grid = karras(24);
  int between = 0;
  for (std::size_t i = 0; i < 24; ++i) {
    // ComfyUI's percent_to_sigma at 0.2 and 0.8, to the digits that were recorded.
    const double sigma = std::exp(-grid[i + 1].lambda());
    between += sigma <= 5.0924 && sigma >= 0.57119 ? 1 : 0;
  }
  CHECK(plan.draws() == between);
}

TEST_CASE("A flow is refused any prediction but its own") {
  const dpm::Grid grid = make_grid(dpm::SimpleTable{}, flow_schedule, 8);
  refused([&] { (void)make_plan(dpm::sampler_by_name("euler"), grid, Prediction::velocity); },
          "euler: the schedule is a flow's and the prediction is velocity; give "
          "Prediction::flow");
}

TEST_CASE("Restart and churn are refused on a flow, churn unless as coded") {
  const dpm::Grid grid = make_grid(dpm::SimpleTable{}, flow_schedule, 24);
  refused([&] { (void)make_plan(dpm::sampler_by_name("restart"), grid, Prediction::flow); },
          "restart: this sampler adds noise in a way that has no form for flows; take heun");
  SamplerOptions options{.churn = {.amount = 5.0}};
  refused([&] { (void)make_plan(dpm::sampler_by_name("euler"), grid, Prediction::flow, options); },
          "euler: churn.amount = 5 on a flow, where other programs add the noise and leave too "
          "much of the data; it must be 0, or set as_coded");
  options.as_coded = true;
  CHECK(make_plan(dpm::sampler_by_name("euler"), grid, Prediction::flow, options).draws() > 0);
}

}  // namespace samplers_test
