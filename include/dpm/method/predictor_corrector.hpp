// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Multistep predictor-corrector steps, which UniPC and SA-Solver share.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>

#include "dpm/method/polynomial.hpp"

namespace dpm::detail {

/// One step of a predictor-corrector method.
struct MultistepInterval {
  ExponentialStep step;
  Level from;
  Level to;
  /// `exact_weights` of the step, as many as its predictor or its corrector needs.
  DerivativeWeights exact = {};
};

/// In what these methods differ.
struct PredictorCorrector {
  Space space = Space::data;
  /// How many predictions the predictor's polynomial goes through, once they are known.
  std::size_t predictor_nodes = 1;
  /// The same for the corrector, including the prediction at the predicted sample; 0: no corrector.
  std::size_t corrector_nodes = 0;
  /// The corrector uses at most one prediction more than the predictor of its step.
  bool corrector_follows_predictor = false;
  /// The last steps have lower orders.
  bool lower_order_final = false;
  /// Lower them one step earlier, and no corrector gains an order on its predictor there.
  bool lower_order_earlier = false;
  /// Calls the model again at each corrected sample, and keeps that prediction (PECE).
  bool evaluates_again = false;
  /// Estimate each predictor's error from the order below.
  bool estimate_error = false;
  /// Whether step i is corrected; all are if this is empty.
  std::function<bool(std::size_t)> corrects = {};
  /// The noise of the step between two levels (see `ExponentialStep`).
  std::function<double(const Level& from, const Level& to)> tau;
  /// The factor on each draw.
  double noise_scale = 1.0;
  /// The weights over one interval for a polynomial through `nodes` predictions, or more weights.
  std::function<DerivativeWeights(const MultistepInterval&, std::size_t nodes)> weights;
};

/// Writes the steps. Step i calls the model at the sample that step i - 1 predicted. It uses this
/// prediction to correct step i - 1, then predicts its own step.
///
/// The corrector has the predictor's linear part and noise, so it only adds the difference of the
/// two polynomials' integrals to the predicted sample. No earlier sample is kept.
inline void write_predictor_corrector(PlanBuilder& builder, const PredictorCorrector& method,
                                      std::span<const Level> levels) {
  const std::size_t steps = levels.size() - 1;
  const std::size_t most_nodes = std::max(method.predictor_nodes, method.corrector_nodes);
  // The corrector subtracts the predictor's terms, so the predictor's oldest prediction is kept.
  const std::size_t slots =
      method.corrector_nodes > 0 ? std::max(most_nodes, method.predictor_nodes + 1) : most_nodes;
  const double nearest =
      method.corrector_nodes > 0 ? nearest_corrected_predictions : nearest_predictions;
  Nodes history;
  std::size_t predicted_with = 0;
  UpdateTerms predicted;
  std::optional<MultistepInterval> before;
  const auto most_at_end = [&](std::size_t left, bool corrects) {
    if (method.lower_order_earlier) return std::max<std::size_t>(left - 1, 1);
    return corrects ? left + 1 : left;
  };
  const auto update_over = [&](const MultistepInterval& interval, std::span<const Node> nodes) {
    return polynomial_terms(interval.step.linear(), method.weights(interval, nodes.size()),
                            interval.from.lambda(), nodes);
  };
  for (std::size_t i = 0; i < steps; ++i) {
    const Level& s = levels[i];
    const Level& t = levels[i + 1];
    MultistepInterval now{ExponentialStep(method.space, s, t, method.tau(s, t)), s, t};
    builder.begin_step(s, t);
    const double noise_stddev = method.noise_scale * now.step.noise_stddev();
    if (noise_stddev > 0.0) builder.draw();
    history =
        with_newest({s.lambda(), builder.evaluate(i % slots, sample_register, s)}, history, slots);
    // The corrector's polynomial also goes through the prediction at the end of the step.
    now.exact =
        exact_weights(now.step, now.step.finite() ? std::min(most_nodes, history.size() + 1) : 1);
    const bool corrected = method.corrector_nodes > 0 && before && before->step.finite() &&
                           (!method.corrects || method.corrects(i - 1));
    if (corrected) {
      std::size_t nodes = std::min(method.corrector_nodes, history.size());
      if (method.corrector_follows_predictor) nodes = std::min(nodes, predicted_with + 1);
      if (method.lower_order_final) nodes = std::min(nodes, most_at_end(steps - i + 1, true));
      const Nodes known = distinct_nodes(history.span().first(nodes), before->step.h(), nearest);
      UpdateTerms terms = difference(update_over(*before, known.span()), predicted);
      terms[0].weight = 1.0;  // the linear part is in the sample
      if (method.evaluates_again) {
        builder.replace_sample(terms.span());
        builder.evaluate(i % slots, sample_register, s);
      } else {
        builder.combine(sample_register, terms.span());
      }
    }
    std::size_t nodes = now.step.finite() ? std::min(method.predictor_nodes, history.size()) : 1;
    if (method.lower_order_final) nodes = std::min(nodes, most_at_end(steps - i, false));
    const Nodes known = distinct_nodes(history.span().first(nodes), now.step.h(), nearest);
    predicted = estimated_update(
        builder, method.estimate_error, known.size(),
        [&](std::size_t count) { return update_over(now, known.span().first(count)); });
    UpdateTerms terms = predicted;
    if (noise_stddev > 0.0) terms.push_back({noise_register, noise_stddev});
    builder.combine(sample_register, terms.span());
    predicted_with = nodes;
    before = now;
  }
}

}  // namespace dpm::detail
