// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Adaptive DPM-Solver: its options, the plan of one trial, and the length of the next.
#pragma once

#include <cstdint>
#include <optional>

#include "dpm/method/dpm_solver_options.hpp"
#include "dpm/method/error_tolerance.hpp"
#include "dpm/method/pid_controller.hpp"
#include "dpm/separate.hpp"
#if DPM_DEFINE
#  include <cmath>
#  include <cstddef>
#  include <limits>
#  include <utility>

#  include "dpm/method/dpm_solver_singlestep.hpp"
#  include "dpm/plan/plan.hpp"
#  include "dpm/schedule/noise_schedule.hpp"
#endif

namespace dpm {

/// DPM-Solver-12 (`order = 2`) and DPM-Solver-23 (`order = 3`) with adaptive steps (Lu et al. 2022,
/// arXiv 2206.00927, App. C, Alg. 2), in noise space or, as DPM-Solver++, in data space. Each trial
/// solves one step with two orders from the same model calls; what they differ by is the error. The
/// trial is accepted, with the result of the higher order, if its error is within tolerance; the
/// next one has the length that the error asks for.
///
/// An accepted trial costs `order` model calls and a rejected one as many, but the model's value at
/// its start is kept for the next.
///
/// Steps end at any time: a schedule with `TimestepType::discrete` rounds the timesteps that the
/// network is told, which the error estimates take for errors of the steps.
struct AdaptiveDpmSolver {
  /// What happens when `max_model_calls` do not suffice.
  enum class AtCap : std::uint8_t {
    fail,    ///< `InvalidArgument`; the start is untouched
    finish,  ///< the last calls pay for one step to the end, accepted whatever its error
  };

