// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What is legal in a run and rarely meant.
#pragma once

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "dpm/plan/plan.hpp"
#include "dpm/separate.hpp"
#include "dpm/state/dense.hpp"

namespace dpm {

/// What is legal in a plan and rarely meant, a sentence for each kind: a prediction that networks
/// on such levels do not make, and weights so large that float loses its digits in them. Nothing
/// for plans as they are usually made. To be printed where the samples are not what they should be:
///
///     for (const std::string& doubt : dpm::doubts(plan, x)) std::puts(doubt.c_str());
///
/// Cost: one pass over the plan.
[[nodiscard]] std::vector<std::string> doubts(const Plan& plan);

namespace detail {

/// The doubt about a start with this root mean square; empty if there is none.
std::string doubt_of_start(const Plan& plan, double root_mean_square);

}  // namespace detail

/// The same, and whether `x` looks like a start of the plan: noise of deviation sigma at its first
/// level, and data of a deviation that networks are trained with. Starts of fewer than 32 values
/// are left out, whose deviation is chance. Cost: one pass over x besides.
template <DenseState State>
[[nodiscard]] std::vector<std::string> doubts(const Plan& plan, const State& x) {
  std::vector<std::string> all = doubts(plan);
  const auto view = dense_view(x);
  if (view.size() < 32) return all;
  double sum = 0.0;
  for (std::size_t s = 0; s < view.samples; ++s) {
    for (std::size_t e = 0; e < view.elements; ++e) {
      const auto value = static_cast<double>(view.at(e, s));
      sum += value * value;
    }
  }
  const std::string doubt =
      detail::doubt_of_start(plan, std::sqrt(sum / static_cast<double>(view.size())));
  if (!doubt.empty()) all.push_back(doubt);
  return all;
}

}  // namespace dpm

#if DPM_DEFINE

#  include <variant>

#  include "dpm/error.hpp"
#  include "dpm/plan/print.hpp"

namespace dpm {
namespace detail {

/// The doubt about what the model predicts at a level; empty if there is none.
inline std::string doubt_of_prediction(Prediction prediction, const Level& at) {
  const double sum = at.alpha() + at.sigma();
  const bool inside = at.alpha() > 0.0 && at.sigma() > 0.0;
  const bool flow = is_on_flow(at);
  const bool of_noise = prediction == Prediction::noise || prediction == Prediction::score;
  const std::string head =
      sentence("the model predicts ", name(prediction), " at time ", at.time, ", where ");
  if (at.data_stddev > 0.0 && prediction != Prediction::edm && prediction != Prediction::velocity) {
    return head + "its input is scaled; networks with scaled inputs mostly predict edm or velocity";
  }
  if (prediction == Prediction::flow && inside && !flow) {
    return head + sentence("alpha + sigma is ", sum,
                           "; networks that predict flow are trained where it is 1, as on "
                           "RectifiedFlow");
  }
  if (of_noise && flow) {
    return head + "alpha + sigma is 1, as on a flow; networks trained there predict flow";
  }
  return {};
}

/// The doubt about the weights of a combination; empty if there is none.
inline std::string doubt_of_weights(const Combine& combine, std::size_t step) {
  for (const double weight : combine.weights) {
    if (std::abs(weight) < 1e5) continue;
    return sentence("step ", step, " has the weight ", weight,
                    "; float has 7 digits, and the rounding of what it weighs grows with it");
  }
  return {};
}

DPM_INLINE std::string doubt_of_start(const Plan& plan, double root_mean_square) {
  const Level& start = plan.start();
  const double least = 0.5 * start.sigma();
  const double most = 2.0 * start.sigma() + 8.0 * start.alpha();
  if (root_mean_square >= least && root_mean_square <= most) return {};
  return sentence("the start has the root mean square ", root_mean_square,
                  ", and the plan starts where sigma is ", start.sigma(), " and alpha ",
                  start.alpha(), "; standard normal noise is to be multiplied by ",
                  "plan.start().sigma(), and data to be scaled as for training");
}

}  // namespace detail

DPM_INLINE std::vector<std::string> doubts(const Plan& plan) {
  std::string of_prediction;
  std::string of_weights;
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    for (const Instruction& instruction : plan.steps[i].instructions) {
      if (const auto* evaluate = std::get_if<Evaluate>(&instruction)) {
        if (of_prediction.empty()) {
          of_prediction = detail::doubt_of_prediction(plan.prediction, evaluate->level);
        }
      } else if (const auto* combine = std::get_if<Combine>(&instruction)) {
        if (of_weights.empty()) of_weights = detail::doubt_of_weights(*combine, i + 1);
      }
    }
  }
  std::vector<std::string> all;
  if (!of_prediction.empty()) all.push_back(of_prediction);
  if (!of_weights.empty()) all.push_back(of_weights);
  return all;
}

}  // namespace dpm

#endif
