// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Runs from many starts at once, whose steps are fitted as they go.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "dpm/calibration/multistep_form.hpp"
#include "dpm/calibration/references.hpp"
#include "dpm/calibration/residuals.hpp"
#include "dpm/calibration/weight_fit.hpp"
#include "dpm/error.hpp"
#include "dpm/math/hash.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/run/options.hpp"
#include "dpm/run/sample.hpp"
#include "dpm/run/stepper.hpp"
#include "dpm/separate.hpp"
#include "dpm/state/dense.hpp"

namespace dpm::detail {

/// What a sample serves for. Weights come from the first kind; whatever else is chosen is chosen by
/// the second; the third says what was gained, and nothing else.
enum class SampleRole : std::uint8_t { fitted, held_out, measured };

/// The roles of so many samples, in a mixed order: a quarter is held out and a quarter measured, at
/// least 3 and 5. Empty if no four are left to fit.
std::vector<SampleRole> roles_of(std::size_t samples);

/// The most predictions that fitted weights use.
inline constexpr std::size_t fitted_history = most_features - 1;

/// Adds to the step's weights those of the features (see `add_moments`).
void change_weights(MultistepForm::Step& step, const FeatureWeights& by);

/// Adds what each sample of one state says of the weights of a step; features are the newest
/// prediction, the sample, and the backward differences of the predictions.
///
/// @param x            the samples where the step begins.
/// @param predictions  the newest first; all that the step weighs, and `history` at least.
/// @param target       where the reference is where the step ends.
template <class View>
void add_moments(const MultistepForm::Step& step, const View& x, std::span<const View> predictions,
                 std::size_t history, const View& target, std::span<SampleMoments> moments) {
  const double scale = 1.0 / static_cast<double>(x.elements);
  for (std::size_t s = 0; s < x.samples; ++s) {
    for (std::size_t e = 0; e < x.elements; ++e) {
      std::array<double, MultistepForm::max_history> m{};
      for (std::size_t k = 0; k < predictions.size(); ++k) {
        m[k] = static_cast<double>(predictions[k].at(e, s));
      }
      const auto value = static_cast<double>(x.at(e, s));
      double left = static_cast<double>(target.at(e, s)) - step.sample * value;
      for (std::size_t k = 0; k < step.predictions.size(); ++k) left -= step.predictions[k] * m[k];
      FeatureWeights features{m[0], value};
      for (std::size_t order = 1; order < history; ++order) {
        for (std::size_t k = 0; k + order < history; ++k) m[k] -= m[k + 1];
        features[order + 1] = m[0];
      }
      moments[s].add(features, history + 1, left, scale);
    }
  }
}

/// All runs of a calibration: of plans, and of forms whose weights are fitted on the way. It counts
/// the model calls.
template <DenseState State, class Network>
class FittedRuns {
 public:
  FittedRuns(Network& network, const References<State>& references, std::size_t elements_per_sample)
      : network_(network),
        references_(references),
        elements_per_sample_(elements_per_sample),
        first_(1) {
    for (std::size_t i = 0; i < references.size(); ++i) {
      first_.push_back(first_.back() + view(references.start(i)).samples);
    }
    roles_ = roles_of(first_.back());
    refuse_twins();
  }

  [[nodiscard]] std::span<const SampleRole> roles() const { return roles_; }
  [[nodiscard]] std::size_t samples() const { return first_.back(); }
  /// How many starts there are, each a state.
  [[nodiscard]] std::size_t states() const { return references_.size(); }
  /// Model calls so far; one for each state, which may hold several samples.
  [[nodiscard]] long long model_calls() const { return model_calls_; }

  /// How far the samples with this role end from the reference when they run `plan`. Refuses what
  /// is not finite if `check_finite`.
  Residuals residuals(const Plan& plan, SampleRole role, bool check_finite = true) {
    Residuals result;
    for (std::size_t i = 0; i < references_.size(); ++i) {
      add_run(i, plan, role, check_finite, result);
    }
    return result;
  }

  /// The same for the samples of state number `i` alone; empty if none of them has this role.
  Residuals residuals_of(std::size_t i, const Plan& plan, SampleRole role, bool check_finite) {
    Residuals result;
    add_run(i, plan, role, check_finite, result);
    return result;
  }

