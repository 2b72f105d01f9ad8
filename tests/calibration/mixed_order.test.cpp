// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
#include "dpm/calibration/mixed_order.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "support/catch.hpp"

namespace mixed_order_test {

TEST_CASE("a mixed order holds each number once") {
  for (const std::size_t count : {0U, 1U, 2U, 100U}) {
    std::vector<std::size_t> order = dpm::detail::mixed_order(count);
    REQUIRE(order.size() == count);
    std::sort(order.begin(), order.end());
    for (std::size_t i = 0; i < count; ++i) REQUIRE(order[i] == i);
  }
}

TEST_CASE("a mixed order is always the same and not that of the numbers") {
  const std::vector<std::size_t> order = dpm::detail::mixed_order(32);
  REQUIRE(order == dpm::detail::mixed_order(32));
  REQUIRE_FALSE(std::is_sorted(order.begin(), order.end()));
}

TEST_CASE("a quarter of a mixed order holds even and odd numbers about equally") {
  const std::vector<std::size_t> order = dpm::detail::mixed_order(400);
  const auto even = std::count_if(order.begin(), order.begin() + 100,
                                  [](std::size_t number) { return number % 2 == 0; });
  REQUIRE(even > 35);  // three deviations from 50
  REQUIRE(even < 65);
}

}  // namespace mixed_order_test
