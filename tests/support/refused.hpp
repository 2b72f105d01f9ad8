// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Bad numbers, and a call that must be refused.
#pragma once

#include <functional>
#include <limits>
#include <string>

#include "dpm/error.hpp"
#include "support/catch.hpp"

namespace dpm_test {

inline constexpr double infinity = std::numeric_limits<double>::infinity();
inline constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// Requires that the call throws an InvalidArgument with exactly this sentence.
inline void refused(const std::function<void()>& call, const std::string& sentence) {
  REQUIRE_THROWS_AS(call(), dpm::InvalidArgument);
  REQUIRE_THROWS_WITH(call(), sentence);
}

/// The sentence with which `action` is refused; empty if it is not.
template <class Error, class Action>
std::string sentence_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

}  // namespace dpm_test
