// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Short runs that are refused, and the sentences that they get.
#pragma once

#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/refused.hpp"

namespace dpm_test {

/// Three steps, through times and so timesteps that print short.
inline dpm::Plan plan_of_three_steps(dpm::Correction correction = dpm::Correction::none) {
  const std::vector<double> times{1.0, 0.5, 0.25, 0.125};
  return make_plan(dpm::Ddim{}, dpm::grid_of_times(dpm::VpLinear(), times), dpm::Prediction::noise,
                   correction);
}

struct Shrink {
  template <class State>
  void operator()(const State& x, double /*timestep*/, State& out) const {
    for (decltype(x.size()) i = 0; i < x.size(); ++i) out.data()[i] = x.data()[i] / 2;
  }
};

template <class Error, class X, class Model>
std::string refusal(const dpm::Plan& plan, X x, Model model,
                    dpm::RunOptions<dpm::OwnedState<X>> options = {}) {
  return sentence_of<Error>([&] { dpm::sample(plan, model, x, options); });
}

template <class X>
std::string invalid(const dpm::Plan& plan, X x, dpm::RunOptions<dpm::OwnedState<X>> options = {}) {
  return refusal<dpm::InvalidArgument>(plan, x, Shrink{}, options);
}

}  // namespace dpm_test
