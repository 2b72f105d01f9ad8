// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Plans by name: joined and apart, options, and every sampler over every scheduler.
#include "dpm/catalogue/plan_by_name.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "dpm/catalogue/names.hpp"
#include "support/catch.hpp"
#include "support/named_plans.hpp"
#include "support/refused.hpp"

namespace plan_by_name_test {

using namespace dpm_test;
using dpm::AnySchedule;
using dpm::Plan;
using dpm::plan_by_name;
using dpm::Prediction;
using dpm::Sampler;
using dpm::Scheduler;

namespace {

template <class Row>
std::vector<std::string> names_of_row(const Row& row) {
  return dpm::detail::names_of(std::span(&row, 1));
}

/// The plan, or the sentence that refuses it.
struct Outcome {
  std::optional<Plan> plan = std::nullopt;
  std::string refusal = {};
};

template <class Make>
Outcome outcome_of(Make make) {
  try {
    return {.plan = make()};
  } catch (const dpm::InvalidArgument& error) {
    return {.refusal = error.what()};
  }
}

/// Calls check(sampler, scheduler, outcome) for every pair.
template <class Check>
void for_each_pair(const AnySchedule& schedule, int steps, Check check) {
  for (const Sampler& sampler : dpm::samplers()) {
    for (const Scheduler& scheduler : dpm::schedulers()) {
      CAPTURE(sampler.name, scheduler.name, steps);
      check(sampler, scheduler, outcome_of([&] {
              return plan_by_name(sampler.name, scheduler.name, schedule, steps);
            }));
    }
  }
}

double distance_of(const Plan& plan) {
  const Spread end = end_of(plan);
  const Spread exact = spread_at(plan.end());
  return std::max(std::abs(end.mean - exact.mean), std::abs(end.stddev - exact.stddev));
}

/// Whether the pair's plans end above sigma = 0.
bool ends_above_zero(const Sampler& sampler, const Scheduler& scheduler) {
  return sampler.name == "dpm_fast" || scheduler.name == "kl_optimal_a1111";
}

/// Consistency models: on another model than theirs they go nowhere.
bool is_of_distilled_models(const Sampler& sampler) {
  return sampler.name == "lcm" || sampler.name == "tcd";
}

void check_refusals(const AnySchedule& schedule, const std::map<std::string, int>& expected) {
  std::map<std::string, int> found;
  for_each_pair(schedule, 20, [&](const Sampler&, const Scheduler&, const Outcome& made) {
    if (!made.plan) ++found[made.refusal.substr(0, made.refusal.find(':'))];
  });
  CHECK(found == expected);
}

}  // namespace

TEST_CASE("Joined names are the same plan as names apart for every name of both") {
  const AnySchedule small = dpm::DiscreteSchedule(dpm::linear_betas(100, 1e-3, 0.2));
  for_each_pair(small, 3,
                [&](const Sampler& sampler, const Scheduler& scheduler, const Outcome& apart) {
                  for (const std::string& first : names_of_row(sampler)) {
                    for (const std::string& second : names_of_row(scheduler)) {
                      CAPTURE(first, second);
                      const Outcome joined =
                          outcome_of([&] { return plan_by_name(first + " " + second, small, 3); });
                      CHECK(joined.plan == apart.plan);
                      CHECK(joined.refusal == apart.refusal);
                    }
                  }
                });
  CHECK(plan_by_name("DPM++ 2M Karras", table_schedule, 20) ==
        plan_by_name("dpmpp_2m", "karras", table_schedule, 20));
  CHECK(plan_by_name("k_dpmpp_2m_sgm_uniform", table_schedule, 20) ==
        plan_by_name("DPM++ 2M", "SGM Uniform", table_schedule, 20));
}

TEST_CASE("A name that begins with another sampler's is split where a scheduler follows") {
  CHECK(plan_by_name("Euler AYS", table_schedule, 10) ==
        plan_by_name("euler", "ays", table_schedule, 10));
  CHECK(plan_by_name("Euler a AYS", table_schedule, 10) ==
        plan_by_name("euler_ancestral", "ays", table_schedule, 10));
  CHECK(plan_by_name("DPM2 Align Your Steps", table_schedule, 10) ==
        plan_by_name("dpm_2", "ays_a1111", table_schedule, 10));
  CHECK(plan_by_name("DDIM DDIM", table_schedule, 10) ==
        plan_by_name("ddim", "ddim_uniform", table_schedule, 10));
}

TEST_CASE("A scheduler alone is refused, also where it reads as a sampler and a scheduler") {
  CHECK(plan_by_name("DDIM Uniform", table_schedule, 10) ==
        plan_by_name("ddim", "normal", table_schedule, 10));
  CHECK(plan_by_name("euler ddim_uniform", table_schedule, 10) ==
        plan_by_name("euler", "ddim_uniform", table_schedule, 10));
  for (const char* const name : {"ddim_uniform", "DDIM_Uniform", "ddim-uniform", "ddimuniform",
                                 "karras", "SGM Uniform", "ays", "Automatic"}) {
    CAPTURE(name);
    const std::string sentence = std::string("plan_by_name: \"") + name +
                                 "\" is the name of a scheduler; write a sampler before it, as "
                                 "\"euler " +
                                 name + "\"";
    refused([&] { (void)plan_by_name(name, table_schedule, 10); }, sentence);
    refused([&] { (void)plan_by_name(name, "karras", table_schedule, 10); }, sentence);
  }
  // Names of both.
  CHECK(plan_by_name("lcm", table_schedule, 4) == plan_by_name("lcm", "", table_schedule, 4));
  CHECK(plan_by_name("DDIM", table_schedule, 4) == plan_by_name("ddim", "", table_schedule, 4));
}

TEST_CASE("A sampler given as the scheduler is refused by that") {
  for (const char* const name : {"euler", "DPM++ 2M"}) {
    refused([&] { (void)plan_by_name("heun", name, table_schedule, 10); },
            std::string("plan_by_name: \"") + name +
                "\" is the name of a sampler and was given as the scheduler; the sampler comes "
                "first, and then a scheduler, as \"karras\"");
  }
}

TEST_CASE("Schedulers that have no row are refused with what to write instead") {
  const std::string shift =
      "sets the flow's shift e^mu by the size of the picture; write "
      "make_plan(sampler_by_name(\"euler\"), make_grid(UniformTime{}, "
      "RectifiedFlow(std::exp(mu)), steps))";
  const std::string sigmas =
      "; write make_plan(sampler_by_name(\"euler\"), grid_of_times(RectifiedFlow(1.0), sigmas))";
  for (const auto& row : std::map<std::string, std::string>{
           {"flux", shift},
           {"flux2", shift},
           {"ltx2",
            "sets the flow's shift by the size of the video and ends its sigmas at 0.1" + sigmas},
           {"logit_normal", "sets its sigmas by the size of the picture" + sigmas},
           {"Turbo",
            "has the timesteps of Trailing; write make_plan(sampler_by_name(\"euler\"), "
            "make_grid(Trailing{}, schedule, steps))"},
           {"beta57",
            "is beta with other exponents; write make_plan(sampler_by_name(\"euler\"), "
            "make_grid(BetaTimestep{.a = 0.5, .b = 0.7}, as_other_programs_read(schedule), "
            "steps))"},
           {"Align Your Steps GITS",
            "is a list of Forge's own; take gits, which has other numbers, or write "
            "make_plan(sampler_by_name(\"euler\"), grid_of_sigmas(schedule, sigmas))"}}) {
    const std::string& name = row.first;
    const std::string& instead = row.second;
    CAPTURE(name);
    const std::string sentence = ": the scheduler \"" + name + "\" " + instead;
    refused([&] { (void)plan_by_name("euler", name, flow_schedule, 8); },
            "plan_by_name" + sentence);
    refused([&] { (void)plan_by_name(name, flow_schedule, 8); }, "plan_by_name" + sentence);
    refused([&] { (void)plan_by_name(name, "karras", flow_schedule, 8); },
            "plan_by_name" + sentence);
    refused([&] { (void)dpm::scheduler_by_name(name); }, "scheduler_by_name" + sentence);
    REQUIRE_THROWS_WITH(plan_by_name("Euler " + name, flow_schedule, 8), mentions(instead));
  }
  // Those of stable-diffusion.cpp's "flux" for 4096 tokens, where mu = 1.15.
  const double shift_of_flux = std::exp(1.15);
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, dpm::RectifiedFlow(shift_of_flux), 28);
  for (std::size_t i = 0; i <= 28; ++i) {
    const double t = 1.0 - static_cast<double>(i) / 28.0;
    const double sigma = t == 0.0 ? 0.0 : shift_of_flux / (shift_of_flux + (1.0 / t - 1.0));
    CHECK_THAT(grid[i].sigma(), WithinAbs(sigma, 1e-12));
  }
  // Forge's "Turbo": the entries round(1000 k / n) - 1, then 0.
  const dpm::Grid turbo = make_grid(dpm::Trailing{}, table_schedule, 4);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK_THAT(turbo[i].timestep, WithinAbs(999.0 - 250.0 * static_cast<double>(i), 1e-9));
  }
  CHECK(turbo.back().sigma() == 0.0);
  const std::vector<double> own{1.0, 0.9, 0.5, 0.1, 0.0};
  const dpm::Grid through = dpm::grid_of_times(dpm::RectifiedFlow(1.0), own);
  for (std::size_t i = 0; i < own.size(); ++i)
    CHECK_THAT(through[i].sigma(), WithinAbs(own[i], 1e-15));
}

