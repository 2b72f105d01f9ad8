// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Tables of bad input and the sentences that it gets.
#pragma once

#include <cmath>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/refused.hpp"
#include "support/test_network.hpp"

namespace dpm_test {

/// What is wrong, a call that must be refused for it, and the whole sentence that it gets, with
/// `NonFinite: ` before it where that is the error. `...` ends one whose numbers are long.
struct Bad {
  std::string wrong;
  std::function<void(std::vector<double>& x)> call;
  std::string sentence;
};

inline std::string said(const std::function<void()>& call) {
  try {
    call();
  } catch (const dpm::InvalidArgument& error) {
    return error.what();
  } catch (const dpm::NonFinite& error) {
    return std::string("NonFinite: ") + error.what();
  }
  return "nothing";
}

inline void require_said(const std::string& is, const std::string& should_be) {
  const bool cut = should_be.ends_with("...");
  CHECK((cut ? is.substr(0, should_be.size() - 3) + "..." : is) == should_be);
}

/// Each row is refused by its sentence, a second time too, and leaves x as it was. Then the good
/// call ends in the bits of a run that nothing has gone before.
inline void refuses(const std::vector<Bad>& table,
                    const std::function<void(std::vector<double>&)>& good) {
  std::vector<double> expected = test_start();
  good(expected);
  REQUIRE(expected != test_start());
  for (const Bad& bad : table) {
    INFO(bad.wrong);
    std::vector<double> x = test_start();
    for (int again = 0; again < 2; ++again) {
      require_said(said([&] { bad.call(x); }), bad.sentence);
      CHECK(x == test_start());
    }
    good(x);
    CHECK(x == expected);
  }
}

/// Puts a value into x for as long as it lives.
class Spoilt {
 public:
  Spoilt(std::vector<double>& x, double value) : x_(x), before_(x[3]) { x[3] = value; }
  Spoilt(const Spoilt&) = delete;
  Spoilt& operator=(const Spoilt&) = delete;
  ~Spoilt() { x_[3] = before_; }

 private:
  std::vector<double>& x_;
  double before_;
};

/// A noise source and a correction.
inline constexpr auto draws = [](std::vector<double>& z, const dpm::NoiseRequest& request) {
  test_draw(z, request);
};
inline constexpr auto corrects = [](std::vector<double>& data, const dpm::Level&) {
  for (double& value : data) value = std::tanh(value);
};

/// Three steps of VpLinear through times that print short.
inline dpm::Grid three_steps() {
  return dpm::grid_of_times(dpm::VpLinear(), std::vector<double>{1.0, 0.5, 0.25, 0.125});
}

/// Answers the calls of a run: `calls` of them, or all that are left.
inline void answer(dpm::Stepper<std::vector<double>>& run, int calls = -1) {
  for (int k = 0; k != calls; ++k) {
    const auto call = run.next();
    if (!call) return;
    test_model(dpm::Prediction::noise)(call->input, call->level, call->output);
  }
}

}  // namespace dpm_test
