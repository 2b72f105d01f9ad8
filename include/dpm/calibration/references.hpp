// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Where the diffusion ODE leads some starts, at every level on the way.
#pragma once

#include <cmath>
#include <concepts>
#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/math/bounded_vector.hpp"
#include "dpm/model.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/run/sample.hpp"
#include "dpm/run/stepper.hpp"
#include "dpm/schedule/level.hpp"
#include "dpm/separate.hpp"
#include "dpm/state/check_values.hpp"
#include "dpm/state/combine.hpp"
#include "dpm/state/dense.hpp"

namespace dpm {
namespace detail {

/// A network is a model, the same for all starts, or a function of the start's number that returns
/// the model with the condition of that start.
template <class Network, class State>
concept NetworkOfStart = requires(Network& network, std::size_t start) {
  requires ModelFor<std::remove_reference_t<decltype(network(start))>, State>;
};

/// Answers a model call of the run from start number `start`.
template <class State, class Network, class Call>
void answer_for(Network& network, std::size_t start, const Call& call) {
  if constexpr (NetworkOfStart<Network, State>) {
    auto&& model = network(start);
    answer<State>(model, call);
  } else {
    answer<State>(network, call);
  }
}

/// Runs a part of the run from start number `start`. The sentence of what is not finite there gets
/// the number, and `who` met it.
template <class Run>
decltype(auto) of_start([[maybe_unused]] const char* who, [[maybe_unused]] std::size_t start,
                        const Run& run) {
#if DPM_EXCEPTIONS
  try {
    return run();
  } catch (const NonFinite& error) {
    fail<NonFinite>(sentence(who, ": start ", start, ": ", error.what()));
  }
#else
  return run();
#endif
}

/// The part by which numbers of two levels may differ that count as one.
inline constexpr double level_rounding = 1e-6;

/// sigma / (alpha + sigma), which is finite at both ends of a process and falls from noise to data.
double noise_share(const Level& level);

/// The weights of an interpolation, and the node that the first of them is for.
struct Interpolation {
  static constexpr std::size_t most_nodes = 6;
  std::size_t first = 0;
  BoundedVector<double, most_nodes> weights;
};

/// The weights of the polynomial in `noise_share` through the nodes that are nearest to `level`, of
/// degree 5 where there are as many nodes. Refuses a level that is not between the first and the
/// last.
Interpolation interpolate(std::span<const Level> nodes, const Level& level);

/// Refuses nodes that do not lead from noise to data.
void check_nodes(std::span<const Level> nodes);

/// Refuses states of start number `start` that are not as many as the nodes.
void check_states(std::size_t states, std::size_t nodes, std::size_t start);

/// The steps after which a run of `steps` steps is kept: all, or at most `most` of them that are
/// spread evenly, and always the last.
std::vector<bool> kept_steps(std::size_t steps, std::size_t most);

/// The start of a plan and the levels after those steps. Refuses plans that are no reference.
std::vector<Level> nodes_of(const Plan& fine, std::size_t most_nodes);

}  // namespace detail

/// Where the diffusion ODE leads each of some starts: the states on the way, at every level. They
/// are what `calibrate` fits plans to, and serve any number of fits.
///
/// The states at the nodes come from a run of many steps, or are trajectories of your own. Between
/// the nodes a polynomial of degree 5 in sigma / (alpha + sigma) goes through the nearest six of
/// them; with 64 nodes on a usual grid its error is far below the error of 20 steps of a sampler.
///
/// A start is a dense state that owns its values, such as a `std::vector<float>` or an Eigen array,
/// and may hold one sample or, as columns, several. Starts may differ in size.
template <DenseState State>
class References {
  static_assert(RunnableState<State>,
                "dpm: References keeps copies of the starts, so a state must own its values.");