TEST_CASE("A sampler alone runs over the scheduler that it is used with") {
  for (const Sampler& sampler : dpm::samplers()) {
    CAPTURE(sampler.name);
    const Plan plan = plan_by_name(sampler.name, sampler.scheduler, table_schedule, 20);
    CHECK(plan_by_name(sampler.name, table_schedule, 20) == plan);
    CHECK(plan_by_name(sampler.name + " Automatic", table_schedule, 20) == plan);
    CHECK(plan_by_name(sampler.name, "Automatic", table_schedule, 20) == plan);
    CHECK(plan_by_name(sampler.name, "", table_schedule, 20) == plan);
  }
  CHECK(plan_by_name("DPM++ 2M", table_schedule, 20) ==
        plan_by_name("DPM++ 2M Karras", table_schedule, 20));
}

TEST_CASE("A sampler alone runs over simple on a flow") {
  CHECK(plan_by_name("DPM++ 2M", flow_schedule, 20) ==
        plan_by_name("dpmpp_2m", "simple", flow_schedule, 20));
}

TEST_CASE("The part of a joined name that is wrong is the one that is named") {
  const auto wrong = [](const char* name, const std::string& sentence) {
    CAPTURE(name);
    refused([&] { (void)plan_by_name(name, table_schedule, 20); }, "plan_by_name: no " + sentence);
  };
  wrong("DPM++ 2M Kerras",
        "scheduler is called \"Kerras\"; the nearest names are karras, normal or beta");
  wrong("dpm++ 2m sde karras gpu",
        "scheduler is called \"karras gpu\"; the nearest names are karras, normal or laplace");
  // "Euler a" ends within a word.
  wrong("Euler Align Your Steps 11",
        "scheduler is called \"Align Your Steps 11\"; the nearest names are Align Your Steps, "
        "Align Your Steps (SDXL) or ays_sd1");
  wrong("euler_anc",
        "sampler is called \"euler_anc\"; the nearest names are Euler a, euler or "
        "euler_ge");
  wrong("DPM++ 2N Karras",
        "sampler is called \"DPM++ 2N\"; the nearest names are dpmpp_2m, DPM++ 2S a or dpm_2");
  wrong("eulre - karras",
        "sampler is called \"eulre\"; the nearest names are euler, Euler a or euler_ge");
  REQUIRE_THROWS_WITH(plan_by_name("DPM adaptive Karras", table_schedule, 20),
                      mentions("give what adaptive_by_name returns"));
  REQUIRE_THROWS_WITH(plan_by_name("something else", table_schedule, 20),
                      mentions("no sampler is called \"something else\""));
  REQUIRE_THROWS_WITH(plan_by_name("", table_schedule, 20), mentions("no sampler is called \"\""));
  refused([] { (void)plan_by_name(std::string(101, 'k'), table_schedule, 20); },
          "plan_by_name: the name of a sampler and a scheduler has 101 letters; it must have at "
          "most 100");
}

