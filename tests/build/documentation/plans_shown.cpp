// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// plans_shown docs/plans.md: each plan that the page shows, printed or as JSON, is what the
/// library makes of the two samplers that the page is about.
#include <array>
#include <cstddef>
#include <cstdio>
#include <dpm/dpm.hpp>
#include <dpm/interop/plan_json.hpp>
#include <exception>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

/// The blocks of the page in that language, without their fences.
std::vector<std::string> blocks(const std::string& page, const std::string& language) {
  std::vector<std::string> found;
  const std::string fence = "\n```" + language + "\n";
  for (std::size_t at = page.find(fence); at != std::string::npos; at = page.find(fence, at)) {
    at += fence.size();
    found.push_back(page.substr(at, page.find("```", at) - at));
  }
  if (found.empty()) throw std::runtime_error("the page has no block of " + language);
  return found;
}

dpm::Plan plan_of(dpm::Prediction prediction) {
  return dpm::make_plan(dpm::DpmSolver{.order = 2}, dpm::VpLinear{}, 3, prediction);
}

void require_same(bool same, std::string_view what, const std::string& shown) {
  if (!same) throw std::runtime_error(std::string(what) + " is not the library's:\n" + shown);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) throw std::invalid_argument("usage: plans_shown PAGE.md");
  std::ifstream file(argv[1]);
  const std::string page{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};

  // The page shows some plans in part, so a block need only stand somewhere in the printed plan.
  const std::array printed{dpm::to_string(plan_of(dpm::Prediction::data)),
                           dpm::to_string(plan_of(dpm::Prediction::noise))};
  for (const std::string& shown : blocks(page, "text")) {
    const bool same =
        printed[0].find(shown) != std::string::npos || printed[1].find(shown) != std::string::npos;
    require_same(same, "a printed plan", shown);
  }

  // As JSON the page shows the first step. Printed, it has no digits that a compiler may change.
  dpm::Plan first_step = plan_of(dpm::Prediction::data);
  first_step.steps.resize(1);
  for (const std::string& shown : blocks(page, "json")) {
    const dpm::Plan read = dpm::plan_from_text(shown);  // which asks `check`
    require_same(to_string(read) == to_string(first_step), "a plan as JSON", shown);
  }
  std::puts("the plans of the page are the library's");
  return 0;
} catch (const std::exception& error) {
  std::printf("%s\n", error.what());
  return 1;
}
