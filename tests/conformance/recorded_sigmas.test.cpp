// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Every list of sigmas that k-diffusion, ComfyUI and A1111 made is made by a spacing, and by the
/// scheduler of its name.
#include "support/recorded_sigmas.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "dpm/catalogue/schedulers.hpp"
#include "support/catch.hpp"
#include "support/reference_data.hpp"

namespace recorded_sigmas_test {

using namespace dpm_test;
using namespace dpm_test::recorded_sigmas;

namespace {

/// The lists, each once. One that holds NaN is left out.
std::vector<Recorded> recorded_lists() {
  std::vector<Recorded> lists;
  std::set<std::string> seen;
  for (const auto& entry : reference_data("k_diffusion.json")) {
    const Recorded list = recorded_list(entry);
    const bool numbers = std::none_of(list.sigmas.begin(), list.sigmas.end(),
                                      [](double sigma) { return std::isnan(sigma); });
    const std::string key = list.scheduler + entry.at("sigmas").dump();
    if (numbers && seen.insert(key).second) lists.push_back(list);
  }
  return lists;
}

/// The name of the scheduler that made a recorded list; empty if options or slices are its own.
std::string name_of(const Recorded& list) {
  static const std::map<std::string, std::string> names{
      {"uniform", "normal"},
      {"kd_discrete", "normal"},
      {"ays:SD1", "ays"},
      {"ays:SVD", "ays_svd"},
      {"ays-SD1", "ays_a1111"},
      {"ays-SDXL", "ays_sdxl_a1111"},
      {"optimalsteps:FLUX", "optimal_steps_flux"},
      {"optimalsteps:Wan", "optimal_steps_wan"},
      {"optimalsteps:Chroma", "optimal_steps_chroma"}};
  const auto own = [&](const char* option, double usual) {
    return list.options.value(option, usual) != usual;
  };
  if (list.scheduler.ends_with(']') || list.options.contains("sigma_min") || own("rho", 1.0) ||
      own("mu", 0.0) || own("beta", 0.5) || own("coeff", 1.2)) {
    return {};
  }
  if (list.scheduler == "kl_optimal" || list.scheduler == "beta") {
    return list.scheduler + (list.of_a1111 ? "_a1111" : "");
  }
  const auto found = names.find(list.scheduler);
  return found == names.end() ? list.scheduler : found->second;
}

using List = std::vector<double>;

/// The sigmas of a scheduler on the table of Stable Diffusion, or on a flow of shift 3.
List named_sigmas(const std::string& name, bool on_flow, int steps) {
  const dpm::AnySchedule sd15 = dpm::DiscreteSchedule(dpm::scaled_linear_betas());
  return sigmas_of(dpm::grid_by_name(name, on_flow ? flow : sd15, steps), on_flow);
}

void check_same(const List& found, const List& expected) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CAPTURE(i);
    CHECK_THAT(found[i], WithinRel(expected[i], 1e-12) || WithinAbs(expected[i], 0.0));
  }
}

/// A published list, whose last sigma ComfyUI replaces by 0.
void check_published(const std::string& name, bool on_flow, List list) {
  CAPTURE(name, list.size());
  list.back() = 0.0;
  check_same(named_sigmas(name, on_flow, static_cast<int>(list.size()) - 1), list);
}

/// An arc of bong_tangent: from `from` to `to` as the arc tangent around its pivot falls.
List arc(int length, int pivot, int steps, double from, double to) {
  List values;
  const auto height = [&](int i) { return std::atan(-0.2 * 40.0 / steps * (i - pivot)); };
  for (int i = 0; i < length; ++i) {
    values.push_back(
        (height(i) - height(length - 1)) / (height(0) - height(length - 1)) * (from - to) + to);
  }
  return values;
}

}  // namespace

