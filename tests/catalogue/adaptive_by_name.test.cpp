// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// DPM adaptive by name: its ends, its options, and what it refuses.
#include "dpm/catalogue/adaptive_by_name.hpp"

#include <cmath>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/named_plans.hpp"
#include "support/refused.hpp"

namespace adaptive_by_name_test {

using namespace dpm_test;
using dpm::adaptive_by_name;
using dpm::NamedAdaptive;
using dpm::SamplerOptions;

namespace {

double sigma_at(const NamedAdaptive& run, double time) {
  return std::exp(-run.schedule.level(time).lambda());
}

}  // namespace

TEST_CASE("DPM adaptive by name has k-diffusion's controller, tolerance and ends") {
  for (const char* const name :
       {"dpm_adaptive", "DPM adaptive", "sample_dpm_adaptive", "k_dpm_adaptive",
        "DPM Adaptive Karras", "dpm_adaptive sgm_uniform", "DPM adaptive Automatic"}) {
    CAPTURE(name);
    const NamedAdaptive run = adaptive_by_name(name, table_schedule, 20);
    CHECK(run.method.order == 3);
    CHECK(run.method.space == dpm::Space::noise);
    CHECK(run.method.tolerance.absolute == 0.0078);
    CHECK(run.method.tolerance.relative == 0.05);
    CHECK(run.method.tolerance.norm == dpm::ErrorTolerance::Norm::whole_batch);
    CHECK(run.method.first_step == 0.05);
    CHECK(run.method.pid.value().accept_safety == 0.81);
    CHECK(run.method.pid.value().integral == 1.0);
    CHECK(run.method.divides_by_alpha);
    CHECK(run.method.fresh.eta == 0.0);
    CHECK(run.prediction == dpm::Prediction::noise);
    CHECK_THAT(sigma_at(run, run.method.start.value()), WithinRel(14.614641229333627, 1e-12));
    const bool trailing = std::string(name).find("sgm") != std::string::npos;
    const double last = sigma_at(run, run.method.end.value());
    if (!trailing) CHECK_THAT(last, WithinRel(0.02916715815172038, 1e-12));
    if (trailing) CHECK(last > 0.2);
  }
}

TEST_CASE("A run by name of DPM adaptive comes close to the exact marginal from standard noise") {
  for (const dpm::AnySchedule& schedule : {table_schedule, flow_schedule}) {
    for (const double eta : {0.0, 1.0}) {
      CAPTURE(eta);
      NamedAdaptive run = adaptive_by_name("DPM adaptive", schedule, 40, std::nullopt,
                                           {.eta = eta, .s_noise = 1.0});
      run.method.tolerance.relative = 0.01;
      std::vector<double> x(4000);
      dpm::NormalNoise{.seed = 3}.fill(x);
      dpm::RunOptions<std::vector<double>> options{.noise = dpm::NormalNoise{.seed = 4}};
      const auto report = dpm::sample_adaptive(
          run.method, run.schedule,
          [&](const std::vector<double>& at, const dpm::Level& level, std::vector<double>& out) {
            const ExactModel model = exact_model(run.prediction, level);
            for (std::size_t i = 0; i < at.size(); ++i) {
              out[i] = model.slope * (at[i] - level.alpha() * named_data.mean) + model.offset;
            }
          },
          x, run.prediction, options);
      CHECK(report.within_tolerance);
      double mean = 0.0;
      double square = 0.0;
      for (const double value : x) {
        mean += value / 4000.0;
        square += value * value / 4000.0;
      }
      const Spread exact = spread_at(run.schedule.level(*run.method.end));
      CHECK_THAT(mean, WithinAbs(exact.mean, 0.04));
      CHECK_THAT(std::sqrt(square - mean * mean), WithinAbs(exact.stddev, 0.04));
    }
  }
}

TEST_CASE("Options of DPM adaptive go into its method") {
  const NamedAdaptive run = adaptive_by_name("dpm_adaptive", table_schedule, 20, std::nullopt,
                                             {.eta = 0.5, .s_noise = 1.1, .denoise = 0.5});
  CHECK(run.method.fresh.eta == 0.5);
  CHECK(run.method.fresh.scale == 1.1);
  CHECK(run.method.fresh.rule == dpm::FreshNoise::Rule::diffusion);
  const dpm::Grid whole = dpm::grid_by_name("normal", table_schedule, 40);
  CHECK(run.method.start == whole[20].time);
  CHECK(run.method.end == whole[39].time);
  CHECK(
      adaptive_by_name("dpm_adaptive", table_schedule, 20, dpm::Prediction::velocity).prediction ==
      dpm::Prediction::velocity);
  const NamedAdaptive edm =
      adaptive_by_name("DPM adaptive Karras", dpm::Edm(), 18, dpm::Prediction::edm);
  CHECK_THAT(sigma_at(edm, edm.method.start.value()), WithinRel(80.0, 1e-12));
  const NamedAdaptive flow = adaptive_by_name("dpm_adaptive", flow_schedule, 20);
  CHECK(flow.method.space == dpm::Space::flow);
  CHECK(flow.method.start == 1.0);
  CHECK(flow.method.fresh.rule == dpm::FreshNoise::Rule::flow);
  CHECK(flow.prediction == dpm::Prediction::flow);
  CHECK(adaptive_by_name("dpm_adaptive", flow_schedule, 20, std::nullopt, {.as_coded = true})
            .method.fresh.rule == dpm::FreshNoise::Rule::diffusion);
}

TEST_CASE("DPM adaptive by name refuses other samplers, one step and options it does not have") {
  const auto wrong = [](const char* name, const std::string& sentence, int steps = 20,
                        const SamplerOptions& options = {}) {
    CAPTURE(name);
    refused([&] { (void)adaptive_by_name(name, table_schedule, steps, std::nullopt, options); },
            sentence);
  };
  for (const char* const name : {"euler", "", "karras dpm_adaptive", "my dpm_adaptive"}) {
    wrong(name, std::string("adaptive_by_name: \"") + name +
                    "\" is no adaptive sampler; only dpm_adaptive is, and plan_by_name has all "
                    "others");
  }
  wrong("DPM adaptive Kerras",
        "adaptive_by_name: no scheduler is called \"kerras\"; the nearest names are karras, normal "
        "or "
        "beta");
  wrong("dpm_adaptive",
        "adaptive_by_name: steps = 1, of which the scheduler makes one level above sigma = 0; take "
        "more, as the run leads from the first to the last of them",
        1);
  wrong("dpm_adaptive",
        "adaptive_by_name: steps = 0, denoise = 1; steps / denoise must lie between 1 and 1000000",
        0);
  wrong("dpm_adaptive", "adaptive_by_name: denoise = 0; it must be above 0 and at most 1", 20,
        {.denoise = 0.0});
  wrong("DPM adaptive flux",
        "adaptive_by_name: the scheduler \"flux\" sets the flow's shift e^mu by the size of the "
        "picture; write make_plan(sampler_by_name(\"euler\"), make_grid(UniformTime{}, "
        "RectifiedFlow(std::exp(mu)), steps))");
  refused([] { (void)adaptive_by_name(std::string(101, 'k'), table_schedule, 20); },
          "adaptive_by_name: the name of a sampler and a scheduler has 101 letters; it must have "
          "at most 100");
  wrong("dpm_adaptive", "adaptive_by_name: dpm_adaptive has no churn; leave it out", 20,
        {.churn = {.amount = 1.0}});
  wrong("dpm_adaptive",
        "adaptive_by_name: dpm_adaptive has no correction of its own; give it to the run alone", 20,
        {.correction = dpm::Correction::data});
  REQUIRE_THROWS_WITH(adaptive_by_name("DPM adaptive Karras", dpm::Edm(), 20),
                      mentions("say what the model predicts"));
}

}  // namespace adaptive_by_name_test