  /// The features of the measured samples where `plan` leads them, and where their references end.
  template <class Features>
  std::vector<std::vector<double>> features(const Plan& plan, const Features& features_of) {
    std::vector<std::vector<double>> result;
    for (std::size_t i = 0; i < references_.size(); ++i) {
      if (!has(i, SampleRole::measured)) continue;
      Stepper<State> run(borrow(plan), references_.start(i), options(false));
      answer_all(i, run);
      add_features(i, run.sample(), features_of, result);
    }
    return result;
  }
  template <class Features>
  std::vector<std::vector<double>> reference_features(const Features& features_of) const {
    std::vector<std::vector<double>> result;
    State end;
    for (std::size_t i = 0; i < references_.size(); ++i) {
      if (!has(i, SampleRole::measured)) continue;
      references_.at(i, references_.nodes().back(), end);
      add_features(i, end, features_of, result);
    }
    return result;
  }

  /// Fits the weights of `form` to the references, from noise to data: each step on the states that
  /// the steps before have led to. Returns the residuals of the samples that were held out.
  Residuals fit(MultistepForm& form) {
    const std::size_t slots = history_of(form, fitted_history);
    std::vector<std::size_t> used;
    std::vector<Stepper<State>> runs;
    for (std::size_t i = 0; i < references_.size(); ++i) {
      if (has(i, SampleRole::fitted) || has(i, SampleRole::held_out)) used.push_back(i);
    }
    for (std::size_t call = 0; call <= form.steps.size(); ++call) {
      const auto part = std::make_shared<const Plan>(part_of(form, call, slots));
      for (std::size_t r = 0; r < used.size(); ++r) {
        // A trial that overflows is no better than the base, and need not be refused.
        if (call == 0) runs.emplace_back(part, references_.start(used[r]), options(false));
        if (call > 0) runs[r].replan(part);
        answer_all(used[r], runs[r]);
      }
      if (call < form.steps.size()) fit_step(form.steps[call], call, slots, used, runs);
    }
    Residuals result;
    for (std::size_t r = 0; r < used.size(); ++r) {
      add_residuals(used[r], runs[r].sample(), form.steps.back().to, SampleRole::held_out, result);
    }
    return result;
  }

 private:
  /// Refuses two samples with the same start and the same end: one of them might be fitted and the
  /// other say what was gained. (The same start may lead elsewhere under another condition.)
  void refuse_twins() const {
    std::map<std::uint64_t, std::size_t> known;  // the number of a sample by its values
    for (std::size_t i = 0; i < references_.size(); ++i) {
      State end;
      references_.at(i, references_.nodes().back(), end);
      const auto start = view(references_.start(i));
      const auto last = view(end);
      for (std::size_t s = 0; s < start.samples; ++s) {
        Hash hash;
        for (std::size_t e = 0; e < start.elements; ++e) {
          hash.add(static_cast<double>(start.at(e, s)));
          hash.add(static_cast<double>(last.at(e, s)));
        }
        const auto [twin, is_new] = known.emplace(hash.value(), first_[i] + s);
        require(is_new, "calibrate: samples ", twin->second, " and ", first_[i] + s,
                " have the same start and the same end; a start that is fitted cannot tell what "
                "was gained, so give each its own noise");
      }
    }
  }

  static RunOptions<State> options(bool check_finite) {
    RunOptions<State> result;
    result.check_finite = check_finite;
    return result;
  }

  [[nodiscard]] auto view(const State& state) const {
    return split_samples("calibrate", dense_view(state), elements_per_sample_);
  }

  /// Whether a sample of state number i has the role.
  [[nodiscard]] bool has(std::size_t i, SampleRole role) const {
    for (std::size_t s = first_[i]; s < first_[i + 1]; ++s) {
      if (roles_[s] == role) return true;
    }
    return false;
  }

  void add_run(std::size_t i, const Plan& plan, SampleRole role, bool check_finite,
               Residuals& result) {
    if (!has(i, role)) return;
    Stepper<State> run(borrow(plan), references_.start(i), options(check_finite));
    answer_all(i, run);
    add_residuals(i, run.sample(), plan.end(), role, result);
  }

  void answer_all(std::size_t i, Stepper<State>& run) {
    of_start("calibrate", i, [&] {
      while (const auto call = run.next()) {
        answer_for<State>(network_, i, *call);
        ++model_calls_;
      }
    });
  }