TEST_CASE("Of names apart the one that is wrong is refused") {
  REQUIRE_THROWS_WITH(plan_by_name("euler", "kerras", table_schedule, 20),
                      mentions("no scheduler is called \"kerras\""));
  REQUIRE_THROWS_WITH(plan_by_name("eulre", "karras", table_schedule, 20),
                      mentions("no sampler is called \"eulre\""));
}

TEST_CASE("Plans by name pass the check, start where the grid starts and end at sigma 0") {
  for (const AnySchedule& schedule : {table_schedule, flow_schedule}) {
    for (const int steps : {2, 3, 20}) {
      for_each_pair(schedule, steps,
                    [&](const Sampler& sampler, const Scheduler& scheduler, const Outcome& made) {
                      if (!made.plan) return;
                      const Plan& plan = *made.plan;
                      check(plan);
                      const int asked = sampler.drops_last_but_one ? steps + 1 : steps;
                      const dpm::Grid grid = dpm::grid_by_name(scheduler.name, schedule, asked);
                      const bool from_lambda =
                          sampler.on_flow == dpm::OnFlow::lambda && grid[0].alpha() == 0.0;
                      if (!from_lambda) CHECK(plan.start() == grid.front());
                      if (from_lambda) CHECK(plan.start().time == 0.9999);
                      CHECK((plan.end().sigma() == 0.0) != ends_above_zero(sampler, scheduler));
                    });
    }
  }
}

