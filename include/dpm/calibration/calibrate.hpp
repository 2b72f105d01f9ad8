// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Fits a plan to the network that will run it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "dpm/calibration/calibration_report.hpp"
#include "dpm/calibration/fitted_runs.hpp"
#include "dpm/calibration/frechet.hpp"
#include "dpm/calibration/grid_search.hpp"
#include "dpm/calibration/joint_fit.hpp"
#include "dpm/calibration/multistep_form.hpp"
#include "dpm/calibration/references.hpp"
#include "dpm/calibration/residuals.hpp"
#include "dpm/grid/final_sigma.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/schedule/noise_schedule.hpp"
#include "dpm/separate.hpp"
#include "dpm/state/dense.hpp"

namespace dpm {

/// How `calibrate` searches.
struct CalibrationOptions {
  /// The schedule of the candidates, on which inner levels and what the model is told may move.
  /// Left out, they stay where the candidates have them, as do those of a candidate whose levels
  /// lie elsewhere.
  std::optional<AnySchedule> schedule = std::nullopt;
  /// Passes over all levels, if there is a schedule. Each costs up to four fits for each model call
  /// of the plan, which is most of the cost of a calibration.
  int sweeps = 3;
  /// Turns of Gauss and Newton for all weights together, at the end. Each costs three runs for each
  /// model call of the plan, and three more.
  int turns = 3;
  /// How many candidates are fitted, those with the least error before; at least 1.
  int most_fitted = 6;
  /// How many of the fitted candidates are searched and fitted jointly, each for itself, those with
  /// the least error; at least 1. What one search finds depends on where it begins.
  int most_searched = 2;
  /// Values of each sample, for ranges that hold several one after the other. 0: one sample, or
  /// those that are the columns of an Eigen object.
  std::size_t elements_per_sample = 0;
  /// Features of a sample, such as a classifier's, for the report's Frechet distances; they choose
  /// nothing. It is given the values of one sample and returns as many features each time. With it
  /// both plans run once more on the measured samples.
  std::function<std::vector<double>(std::span<const double>)> features = {};
  /// For the draws behind the report's interval.
  std::uint64_t seed = 0;
};

/// A plan that was fitted to a network, and what that gained.
struct CalibratedPlan {
  Plan plan;
  CalibrationReport report;
};

/// Plans that are worth fitting, each with `model_calls` calls from the schedule's last time: the
/// default plan, then UniPC of third order in data and in noise space and DPM-Solver++ of second
/// order, over equal steps of time^(1 / p) for p = 1 to 4 and of lambda, and over Karras' spacing.
/// Where the schedule ends at sigma = 0 or starts at alpha = 0, only methods and spacings with such
/// ends.
///
/// @param final  where they end: on clean data, sigma = 0, or with `FinalSigma::sigma_min` at the
///               schedule's first time. The default plan ends at sigma = 0, so it is not among the
///               latter; these begin with UniPC of third order over `PowerTime{.power = 4.0}`.
[[nodiscard]] std::vector<Plan> calibration_candidates(
    const AnySchedule& schedule, int model_calls,
    std::optional<Prediction> prediction = std::nullopt,
    FinalSigma final = FinalSigma::zero_instead);

namespace detail {

/// Refuses candidates that do not begin and end with the references, at the same alpha and sigma,
/// or make other numbers of calls than the first.
void check_candidates(std::span<const Plan> candidates, std::span<const Level> nodes);
void check_options(const CalibrationOptions& options);
/// Refuses a schedule on which the levels of no candidate lie.
void check_schedule(const AnySchedule& schedule, std::span<const Plan> candidates);

/// How much a weight changes for a slope from a difference: far above the rounding of the values.
template <class Scalar>
double slope_step() {
  return std::max(1e-3, std::sqrt(static_cast<double>(std::numeric_limits<Scalar>::epsilon())));
}

}  // namespace detail

/// Fits a plan to a network. It tries the candidates, refits the weights of the best, moves their
/// levels if `options.schedule` is given, and returns the plan with the least error: an ordinary
/// plan, to be run, printed, saved and sent as any other.
///
///     const dpm::References<State> references(dpm::make_plan(schedule, 200), network, starts);
///     const auto [plan, report] =
///         dpm::calibrate(dpm::calibration_candidates(schedule, 10), network, references,
///                        {.schedule = schedule});
///
/// A plan has the form x_{j+1} = a_j x_j + the sum of w_jk times the last predictions. Given what
/// the steps before have led to, the a and w that lead next to the references solve a small system
/// of equations. They are found from noise to data, as a ridge toward the candidate's own weights,
/// with robust factors, and with a strength that is found by cross-validation. At last all weights
/// are fitted together to the end. No gradient of the network is needed. Related, with gradients or
/// statistics of the network: the Bespoke and the non-stationary solvers of Shaul et al. 2023 and
/// 2024 (arXiv 2310.19075, 2403.01329), DPM-Solver-v3 (Zheng et al. 2023, arXiv 2310.13268), AMED
/// (Zhou et al. 2023, arXiv 2312.00094), GITS (Chen et al. 2024, arXiv 2405.11326), LD3 (Tong et
/// al. 2024, arXiv 2405.15506) and S4S (Frankel et al. 2025, arXiv 2502.17423).
///
/// Half of the samples are fitted, a quarter chooses, and a quarter says in the report what was
/// gained. Where the median of these is not better with a confidence of 95 % than that of the best
/// candidate, or there are fewer than 12 samples, where the first stands for the best, the plan is
/// the best candidate as it was, and the report says so. Single samples may end farther away.
///
/// @param candidates  plans with the same number of model calls, from the references' first node to
///                    their last, both with the same alpha and sigma; see
///                    `calibration_candidates`, or one plan of your own.
/// @param network     as for `References`; conditions and guidance belong inside. It should be what
///                    made the references, with the starts in the same order.
///
/// Refuses no candidates, candidates with other ends or numbers of calls, those that
/// `multistep_form` refuses (stochastic methods, corrections, CFG++), and two samples with the same
/// start and the same end. A candidate that overflows is the last that is taken; throws
/// `NonFinite`, with the number of the start, if all do, or if the base does or meets a NaN of the
/// network. Cost in runs of model_calls calls, for each start: one for each candidate and each that
/// is fitted, one more of the base, and for each that is searched up to 4 model_calls in each sweep
/// and 3 model_calls + 3 in each turn. Memory beside the references: up to nine states for each
/// start, and for the joint fit the values of the samples that are fitted, and 3 model_calls - 1
/// times those of one start, as double.
template <DenseState State, class Network>
[[nodiscard]] CalibratedPlan calibrate(std::span<const Plan> candidates, Network&& network,
                                       const References<State>& references,
                                       const CalibrationOptions& options = {}) {
  detail::require_callable("calibrate", "network", network);
  detail::check_options(options);
  detail::check_candidates(candidates, references.nodes());
  if (options.schedule) detail::check_schedule(*options.schedule, candidates);
  std::vector<MultistepForm> forms;
  for (const Plan& plan : candidates) forms.push_back(multistep_form(plan));

  detail::FittedRuns runs(network, references, options.elements_per_sample);
  CalibratedPlan result{candidates[0], {}};
  CalibrationReport& report = result.report;
  report.reference_calls = references.model_calls();
  if (runs.roles().empty()) {
    report.verdict = detail::too_few(runs.samples());
    return result;
  }
  const auto count = [&](detail::SampleRole role) {
    return static_cast<std::size_t>(std::count(runs.roles().begin(), runs.roles().end(), role));
  };
  report.fitted = count(detail::SampleRole::fitted);
  report.held_out = count(detail::SampleRole::held_out);

  const auto error_of = [&](const Plan& plan, bool check_finite) {
    return detail::typical(
        runs.residuals(plan, detail::SampleRole::held_out, check_finite).distances());
  };
  std::vector<double> base_errors;
  for (const Plan& plan : candidates) {
    const double error = error_of(plan, false);
    base_errors.push_back(std::isfinite(error) ? error : std::numeric_limits<double>::infinity());
  }
  std::vector<std::size_t> order(candidates.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return base_errors[a] < base_errors[b]; });
  report.base = order[0];
  result.plan = candidates[report.base];
  if (std::isinf(base_errors[report.base])) (void)error_of(result.plan, true);  // which throws
  // A network that returns a NaN for a start is refused, and not taken for a fit that fails.
  (void)runs.residuals(result.plan, detail::SampleRole::fitted, true);