 public:
  /// Runs the plan `fine` from each start. Its steps should be so many that its error can be
  /// neglected: `make_plan(schedule, 200)` suits a network.
  ///
  /// @param network  a model in any form that `sample` takes; or a function of the start's number
  ///                 that returns the model, with the condition of that start.
  /// @param starts   standard normal noise times sigma of the plan's first level.
  /// @param most_nodes  how many nodes are kept, in about as many copies of the starts.
  ///
  /// Refuses an empty list, starts that are empty or not finite (`NonFinite`), stochastic plans and
  /// plans with corrections, and fewer than 6 nodes. Throws `NonFinite`, with the start's number,
  /// where a run from a start meets a NaN. Cost: model_calls() of the plan for each start.
  template <class Network>
  References(const Plan& fine, Network&& network, std::span<const State> starts,
             std::size_t most_nodes = 64) {
    detail::require(!starts.empty(), "References: it was given no starts; it needs at least one");
    detail::require(most_nodes >= detail::Interpolation::most_nodes,
                    "References: most_nodes = ", most_nodes, "; it must be at least ",
                    detail::Interpolation::most_nodes);
    detail::require_callable("References", "network", network);
    nodes_ = detail::nodes_of(fine, most_nodes);
    for (std::size_t i = 0; i < starts.size(); ++i) check_start(starts[i], i);
    for (std::size_t i = 0; i < starts.size(); ++i) run(fine, network, i, starts[i], most_nodes);
  }

  /// Trajectories of your own: `states[i][k]` is where start number i is at `nodes[k]`, and
  /// `states[i][0]` the start itself. Refuses nodes that do not lead from noise to data, other
  /// numbers or shapes of states, and values that are not finite (`NonFinite`).
  References(std::vector<Level> nodes, std::vector<std::vector<State>> states)
      : nodes_(std::move(nodes)), states_(std::move(states)) {
    detail::check_nodes(nodes_);
    detail::require(!states_.empty(), "References: it was given no starts; it needs at least one");
    for (std::size_t i = 0; i < states_.size(); ++i) {
      detail::check_states(states_[i].size(), nodes_.size(), i);
      for (const State& state : states_[i]) {
        check_start(state, i);
        detail::require_shape(detail::shape_of(state), "its start", detail::shape_of(states_[i][0]),
                              "References: a state of start ", i);
      }
    }
  }

  /// How many starts there are.
  [[nodiscard]] std::size_t size() const { return states_.size(); }
  [[nodiscard]] const State& start(std::size_t i) const { return states_[i][0]; }
  /// The levels at which states are kept, from noise to data.
  [[nodiscard]] std::span<const Level> nodes() const { return nodes_; }
  /// Model calls that the references have cost; 0 for trajectories of your own.
  [[nodiscard]] long long model_calls() const { return model_calls_; }

  /// state <- where start number i is at `level`, which must lie between the first node and the
  /// last. At a node this is the node's state.
  void at(std::size_t i, const Level& level, State& state) const {
    const detail::Interpolation by = detail::interpolate(nodes_, level);
    const State* operands[detail::Interpolation::most_nodes];
    for (std::size_t k = 0; k < by.weights.size(); ++k) operands[k] = &states_[i][by.first + k];
    State* const targets[] = {&state};
    state = start(i);
    combine(Weights(by.weights.begin(), by.weights.size()), std::span<State* const>(targets),
            std::span<const State* const>(operands, by.weights.size()));
  }

 private:
  static void check_start(const State& x, std::size_t i) {
    detail::require(dense_view(x).size() > 0, "References: start ", i,
                    " is empty; it must hold at least one value");
    const auto values = dense_view(x);
    if (values.samples == 1 || detail::is_finite(x)) {
      detail::require_finite(x, "References: start ", i);
      return;
    }
    for (std::size_t s = 0; s < values.samples; ++s) {
      for (std::size_t e = 0; e < values.elements; ++e) {
        if (std::isfinite(static_cast<double>(values.at(e, s)))) continue;
        detail::refuse_non_finite(detail::sentence("References: sample ", s, " of start ", i));
      }
    }
  }