TEST_CASE("On a flow the levels are the flow's own and the model predicts the flow") {
  for_each_pair(flow_schedule, 12, [&](const Sampler&, const Scheduler&, const Outcome& made) {
    if (!made.plan) return;
    CHECK(made.plan->prediction == Prediction::flow);
    for (const dpm::Step& step : made.plan->steps) {
      CHECK_THAT(step.from.alpha() + step.from.sigma(), WithinAbs(1.0, 1e-12));
      CHECK_THAT(step.from.timestep, WithinAbs(1000.0 * step.from.sigma(), 1e-9));
      for (const dpm::Instruction& instruction : step.instructions) {
        const auto* evaluate = std::get_if<dpm::Evaluate>(&instruction);
        if (evaluate == nullptr) continue;
        CHECK_THAT(evaluate->level.alpha() + evaluate->level.sigma(), WithinAbs(1.0, 1e-12));
      }
    }
  });
}

TEST_CASE("Every pair is refused for a reason of its scheduler or for Restart") {
  const int all = static_cast<int>(dpm::samplers().size());
  // Restart comes back from sigma 2, where some lists are not, and must end at sigma 0.
  check_refusals(table_schedule, {{"OptimalSteps", 3 * all}, {"Restart", 5}, {"restart", 1}});
  check_refusals(flow_schedule, {{"AlignYourSteps", 5 * all},
                                 {"Gits", all},
                                 {"Laplace", all},
                                 {"VpSigma", all},
                                 {"restart", 18}});
}