  // The best are fitted, the best of these are searched, and the best of all is taken.
  struct Fitted {
    MultistepForm form;
    double error;
  };
  const auto fit = [&](MultistepForm& form) { return detail::typical(runs.fit(form).distances()); };
  const auto by_error = [](const Fitted& a, const Fitted& b) { return a.error < b.error; };
  std::vector<Fitted> fitted;
  for (std::size_t i = 0; i < order.size() && i < std::size_t(options.most_fitted); ++i) {
    MultistepForm form = forms[order[i]];
    const double error = fit(form);
    if (error < base_errors[order[i]]) fitted.push_back({form, error});
  }
  std::stable_sort(fitted.begin(), fitted.end(), by_error);
  if (fitted.size() > std::size_t(options.most_searched)) {
    fitted.resize(std::size_t(options.most_searched));
  }
  for (Fitted& one : fitted) {
    if (options.schedule) {
      detail::search_grid(one.form, one.error, *options.schedule, options.sweeps, fit);
    }
    detail::fit_jointly(
        one.form, one.error, options.turns, detail::slope_step<ScalarOf<State>>(), runs.states(),
        [&](const MultistepForm& form, std::size_t i) {
          return runs.residuals_of(i, plan_of(form), detail::SampleRole::fitted, false);
        },
        [&](const MultistepForm& form) { return error_of(plan_of(form), false); });
  }
  const auto best = std::min_element(fitted.begin(), fitted.end(), by_error);
  const Plan best_plan = best == fitted.end() ? result.plan : plan_of(best->form);

