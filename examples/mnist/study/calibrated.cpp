// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Fitting plans to the network, and reading them.
#include "calibrated.hpp"

#include <dpm/calibration/calibrate.hpp>
#include <dpm/interop/plan_json.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "methods.hpp"
#include "report.hpp"

namespace study {
namespace {

constexpr int first_sample = 1'000'000;

std::string plan_path(const std::string& folder, double scale, int calls) {
  return folder + "/" + setup_key(scale) + "_" + std::to_string(calls) + ".json";
}

/// Every method over every spacing, all to sigma = 0.
std::vector<dpm::Plan> candidates(int calls) {
  std::vector<dpm::Plan> plans;
  const auto add = [&](const auto& method) {
    const auto over = [&](auto spacing) {
      spacing.final = dpm::FinalSigma::zero_instead;
      plans.push_back(dpm::make_plan(method, schedule(), calls, spacing));
    };
    over(dpm::UniformLambda{});
    over(dpm::PowerTime{.power = 4.0});
    over(dpm::PowerTime{.power = 3.0});
    over(dpm::PowerTime{.power = 2.5});
    over(dpm::QuadraticTime{});
    over(dpm::UniformTime{});
  };
  dpm::UniPc third{
      .order = 3, .coefficients = dpm::UniPc::Coefficients::varying, .lower_order_final = true};
  add(third);
  third.space = dpm::Space::noise;
  add(third);
  add(dpm::DpmSolver{.order = 2});
  return plans;
}

}  // namespace

Method calibrated_method(const std::string& folder) {
  const auto plan = [folder](double scale, int calls) -> std::optional<dpm::Plan> {
    const std::string path = plan_path(folder, scale, calls);
    std::ifstream in(path);
    if (!in) return std::nullopt;
    try {
      return dpm::plan_from_text(std::string(std::istreambuf_iterator<char>(in), {}));
    } catch (const dpm::InvalidArgument& error) {
      throw std::runtime_error(path + ": " + error.what());
    }
  };
  return {"calibrated", "calibrated", "fitted", plan};
}

void calibrate(Sampler& sampler, const CalibrationSettings& settings, const std::string& folder,
               std::ostream& out) {
  const Batch batch{first_sample, settings.samples};
  const std::vector<Eigen::ArrayXXf> starts{sampler.start(batch)};
  for (const double scale : settings.scales) {
    const auto network = [&](const Eigen::ArrayXXf& x, const dpm::Level& level,
                             Eigen::ArrayXXf& noise) {
      sampler.predict(scale, batch, x, level, noise);
    };
    const dpm::References<Eigen::ArrayXXf> references(
        *reference_method().plan(scale, settings.reference_calls), network, starts);
    for (const int calls : settings.calls) {
      dpm::CalibrationOptions options{
          .sweeps = 2, .turns = 2, .most_fitted = 4, .most_searched = 1};
      if (calls <= settings.most_searched) options.schedule = schedule();
      const auto [plan, report] = dpm::calibrate(candidates(calls), network, references, options);
      const std::string path = plan_path(folder, scale, calls);
      std::ofstream file(path);
      file << dpm::plan_to_text(plan);
      file.close();
      require_written(file, path);
      out << setup_key(scale) << ", " << calls << " calls: " << report.verdict << '\n'
          << std::flush;
    }
  }
}

}  // namespace study
