// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The data prediction that a model call has made, as `RunOptions::preview` is shown it.
#pragma once

#include <span>

#include "dpm/plan/conversion.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/run/options.hpp"
#include "dpm/separate.hpp"
#include "dpm/state/weights.hpp"

namespace dpm::detail {

/// The weights with which a call's own input and output make the data prediction.
Conversion preview_conversion(Prediction prediction, const Evaluate& call);

/// Shows the data prediction of a call, which it makes from the call's input and output in one pass
/// and leaves in `data`, unless the prediction says nothing about the data.
template <class State>
void show_preview(const RunOptions<State>& options, Prediction prediction, const Evaluate& call,
                  const State& input, const State& output, State& data) {
  if (!says_data(prediction, call.level)) return;
  const Conversion c = preview_conversion(prediction, call);
  const double weights[] = {c.input, c.output};
  State* target[] = {&data};
  const State* operands[] = {&input, &output};
  combine(Weights(weights, 2), std::span<State* const>(target, 1),
          std::span<const State* const>(operands, 2));
  options.preview(data, call.level);
}

}  // namespace dpm::detail

#if DPM_DEFINE

namespace dpm::detail {

DPM_INLINE Conversion preview_conversion(Prediction prediction, const Evaluate& call) {
  Conversion c = to_data(prediction, call.level);
  if (call.input.kind == Register::Kind::input) c.input /= call.level.input_scale();
  return c;
}

}  // namespace dpm::detail

#endif
