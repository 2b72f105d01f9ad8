// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Every list of sigmas that k-diffusion, ComfyUI and A1111 made is made by a spacing.
#include "support/recorded_sigmas.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <set>
#include <string>
#include <vector>

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

}  // namespace recorded_sigmas_test