TEST_CASE("every recorded list of sigmas is made by a spacing") {
  std::set<std::string> schedulers;
  for (const Recorded& list : recorded_lists()) {
    CAPTURE(list.id, list.scheduler);
    schedulers.insert(list.scheduler);
    REQUIRE(makers().count(list.scheduler) == 1);
    const Grid grid = makers().at(list.scheduler)(list);
    REQUIRE(grid.levels().size() == list.sigmas.size());
    for (std::size_t i = 0; i < list.sigmas.size(); ++i) {
      CAPTURE(i);
      const double sigma = list.on_flow ? grid[i].sigma() : std::exp(-grid[i].lambda());
      if (list.sigmas[i] == 0.0) {
        CHECK(sigma == 0.0);
      } else {
        CHECK_THAT(sigma, WithinRel(list.sigmas[i], 1e-12));
      }
    }
  }
  CHECK(schedulers.size() == makers().size());
}

TEST_CASE("every scheduler by name makes the lists of the program that has it") {
  std::set<std::string> compared;
  for (const Recorded& list : recorded_lists()) {
    const std::string name = name_of(list);
    if (name.empty()) continue;
    CAPTURE(list.id, name);
    compared.insert(name);
    const bool drops = list.options.value("discard_penultimate", false);
    // ComfyUI's laplace has no 0 after its sigmas.
    const bool no_zero = name == "laplace";
    const int steps = drops ? list.n + 1 : list.n;
    List sigmas = named_sigmas(name, list.on_flow, steps);
    if (drops) sigmas.erase(sigmas.end() - 2);
    if (no_zero) sigmas.pop_back();
    check_same(sigmas, list.sigmas);
  }
  const auto tables = reference_data("sigma_tables.json");
  const auto published = [&](const std::string& name, bool on_flow, const char* of,
                             const char* list) {
    compared.insert(name);
    check_published(name, on_flow, tables.at(of).at(list).get<List>());
  };
  published("ays", false, "align_your_steps", "SD1");
  published("ays_sdxl", false, "align_your_steps", "SDXL");
  published("ays_svd", false, "align_your_steps", "SVD");
  published("optimal_steps_flux", true, "optimal_steps", "FLUX");
  published("optimal_steps_wan", true, "optimal_steps", "Wan");
  published("optimal_steps_chroma", true, "optimal_steps", "Chroma");
  for (const auto& list : tables.at("gits").at("1.2")) {
    check_published("gits", false, list.get<List>());
  }
  // Of stable-diffusion.cpp no lists are recorded: its formulas, in timesteps and in sigma.
  for (const auto& [name, timestep] : std::map<std::string, double (*)(int i, int n)>{
           {"lcm", [](int i, int n) { return (50 - i * 50 / n) * 20 - 1.0; }},
           {"smoothstep", [](int i, int n) {
              const double u = 1.0 - double(i) / n;
              return std::round(999.0 * u * u * (3.0 - 2.0 * u));
            }}}) {
    for (const int n : {1, 4, 7, 20}) {
      CAPTURE(name, n);
      compared.insert(name);
      List expected;
      for (int i = 0; i < n; ++i) {
        expected.push_back(std::exp(-table.level((timestep(i, n) + 1.0) / 1000.0).lambda()));
      }
      expected.push_back(0.0);
      check_same(named_sigmas(name, false, n), expected);
    }
  }
  for (const int n : {4, 7, 20}) {
    CAPTURE(n);
    compared.insert("bong_tangent");
    const double most = std::exp(-table.level(1.0).lambda());
    const double least = std::exp(-table.level(0.001).lambda());
    const int pivot = static_cast<int>(0.6 * (n + 2));
    List expected = arc(pivot, pivot, n + 2, most, 0.5 * (most + least));
    expected.pop_back();
    for (const double sigma : arc(n + 2 - pivot, 0, n + 2, 0.5 * (most + least), least)) {
      expected.push_back(sigma);
    }
    REQUIRE(expected.size() == static_cast<std::size_t>(n) + 1);
    expected.back() = 0.0;
    check_same(named_sigmas("bong_tangent", false, n), expected);
  }
  for (const dpm::Scheduler& scheduler : dpm::schedulers()) {
    CAPTURE(scheduler.name);
    CHECK(compared.count(scheduler.name) == 1);
  }
  CHECK(compared.size() == dpm::schedulers().size());
}

}  // namespace recorded_sigmas_test
