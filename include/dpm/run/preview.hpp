// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The data prediction that a model call has made, for those who look on.
#pragma once

#include <array>
#include <span>

#include "dpm/plan/conversion.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/run/options.hpp"
#include "dpm/state/weights.hpp"

namespace dpm::detail {

/// Shows the data prediction of a call, which it makes from the call's input and output in one pass
/// and leaves in `data`, unless the prediction says nothing about the data.
template <class State>
void show_preview(const RunOptions<State>& options, Prediction prediction, const Evaluate& call,
                  const State& input, const State& output, State& data) {
  if (!says_data(prediction, call.level)) return;
  const Conversion c = to_data(prediction, call.level);
  const bool scaled = call.input.kind == Register::Kind::input;
  const std::array<double, 2> weights{scaled ? c.input / call.level.input_scale() : c.input,
                                      c.output};
  const std::array<const State*, 2> operands{&input, &output};
  const std::array<State*, 1> target{&data};
  combine(Weights(weights.data(), weights.size()), std::span<State* const>(target),
          std::span<const State* const>(operands));
  options.preview(data, call.level);
}

}  // namespace dpm::detail
