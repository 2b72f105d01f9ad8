// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The polynomial through known predictions, which multistep and singlestep updates integrate.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <span>

#include "dpm/method/exponential_step.hpp"
#include "dpm/plan/builder.hpp"

namespace dpm {

/// A prediction and its place in the variable of interpolation, mostly lambda.
struct Node {
  double at = 0.0;
  Register prediction;
  double lambda = at;
};

/// The most predictions that one update uses.
inline constexpr std::size_t max_nodes = 5;
using Nodes = BoundedVector<Node, max_nodes>;
/// Entry n weighs the n-th derivative of the prediction at the start of a step.
using DerivativeWeights = BoundedVector<double, max_nodes>;
/// x, each prediction, and a noise draw.
using UpdateTerms = BoundedVector<Term, max_nodes + 2>;

/// The history of a multistep method: the newest node, then older ones, at most `most` in all.
inline Nodes with_newest(const Node& newest, const Nodes& older, std::size_t most) {
  Nodes nodes{newest};
  for (const Node& node : older) {
    if (nodes.size() < most) nodes.push_back(node);
  }
  return nodes;
}

/// Predictions nearer to each other than this part of a step count as one for it (see
/// `distinct_nodes`). The usual spacings have no step shorter than 1/20 of the next one.
inline constexpr double nearest_predictions = 1.0 / 1024.0;
/// The same behind a corrector. A prediction is made at the predicted sample and the next one
/// follows from the corrected sample, so they differ by the correction however short the step
/// between them: from here on it makes an error greater than that of the steps around.
inline constexpr double nearest_corrected_predictions = 1.0 / 128.0;

/// The nodes, newest first, that an update over a step of length h in lambda goes through: without
/// those that lie nearer to the one before them than the part `nearest` of h. The update weighs the
/// difference of two predictions with h over their distance, and of two that are almost in one
/// place this difference is rounding, or the correction. The newer one stands for both, and the
/// order is one lower.
///
/// The weight of a node is that of a divided difference, the product of h over its distances to all
/// newer ones. Above 2^15 it would cost a float most of its digits, so such a node is left out as
/// well. The usual spacings stay below 2^14.
inline Nodes distinct_nodes(std::span<const Node> nodes, double h, double nearest) {
  constexpr double least_product = 1.0 / 32768.0;
  Nodes distinct;
  for (const Node& node : nodes) {
    double nearness = std::numeric_limits<double>::infinity();
    double product = 1.0;
    for (const Node& newer : distinct) {
      nearness = std::abs((newer.lambda - node.lambda) / h);
      product *= nearness;
    }
    if (nearness >= nearest && product >= least_product) distinct.push_back(node);
  }
  return distinct;
}

/// The weights with which `step` integrates a polynomial of `count` coefficients exactly.
inline DerivativeWeights exact_weights(const ExponentialStep& step, std::size_t count) {
  DerivativeWeights weights;
  for (std::size_t n = 0; n < count; ++n) weights.push_back(step.weight(static_cast<int>(n)));
  return weights;
}

/// The terms of x_t = linear x + sum over n of weights[n] p^(n)(start), where p is the polynomial
/// through the nodes and `start` is where the step begins. Takes at least as many weights as nodes.
/// A node at infinity has weight 0, its limit.
///
/// Newton's form: p(l) = sum over k of m[0..k] (l - l_0) ... (l - l_{k-1}), with the divided
/// difference m[0..k] = sum over j <= k of m_j / product over i <= k, i != j of (l_j - l_i).
inline UpdateTerms polynomial_terms(double linear, const DerivativeWeights& weights, double start,
                                    std::span<const Node> nodes) {
  Nodes known;
  for (const Node& node : nodes) {
    if (std::isfinite(node.at) || nodes.size() == 1) known.push_back(node);
  }
  double prediction_weights[max_nodes] = {};
  double differences[max_nodes];          // entry j: the product of l_j - l_i
  double product[max_nodes + 1] = {1.0};  // of (l - l_i), in powers of l - start
  for (std::size_t k = 0; k < known.size(); ++k) {
    double integral = 0.0;
    double factorial = 1.0;
    for (std::size_t n = 0; n <= k; ++n) {
      integral += factorial * product[n] * weights[n];
      factorial *= static_cast<double>(n + 1);
    }
    differences[k] = 1.0;
    for (std::size_t j = 0; j < k; ++j) {
      differences[j] *= known[j].at - known[k].at;
      differences[k] *= known[k].at - known[j].at;
    }
    for (std::size_t j = 0; j <= k; ++j) prediction_weights[j] += integral / differences[j];
    const double root = known[k].at - start;
    for (std::size_t n = k + 1; n > 0; --n) product[n] = product[n - 1] - root * product[n];
    product[0] *= -root;
  }
  // The midpoint update with r1 = 1/2 does not use its first value: a weight that is rounding alone
  // is dropped, which saves a pass over memory.
  UpdateTerms terms{{sample_register, linear}};
  for (std::size_t j = 0; j < known.size(); ++j) {
    const bool rounding_only = std::abs(prediction_weights[j]) < 1e-13 * std::abs(weights[0]);
    terms.push_back({known[j].prediction, rounding_only ? 0.0 : prediction_weights[j]});
  }
  return terms;
}

/// One update minus another. Each may use predictions that the other does not.
inline UpdateTerms difference(const UpdateTerms& update, const UpdateTerms& other) {
  UpdateTerms terms = update;
  for (const Term& subtracted : other) {
    std::size_t i = 0;
    while (i < terms.size() && !(terms[i].operand == subtracted.operand)) ++i;
    if (i == terms.size()) terms.push_back({subtracted.operand, 0.0});
    terms[i].weight -= subtracted.weight;
  }
  return terms;
}

/// The update through `count` predictions, `update_of(count)`. If asked for, error <- this minus
/// the same update of one order lower, an estimate of the latter's error.
template <class UpdateOf>
UpdateTerms estimated_update(PlanBuilder& builder, bool estimate_error, std::size_t count,
                             UpdateOf update_of) {
  const UpdateTerms terms = update_of(count);
  if (estimate_error && count > 1) {
    builder.combine(error_register, difference(terms, update_of(count - 1)).span());
  }
  return terms;
}

}  // namespace dpm