  /// The higher order of the pair, 2 or 3.
  int order = 3;
  /// Data or noise space; or on a flow `Space::flow`, the steps of noise space with the flow
  /// prediction for the noise and the flow's sigma for sigma / alpha (see
  /// `method/flow_as_noise.hpp`). They may start at alpha = 0, and their trials are reported as
  /// levels of time sigma and alpha 1.
  Space space = Space::data;
  DpmSolver::Update update = DpmSolver::Update::midpoint;
  ErrorTolerance tolerance = {};
  /// Each step aims at an error below the tolerance by `safety` to the power of the order; (0, 1).
  double safety = 0.9;
  /// Length of the first trial in lambda.
  double first_step = 0.05;
  /// A step that would have to be shorter than this in lambda, at least 1e-10, is an error: the
  /// model is not smooth enough for the tolerance.
  double smallest_step = 1e-8;
  /// Where to start and end; the schedule's last and first time when left out.
  std::optional<double> start = std::nullopt;
  std::optional<double> end = std::nullopt;
  /// The run is over when its time is this close to the end; the sample then stands there. The
  /// official code has 1e-5. 0: exactly at the end.
  double time_tolerance = 0.0;
  /// No more model calls than this, ever.
  int max_model_calls = 1000;
  AtCap at_cap = AtCap::fail;
  /// One more call at the end and a first-order step from there to sigma = 0.
  bool denoise_to_zero = false;
  /// Ancestral steps, as of `DpmSolver::fresh`, with eta at most 1. An accepted step goes no
  /// further than to the end's sigma / alpha and then draws its noise; a rejected one draws none.
  FreshNoise fresh = {};
  /// This controller chooses the steps, and `safety` says nothing.
  std::optional<PidController> pid = std::nullopt;
  /// The tolerance is one of x / alpha, which k-diffusion's samplers work on, and not of x.
  bool divides_by_alpha = false;
};

#if DPM_DEFINE

namespace detail {

inline void check_options(const AdaptiveDpmSolver& method) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const auto check = [](const char* option, double value, bool allowed, const char* range) {
    require(allowed && value < infinity, "AdaptiveDpmSolver: ", option, " = ", value,
            "; it must be in ", range);
  };
  const ErrorTolerance& tolerance = method.tolerance;
  require(method.order == 2 || method.order == 3, "AdaptiveDpmSolver: order = ", method.order,
          "; it must be 2 or 3");
  check("tolerance.absolute", tolerance.absolute, tolerance.absolute > 0.0, "(0, inf)");
  check("tolerance.relative", tolerance.relative, tolerance.relative >= 0.0, "[0, inf)");
  check("safety", method.safety, method.safety > 0.0 && method.safety < 1.0, "(0, 1)");
  check("smallest_step", method.smallest_step, method.smallest_step >= 1e-10, "[1e-10, inf)");
  require(method.first_step >= method.smallest_step && method.first_step < infinity,
          "AdaptiveDpmSolver: first_step = ", method.first_step,
          "; it must be finite and at least smallest_step = ", method.smallest_step);
  check("time_tolerance", method.time_tolerance, method.time_tolerance >= 0.0, "[0, inf)");
  require(method.time_tolerance == 0.0 || method.space != Space::flow,
          "AdaptiveDpmSolver: time_tolerance = ", method.time_tolerance,
          " with Space::flow; it must be 0");
  check_fresh_noise("AdaptiveDpmSolver", method.fresh);
  check("fresh.eta", method.fresh.eta, method.fresh.eta <= 1.0, "[0, 1]");
  if (method.pid) check_options(*method.pid);
  const int least = method.order + (method.denoise_to_zero ? 1 : 0);
  require(method.max_model_calls >= least,
          "AdaptiveDpmSolver: max_model_calls = ", method.max_model_calls, "; it must be at least ",
          least, ", the calls of the shortest run");
}

/// Refuses ends between which no adaptive run exists; `length` is the way in lambda.
inline void check_ends(const AdaptiveDpmSolver& method, const Level& start, const Level& end,
                       double length) {
  require(method.space == Space::flow || start.log_alpha > -std::numeric_limits<double>::infinity(),
          "AdaptiveDpmSolver: the start at time ", start.time,
          " has alpha = 0, from where steps in lambda are infinite; start below that time");
  require(end.log_sigma > -std::numeric_limits<double>::infinity(),
          "AdaptiveDpmSolver: the end at time ", end.time,
          " has sigma = 0, which steps in lambda never reach; end above that time, and use "
          "denoise_to_zero");
  require(end.time < start.time && length >= method.smallest_step, "AdaptiveDpmSolver: from time ",
          start.time, " to time ", end.time, " lambda grows by ", length,
          "; time must fall, and lambda grow by at least smallest_step = ", method.smallest_step);
  require(start.time - end.time > method.time_tolerance,
          "AdaptiveDpmSolver: time_tolerance = ", method.time_tolerance,
          "; it must be below the whole length in time, ", start.time - end.time);
}

/// The target of a step. One to the least sigma / alpha has no draw, not even one of the rounding.
inline AncestralTarget target_of(const FreshNoise& fresh, const Level& s, const Level& t) {
  const bool ends =
      fresh.rule == FreshNoise::Rule::diffusion && std::exp(-t.lambda()) <= fresh.least;
  return ends ? AncestralTarget{t, 0.0} : ancestral_target(fresh, s, t);
}

/// What the values of a level are divided by for the tolerance.
inline double unit(const AdaptiveDpmSolver& method, const Level& level) {
  return method.divides_by_alpha ? level.alpha() : 1.0;
}

/// The plan of one trial from level s to level t, in one step that leaves the sample alone: it
/// calls the model at s, unless `start_known` says that an earlier trial from there has, and at the
/// inner levels, and leaves the results of both orders, over their unit, in the registers `lower`
/// and `higher`. They live on, as do the prediction at s and the lower result of the step before,
/// `previous`, which in the first trial of a run is the start.
inline Plan make_trial(const AdaptiveDpmSolver& method, const AnySchedule& schedule, const Level& s,
                       const Level& t, bool is_first, bool start_known, Prediction prediction,
                       Correction correction) {
  const DpmSolver solver{.order = method.order, .space = method.space, .update = method.update};
  const Level down = target_of(method.fresh, s, t).down;
  const SinglestepInterval interval{s, down, inner_levels(solver, schedule, method.order, s, down)};
  double reached = s.lambda();
  for (const Level& inner : interval.inner) {
    require(reached < inner.lambda() && inner.lambda() < down.lambda(),
            "sample_adaptive: the step from time ", s.time, " to time ", t.time,
            " is so short that the schedule does not tell its inner levels apart; the tolerances "
            "are too tight for it");
    reached = inner.lambda();
  }
  PlanBuilder builder(prediction, correction);
  builder.set_space(method.space);
  builder.begin_step(s, s);
  if (is_first) builder.combine(previous_register, {{sample_register, 1.0 / unit(method, s)}});
  const Nodes nodes = write_stages(builder, solver, interval, start_known);
  const auto update_of = [&](std::size_t known) {
    UpdateTerms scaled;
    for (const Term& term : singlestep_update(solver, interval, nodes.span().first(known))) {
      scaled.push_back({term.operand, term.weight / unit(method, t)});
    }
    return scaled;
  };
  const UpdateTerms lower = update_of(nodes.size() - 1);
  builder.combine(lower_register, lower.span());
  // A step of its own, so that what the two differ by is formed first and keeps its digits.
  builder.begin_step(s, s);
  UpdateTerms higher = difference(update_of(nodes.size()), lower);
  higher.push_back({lower_register, 1.0});
  builder.combine(higher_register, higher.span());
  for (const Register r :
       {prediction_register(0), lower_register, higher_register, previous_register}) {
    builder.keep(r);
  }
  return std::move(builder).finish();
}

/// The plan that accepts that trial: sample <- higher and fresh noise, previous <- lower.
inline Plan make_acceptance(const AdaptiveDpmSolver& method, const Level& s, const Level& t,
                            Prediction prediction) {
  PlanBuilder builder(prediction);
  builder.set_space(method.space);
  builder.begin_step(s, t);
  const double noise_stddev = target_of(method.fresh, s, t).noise_stddev;
  if (noise_stddev > 0.0) builder.draw();
  builder.combine(previous_register, {{lower_register, 1.0}});
  builder.combine(sample_register,
                  {{higher_register, unit(method, t)}, {noise_register, noise_stddev}});
  builder.keep(previous_register);
  builder.keep(lower_register);
  builder.keep(higher_register);
  return std::move(builder).finish();
}

/// The plan of the step from the end of a run to sigma = 0.
inline Plan make_last_step(const AdaptiveDpmSolver& method, const AnySchedule& schedule,
                           const Level& from, Prediction prediction, Correction correction) {
  PlanBuilder builder(prediction, correction);
  builder.set_space(method.space);
  write_singlestep_step(builder, {.order = 1, .space = method.space},
                        {from, schedule.level(0.0), {}});
  return std::move(builder).finish();
}

/// The length of the trial after one of length `step` and the given error: the error is that of the
/// lower order, so it grows with the step to the power of the higher (Alg. 2, last line). The power
/// is rounded to float as in the official code, whose runs are thus repeated step by step.
inline double next_step(const AdaptiveDpmSolver& method, double step, double error) {
  return method.safety * step * static_cast<float>(std::pow(error, -1.0 / method.order));
}

}  // namespace detail

#endif

}  // namespace dpm