TEST_CASE("Samples are finite for every pair and come to the exact marginal with many steps") {
  for (const AnySchedule& schedule : {table_schedule, flow_schedule}) {
    for (const int steps : {2, 20, 160}) {
      for_each_pair(schedule, steps,
                    [&](const Sampler& sampler, const Scheduler& scheduler, const Outcome& made) {
                      // A plan that is made and then found to be broken is no refusal.
                      CHECK(made.refusal.rfind("check: ", 0) == std::string::npos);
                      if (!made.plan) return;
                      const double distance = distance_of(*made.plan);
                      CAPTURE(distance);
                      REQUIRE(std::isfinite(distance));
                      // These have long steps where the data are or, for few steps, elsewhere.
                      const bool coarse = scheduler.name == "linear_quadratic" ||
                                          scheduler.name == "laplace" ||
                                          scheduler.name.rfind("optimal_steps", 0) == 0;
                      if (steps < 160 || coarse || is_of_distilled_models(sampler)) return;
                      // What is left is the error of so many steps. These extrapolate from samples
                      // with other noise.
                      const bool rough = sampler.name.rfind("res_multistep_ancestral", 0) == 0;
                      CHECK(distance < (rough ? 0.15 : 0.055));
                    });
    }
  }
}

TEST_CASE("Consistency samplers end at finite samples that spread less than the data") {
  for (const AnySchedule& schedule : {table_schedule, flow_schedule}) {
    for (const char* const name : {"lcm", "tcd"}) {
      const Spread end = end_of(plan_by_name(name, schedule, 8));
      CHECK(end.stddev > 0.0);
      CHECK(end.stddev < named_data.stddev);
      CHECK_THAT(end.mean, WithinAbs(named_data.mean, 0.1));
    }
  }
}

TEST_CASE("Networks that predict velocity or data give the samples of one that predicts noise") {
  for (const Sampler& sampler : dpm::samplers()) {
    CAPTURE(sampler.name);
    const auto end = [&](Prediction prediction) {
      return affine_end(plan_by_name(sampler.name, "karras", table_schedule, 20, prediction));
    };
    const dpm::AffineState noise = end(Prediction::noise);
    for (const Prediction prediction : {Prediction::velocity, Prediction::data}) {
      const dpm::AffineState other = end(prediction);
      CHECK_THAT(other.start(0), WithinAbs(noise.start(0), 1e-10));
      CHECK_THAT(other.one(0), WithinAbs(noise.one(0), 1e-10));
      for (std::size_t k = 0; k < noise.draws(0).size(); ++k) {
        CHECK_THAT(other.draws(0)[k], WithinAbs(noise.draws(0)[k], 1e-10));
      }
    }
  }
}

TEST_CASE("Denoise keeps the last steps of a longer grid") {
  // ComfyUI: sigmas of int(20 / 0.35) = 57 steps, the last 21 of them.
  const dpm::Grid whole = dpm::grid_by_name("karras", table_schedule, 57);
  const Plan plan =
      plan_by_name("dpmpp_2m", "karras", table_schedule, 20, std::nullopt, {.denoise = 0.35});
  CHECK(plan == make_plan(dpm::DpmSolver{}, whole.from(37)));
  CHECK(plan.steps.size() == 20);
  CHECK(plan_by_name("euler", "simple", table_schedule, 20, std::nullopt, {.denoise = 1.0}) ==
        plan_by_name("euler", "simple", table_schedule, 20));
}

TEST_CASE("Denoise counts the steps of a sampler that drops the last but one") {
  const Plan plan =
      plan_by_name("dpm_2", "normal", table_schedule, 10, std::nullopt, {.denoise = 0.5});
  const dpm::Grid longer = dpm::grid_by_name("normal", table_schedule, 21);
  CHECK(plan.steps.size() == 10);
  CHECK(plan.start() == longer[10]);
  CHECK(plan.steps.back().from == longer[19]);
}

TEST_CASE("Denoise runs on a flow") {
  const Plan plan =
      plan_by_name("euler", "simple", flow_schedule, 10, std::nullopt, {.denoise = 0.5});
  CHECK(plan.steps.size() == 10);
  CHECK(plan.start() == dpm::grid_by_name("simple", flow_schedule, 20)[10]);
}

