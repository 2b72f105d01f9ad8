// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What comes of running one recorded case.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "dpm/error.hpp"
#include "support/test_network.hpp"

namespace dpm_test {

/// Recorded results and ours agree to this, relative to max(1, max |recorded|).
inline constexpr double case_tolerance = 1e-9;

struct CaseResult {
  double worst_error = 0.0;
  /// What did not agree, in words; empty: the case passed.
  std::string complaint;

  void compare(const std::string& what, const std::vector<double>& ours,
               const std::vector<double>& recorded) {
    const double error = relative_difference(ours, recorded);
    worst_error = error <= worst_error ? worst_error : error;  // keeps a NaN
    if (!(error <= case_tolerance)) {
      complain(what + dpm::detail::sentence(" differ by ", error));
    }
  }
  void expect_equal(const std::string& what, int ours, int recorded) {
    if (ours != recorded) {
      complain(what + dpm::detail::sentence(": ", ours, " and recorded ", recorded));
    }
  }
  void complain(const std::string& text) { complaint += (complaint.empty() ? "" : "; ") + text; }
};

}  // namespace dpm_test