  /// Adds the features of the measured samples of state number i.
  template <class Features>
  void add_features(std::size_t i, const State& x, const Features& features_of,
                    std::vector<std::vector<double>>& all) const {
    const auto values = view(x);
    std::vector<double> sample(values.elements);
    for (std::size_t s = 0; s < values.samples; ++s) {
      if (roles_[first_[i] + s] != SampleRole::measured) continue;
      for (std::size_t e = 0; e < sample.size(); ++e) {
        sample[e] = static_cast<double>(values.at(e, s));
      }
      all.push_back(features_of(std::span<const double>(sample)));
    }
  }

  void add_residuals(std::size_t i, const State& x, const Level& end, SampleRole role,
                     Residuals& result) {
    State target = x;
    references_.at(i, end, target);
    const auto is = view(x);
    const auto should_be = view(target);
    const double scale = 1.0 / std::sqrt(static_cast<double>(is.elements));
    for (std::size_t s = 0; s < is.samples; ++s) {
      if (roles_[first_[i] + s] != role) continue;
      result.sizes.push_back(is.elements);
      for (std::size_t e = 0; e < is.elements; ++e) {
        result.values.push_back(
            scale * (static_cast<double>(is.at(e, s)) - static_cast<double>(should_be.at(e, s))));
      }
    }
  }

  void fit_step(MultistepForm::Step& step, std::size_t call, std::size_t slots,
                std::span<const std::size_t> used, std::span<const Stepper<State>> runs) {
    const std::size_t known = std::min(call + 1, slots);
    const std::size_t history = std::min(known, fitted_history);
    std::vector<SampleMoments> fitted;
    for (std::size_t r = 0; r < used.size(); ++r) {
      const std::size_t i = used[r];
      if (!has(i, SampleRole::fitted)) continue;
      State target = runs[r].sample();
      references_.at(i, step.to, target);
      using View = decltype(view(target));
      std::array<View, MultistepForm::max_history> predictions{};
      for (std::size_t k = 0; k < known; ++k) {
        predictions[k] = view(runs[r].value(prediction_register((call - k) % slots)));
      }
      std::vector<SampleMoments> moments(first_[i + 1] - first_[i]);
      add_moments(step, view(runs[r].sample()), std::span<const View>(predictions.data(), known),
                  history, view(target), std::span(moments));
      for (std::size_t s = 0; s < moments.size(); ++s) {
        if (roles_[first_[i] + s] == SampleRole::fitted) fitted.push_back(moments[s]);
      }
    }
    change_weights(step, fit_weights(fitted, history + 1));
  }

  Network& network_;
  const References<State>& references_;
  std::size_t elements_per_sample_;
  std::vector<std::size_t> first_;  // the number of each state's first sample, and of all samples
  std::vector<SampleRole> roles_;
  long long model_calls_ = 0;
};

}  // namespace dpm::detail

#if DPM_DEFINE

#  include "dpm/calibration/mixed_order.hpp"

namespace dpm::detail {

DPM_INLINE std::vector<SampleRole> roles_of(std::size_t samples) {
  const std::size_t measured = std::max<std::size_t>(5, samples / 4);
  const std::size_t held_out = std::max<std::size_t>(3, samples / 4);
  if (samples < measured + held_out + 4) return {};
  const std::vector<std::size_t> order = mixed_order(samples);
  std::vector<SampleRole> roles(samples, SampleRole::fitted);
  for (std::size_t i = 0; i < measured + held_out; ++i) {
    roles[order[i]] = i < measured ? SampleRole::measured : SampleRole::held_out;
  }
  return roles;
}

DPM_INLINE void change_weights(MultistepForm::Step& step, const FeatureWeights& by) {
  step.sample += by[1];
  const auto add = [&](std::size_t k, double weight) {
    if (weight == 0.0) return;
    while (step.predictions.size() <= k) step.predictions.push_back(0.0);
    step.predictions[k] += weight;
  };
  add(0, by[0]);
  for (std::size_t order = 1; order < fitted_history; ++order) {
    double binomial = 1.0;  // of the difference's order over k, with its sign
    for (std::size_t k = 0; k <= order; ++k) {
      add(k, binomial * by[order + 1]);
      binomial *= -static_cast<double>(order - k) / static_cast<double>(k + 1);
    }
  }
}

}  // namespace dpm::detail

#endif
