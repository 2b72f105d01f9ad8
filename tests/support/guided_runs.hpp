// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Guided models and the runs that they are tested in.
#pragma once

#include <vector>

#include "dpm/dpm.hpp"
#include "support/every_method.hpp"
#include "support/labelled_mixture.hpp"

namespace dpm_test::guided {

using enum dpm::Prediction;
using dpm::DpmSolver;
using dpm::Level;
using dpm::Space;
using State = std::vector<double>;

inline const dpm::AnySchedule schedule = dpm::VpLinear();
inline constexpr double strong = 3.0;

/// Models that are equal but for rounding give runs that are: the tolerance of the law that every
/// method takes every prediction type.
inline constexpr double rounding = 1e-11;

/// The exact networks under both kinds of guidance.
inline auto free_guidance(dpm::Prediction prediction, const dpm::GuidanceScale& scale) {
  return dpm::ClassifierFreeGuidance(guided_network(prediction, 1.0),
                                     guided_network(prediction, 0.0), scale);
}
inline auto by_classifier(dpm::Prediction prediction, const dpm::GuidanceScale& scale) {
  return dpm::ClassifierGuidance(guided_network(prediction, 0.0), classifier_of_input, scale,
                                 prediction);
}
/// The mixture's own models, which are as exact and faster.
inline auto guided_mixture() {
  return dpm::ClassifierFreeGuidance(mixture_of_label(), mixture_of_all(), strong);
}

/// A multistep method with a corrector, a singlestep one, and a stochastic one.
inline NamedMethods three_kinds() {
  return {named("multistep", dpm::UniPc{.order = 3}),
          named("singlestep", DpmSolver{.order = 3, .form = DpmSolver::Form::singlestep}),
          named("stochastic", DpmSolver{.order = 2, .tau = 1.0}, true)};
}
/// The plan of one of them over a whole schedule, EDM's for its own prediction.
inline dpm::Plan plan_of(const NamedMethod& method, dpm::Prediction prediction,
                         bool on_edm = false) {
  const dpm::AnySchedule on = on_edm ? dpm::AnySchedule(dpm::Edm()) : schedule;
  return method(method.grid(on, on.last_time(), on.first_time(), 8), prediction);
}

inline State start_of(const dpm::Plan& plan) {
  State x = some_samples();
  for (double& value : x) value *= plan.start().sigma();
  return x;
}

template <class Model>
State run(const dpm::Plan& plan, Model&& model) {
  State x = start_of(plan);
  dpm::sample(plan, model, x, {.noise = dpm::NormalNoise{.seed = 3}});
  return x;
}

/// Rejects some of its steps here.
inline dpm::AdaptiveDpmSolver adaptive(int order, Space space) {
  dpm::AdaptiveDpmSolver method{.order = order, .space = space};
  method.tolerance = {.absolute = 1e-2, .relative = 1e-2, .elements_per_sample = 2};
  return method;
}

}  // namespace dpm_test::guided
