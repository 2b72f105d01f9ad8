// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Errors as exceptions, and the handler where there are none.
#include "dpm/error.hpp"

#include <Eigen/Core>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/refused.hpp"

namespace error_test {

using namespace dpm_test;

TEST_CASE("errors are standard exceptions") {
  STATIC_REQUIRE(std::is_base_of_v<std::invalid_argument, dpm::InvalidArgument>);
  STATIC_REQUIRE(std::is_base_of_v<std::runtime_error, dpm::NonFinite>);
  STATIC_REQUIRE(!std::is_base_of_v<dpm::InvalidArgument, dpm::NonFinite>);
  STATIC_REQUIRE(DPM_EXCEPTIONS == 1);
  REQUIRE(sentence_of<std::invalid_argument>([] {
            dpm::detail::require(false, "n = ", 3, ", x = ", 0.1, ", f = ", 0.1F,
                                 ", s = ", std::size_t{7}, ", i = ", -4, ", h = ", 1e-300);
          }) == "n = 3, x = 0.1, f = 0.1, s = 7, i = -4, h = 1e-300");
  REQUIRE(sentence_of<std::runtime_error>([] { dpm::detail::fail<dpm::NonFinite>("gone"); }) ==
          "gone");
  REQUIRE_NOTHROW(dpm::detail::require(true, "fine"));
}

TEST_CASE("the error handler is kept, returned and reset, and not called where errors are thrown") {
  static int calls = 0;
  const dpm::ErrorHandler count = [](const char*) { ++calls; };
  const dpm::ErrorHandler standard = dpm::set_error_handler(count);
  REQUIRE(standard != nullptr);
  REQUIRE_THROWS_AS(dpm::VpLinear(-1.0), dpm::InvalidArgument);
  REQUIRE(calls == 0);
  REQUIRE(dpm::set_error_handler(nullptr) == count);
  REQUIRE(dpm::set_error_handler(standard) == standard);
}

}  // namespace error_test