TEST_CASE("Denoise and steps out of range are refused") {
  for (const double denoise : {0.0, -0.5, 1.5, not_a_number}) {
    CAPTURE(denoise);
    REQUIRE_THROWS_WITH(
        plan_by_name("euler", table_schedule, 20, std::nullopt, {.denoise = denoise}),
        mentions("it must be above 0 and at most 1"));
  }
  refused([] { (void)plan_by_name("euler", table_schedule, 0); },
          "plan_by_name: steps = 0, denoise = 1; steps / denoise must lie between 1 and 1000000");
  refused(
      [] { (void)plan_by_name("euler", table_schedule, 20, std::nullopt, {.denoise = 1e-9}); },
      "plan_by_name: steps = 20, denoise = 1e-09; steps / denoise must lie between 1 and 1000000");
}

TEST_CASE("Samplers that drop the last but one sigma end from a higher level") {
  // 5 steps of DPM2: the 6 sigmas of Karras without their least.
  const dpm::Grid longer = dpm::grid_by_name("karras", table_schedule, 6);
  const Plan plan = plan_by_name("DPM2 Karras", table_schedule, 5);
  REQUIRE(plan.steps.size() == 5);
  for (std::size_t i = 0; i < 5; ++i) CHECK(plan.steps[i].from == longer[i]);
  CHECK(plan.end().sigma() == 0.0);
}

TEST_CASE("A run by name starts from standard normal noise") {
  // sigma of the first level is 1 but for the data's share, so no factor of 14.6 is due.
  const Plan plan = plan_by_name("Euler", table_schedule, 20);
  CHECK_THAT(plan.start().sigma(), WithinAbs(1.0, 3e-3));
  CHECK(plan_by_name("Euler", flow_schedule, 20).start().sigma() == 1.0);
}

TEST_CASE("Timesteps are whole where those of the table are and else lie between its entries") {
  const AnySchedule whole =
      dpm::DiscreteSchedule(dpm::scaled_linear_betas(1000), dpm::TimestepType::discrete);
  const Plan plan = plan_by_name("euler", "karras", whole, 20);
  const Plan real = plan_by_name("euler", "karras", table_schedule, 20);
  for (std::size_t i = 0; i < 20; ++i) {
    CHECK(plan.steps[i].from.lambda() == real.steps[i].from.lambda());
    CHECK(plan.steps[i].from.timestep == std::round(real.steps[i].from.timestep));
  }
  CHECK(real.steps[7].from.timestep != plan.steps[7].from.timestep);
}

TEST_CASE("Schedules without a table run over the schedulers that need none") {
  const AnySchedule process = dpm::VpLinear();
  const Plan plan = plan_by_name("DPM++ 2M Karras", process, 12);
  CHECK(plan == make_plan(dpm::DpmSolver{}, make_grid(dpm::KarrasSigma{}, process, 12)));
  REQUIRE_THROWS_WITH(plan_by_name("Euler", process, 12), mentions("the schedule has no table"));
  const Plan edm = plan_by_name("Heun Karras", dpm::Edm(), 18, Prediction::edm);
  CHECK(edm.model_calls() == 35);
  CHECK_THAT(edm.start().sigma(), WithinRel(80.0, 1e-12));
}

TEST_CASE("The list of names has a line for each row") {
  const std::string text = dpm::list_names();
  for (const Sampler& sampler : dpm::samplers()) {
    CHECK(text.find("\n" + sampler.name + " ") != std::string::npos);
    CHECK(text.find(sampler.code) != std::string::npos);
  }
  for (const Scheduler& scheduler : dpm::schedulers()) {
    CHECK(text.find("\n" + scheduler.name + " ") != std::string::npos);
  }
  CHECK(std::count(text.begin(), text.end(), '\n') ==
        static_cast<std::ptrdiff_t>(dpm::samplers().size() + dpm::schedulers().size() + 3));
}

}  // namespace plan_by_name_test
