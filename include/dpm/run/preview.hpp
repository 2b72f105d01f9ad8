// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// How a run makes the data prediction that it shows to `RunOptions::preview`.
#pragma once

#include "dpm/plan/conversion.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/run/options.hpp"
#include "dpm/state/combine.hpp"

namespace dpm::detail {

/// Makes the data prediction of a call from its input and output, in one pass, leaves it in `data`
/// and shows it. Does nothing where the prediction says nothing about the data.
template <class State>
void show_preview(const RunOptions<State>& options, Prediction prediction, const Evaluate& call,
                  const State& input, const State& output, State& data) {
  if (!says_data(prediction, call.level)) return;
  Conversion c = to_data(prediction, call.level);
  if (call.input.kind == Register::Kind::input) c.input /= call.level.input_scale();
  combine_two(data, c.input, input, c.output, output);
  options.preview(data, call.level);
}

}  // namespace dpm::detail