  template <class Network>
  void run(const Plan& fine, Network& network, std::size_t i, const State& x,
           std::size_t most_nodes) {
    Stepper<State> stepper(detail::borrow(fine), x);
    const std::vector<bool> kept = detail::kept_steps(fine.steps.size(), most_nodes - 1);
    std::vector<State>& states = states_.emplace_back(1, x);
    while (!stepper.finished()) {
      detail::of_start("References", i, [&] {
        while (const auto call = stepper.next_in_step()) {
          detail::answer_for<State>(network, i, *call);
        }
      });
      if (kept[stepper.steps_done() - 1]) states.push_back(stepper.sample());
    }
    model_calls_ += stepper.model_calls();
  }

  std::vector<Level> nodes_;
  std::vector<std::vector<State>> states_;
  long long model_calls_ = 0;
};

}  // namespace dpm

#if DPM_DEFINE

#  include <algorithm>
#  include <cmath>

#  include "dpm/plan/check.hpp"

namespace dpm::detail {

DPM_INLINE double noise_share(const Level& level) {
  // 1 / (1 + alpha / sigma), without inf / inf.
  const double lambda = level.lambda();
  return lambda > 0.0 ? std::exp(-lambda) / (1.0 + std::exp(-lambda))
                      : 1.0 / (1.0 + std::exp(lambda));
}

DPM_INLINE Interpolation interpolate(std::span<const Level> nodes, const Level& level) {
  const double at = noise_share(level);
  const double first = noise_share(nodes.front());
  const double last = noise_share(nodes.back());
  require(at <= first * (1.0 + level_rounding) && at >= last * (1.0 - level_rounding),
          "References: the level at time ", level.time, " is not between the first node, at time ",
          nodes.front().time, ", and the last, at time ", nodes.back().time);
  std::size_t below = 0;  // the first node that is not noisier than the level
  while (below + 1 < nodes.size() && noise_share(nodes[below]) > at) ++below;
  const std::size_t count = std::min(nodes.size(), Interpolation::most_nodes);
  const std::size_t half = count / 2;
  Interpolation result;
  result.first = std::min(below > half ? below - half : 0, nodes.size() - count);
  for (std::size_t k = 0; k < count; ++k) {
    double weight = 1.0;
    const double node = noise_share(nodes[result.first + k]);
    for (std::size_t i = 0; i < count; ++i) {
      if (i == k) continue;
      const double other = noise_share(nodes[result.first + i]);
      weight *= (at - other) / (node - other);
    }
    result.weights.push_back(weight);
  }
  return result;
}

DPM_INLINE void check_nodes(std::span<const Level> nodes) {
  require(nodes.size() >= 2, "References: it has ", nodes.size(),
          " nodes; it needs at least 2, the start and the end");
  for (std::size_t k = 1; k < nodes.size(); ++k) {
    require(noise_share(nodes[k]) < noise_share(nodes[k - 1]), "References: node ", k,
            " is at time ", nodes[k].time, " after time ", nodes[k - 1].time,
            "; nodes must lead from noise to data");
  }
}

DPM_INLINE void check_states(std::size_t states, std::size_t nodes, std::size_t start) {
  require(states == nodes, "References: start ", start, " has ", states, " states and there are ",
          nodes, " nodes; it must have one for each");
}

DPM_INLINE std::vector<bool> kept_steps(std::size_t steps, std::size_t most) {
  std::vector<bool> kept(steps);
  const std::size_t every = (steps + most - 1) / most;
  for (std::size_t i = steps; i > 0; i -= std::min(i, every)) kept[i - 1] = true;
  return kept;
}

DPM_INLINE std::vector<Level> nodes_of(const Plan& fine, std::size_t most_nodes) {
  check(fine);
  const PlanNeeds needs(fine);
  require(needs.draws == 0 && needs.corrections == 0 && fine.live.empty(),
          "References: the plan draws noise ", needs.draws, " times and asks for ",
          needs.corrections,
          " corrections; it must be the plan of a whole deterministic run without them");
  const std::vector<bool> kept = kept_steps(fine.steps.size(), most_nodes - 1);
  std::vector<Level> nodes{fine.start()};
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (kept[i]) nodes.push_back(fine.steps[i].to);
  }
  check_nodes(nodes);
  return nodes;
}

}  // namespace dpm::detail

#endif