  const auto measured = [&](const Plan& plan, bool check_finite) {
    return runs.residuals(plan, detail::SampleRole::measured, check_finite).distances();
  };
  detail::judge(measured(result.plan, true), measured(best_plan, false), options.seed, report);
  if (fitted.empty()) report.verdict = detail::no_fit_gained();
  if (options.features) {
    const auto known = runs.reference_features(options.features);
    const auto distance = [&](const Plan& plan) {
      return frechet_distance(runs.features(plan, options.features), known);
    };
    report.base_frechet = distance(result.plan);
    report.calibrated_frechet = distance(best_plan);
  }
  report.fit_calls = runs.model_calls();
  if (!report.kept_base) result.plan = best_plan;
  return result;
}

/// The same for one plan.
template <DenseState State, class Network>
[[nodiscard]] CalibratedPlan calibrate(const Plan& base, Network&& network,
                                       const References<State>& references,
                                       const CalibrationOptions& options = {}) {
  return calibrate(std::span<const Plan>(&base, 1), network, references, options);
}

}  // namespace dpm

#if DPM_DEFINE

#  include "dpm/error.hpp"
#  include "dpm/grid/sigma_spacing.hpp"
#  include "dpm/grid/spacing.hpp"
#  include "dpm/method/default_method.hpp"
#  include "dpm/method/dpm_solver.hpp"
#  include "dpm/method/method.hpp"
#  include "dpm/method/unipc.hpp"

