// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A vector of a fixed capacity.
#include "dpm/math/bounded_vector.hpp"

#include <cstddef>

#include "support/catch.hpp"
#include "support/plans.hpp"

namespace bounded_vector_test {

using namespace dpm_test;
using dpm::Combine;

TEST_CASE("a bounded vector refuses more than it holds") {
  Combine c;
  for (std::size_t k = 0; k < Combine::max_operands; ++k) c.operands.push_back(m(k));
  const auto one_more = [&] { c.operands.push_back(m(8)); };
  REQUIRE_THROWS_AS(one_more(), dpm::InvalidArgument);
  REQUIRE_THROWS_WITH(one_more(),
                      "BoundedVector: it holds 8 values at most; one more was appended");
  REQUIRE(c.operands.size() == 8);
  REQUIRE(c.operands[7] == m(7));
}

}  // namespace bounded_vector_test