namespace dpm {
namespace detail {

DPM_INLINE void check_options(const CalibrationOptions& options) {
  require(options.sweeps >= 0 && options.sweeps <= 1000,
          "CalibrationOptions: sweeps = ", options.sweeps, "; it must be 0 to 1000");
  require(options.turns >= 0 && options.turns <= 1000,
          "CalibrationOptions: turns = ", options.turns, "; it must be 0 to 1000");
  require(options.most_fitted >= 1, "CalibrationOptions: most_fitted = ", options.most_fitted,
          "; it must be at least 1");
  require(options.most_searched >= 1, "CalibrationOptions: most_searched = ", options.most_searched,
          "; it must be at least 1");
}

DPM_INLINE void check_candidates(std::span<const Plan> candidates, std::span<const Level> nodes) {
  require(!candidates.empty(),
          "calibrate: it was given no candidates; hand over at least one plan, or those of "
          "calibration_candidates");
  const auto near = [](double a, double b) { return std::abs(a - b) <= level_rounding * a; };
  const auto same = [&](const Level& a, const Level& b) {
    return near(noise_share(a), noise_share(b)) && near(a.alpha(), b.alpha()) &&
           near(a.sigma(), b.sigma());
  };
  const auto shown = [](double value) { return static_cast<float>(value); };  // fewer digits
  const auto said = [&](const Level& at) {
    return sentence("time ", at.time, " (log alpha ", shown(at.log_alpha), ", log sigma ",
                    shown(at.log_sigma), ")");
  };
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const Plan& plan = candidates[i];
    require(!plan.steps.empty(), "calibrate: candidate ", i,
            " has no steps; it must be the plan of a whole run");
    require(same(nodes.front(), plan.start()) && same(plan.end(), nodes.back()),
            "calibrate: candidate ", i, " leads from ", said(plan.start()), " to ",
            said(plan.end()), " and the references from ", said(nodes.front()), " to ",
            said(nodes.back()), "; both must have the same ends");
    const int calls = plan.model_calls();
    const int first = candidates[0].model_calls();
    require(calls == first, "calibrate: candidate ", i, " makes ", calls,
            " model calls and candidate 0 makes ", first, "; all must make the same number");
  }
}

/// An inner level of the plan that the schedule has not; null if there is none.
inline const Level* strange_level(const Plan& plan, const AnySchedule& schedule) {
  for (std::size_t i = 1; i < plan.steps.size(); ++i) {
    const Level& level = plan.steps[i].from;
    if (!(level.time >= 0.0 && level.time <= schedule.max_time()) ||
        std::abs(schedule.level(level.time).lambda() - level.lambda()) > schedule_rounding) {
      return &level;
    }
  }
  return nullptr;
}

DPM_INLINE void check_schedule(const AnySchedule& schedule, std::span<const Plan> candidates) {
  const Level* first = nullptr;
  for (const Plan& plan : candidates) {
    const Level* const strange = strange_level(plan, schedule);
    if (strange == nullptr) return;
    if (first == nullptr) first = strange;
  }
  require(false,
          "CalibrationOptions: schedule is another one than that of the candidates, as "
          "candidate 0 has lambda = ",
          first->lambda(), " at time ", first->time,
          "; it must be the schedule that they were made over, or be left out to keep the levels");
}

}  // namespace detail

DPM_INLINE std::vector<Plan> calibration_candidates(const AnySchedule& schedule, int model_calls,
                                                    std::optional<Prediction> prediction,
                                                    FinalSigma final) {
  const Prediction said = detail::prediction_or_noise(prediction, schedule);
  const bool singular = detail::has_singular_end(schedule);
  std::vector<Plan> plans;
  if (final != FinalSigma::sigma_min) plans.push_back(make_plan(schedule, model_calls, said));
  const auto add = [&](const auto& method) {
    const auto over = [&](auto spacing) {
      spacing.final = final;
      Plan plan = make_plan(method, schedule, model_calls, spacing, said);
      if (plans.empty() || plan != plans[0]) plans.push_back(std::move(plan));
    };
    if (!singular) over(PowerTime{.power = 4.0});
    over(UniformTime{});
    over(QuadraticTime{});
    over(PowerTime{.power = 3.0});
    if (singular) return;
    over(UniformLambda{});
    over(Karras{.rho = 7.0});
  };
  const UniPc third{
      .order = 3, .coefficients = UniPc::Coefficients::varying, .lower_order_final = true};
  add(third);
  if (!singular) {
    UniPc of_noise = third;
    of_noise.space = Space::noise;
    add(of_noise);
  }
  add(DpmSolver{.order = 2});
  return plans;
}

}  // namespace dpm

#endif
