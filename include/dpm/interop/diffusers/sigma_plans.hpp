// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The plans of the diffusers classes that have sigmas: DPM-Solver, DEIS, UniPC, SA-Solver, Euler,
/// Heun, and Euler and Heun along flows.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "dpm/interop/diffusers/levels.hpp"
#include "dpm/method/dpm_solver_weights.hpp"
#include "dpm/method/predictor_corrector.hpp"
#include "dpm/method/unipc.hpp"
#include "dpm/plan/builder.hpp"
#include "dpm/plan/check.hpp"
#include "dpm/plan/conversion.hpp"

namespace dpm::diffusers::detail {

inline DpmSolver::Update update_of(const Options& o) {
  return o.solver_type == "midpoint" ? DpmSolver::Update::midpoint : DpmSolver::Update::taylor;
}

/// A step shorter than this in lambda has length 0 but for rounding.
inline constexpr double no_length = 1e-12;

/// Multistep classes heed `lower_order_final` below this number of steps.
inline constexpr std::size_t few_steps = 15;

/// The order of step i of n in the multistep classes, given how many predictions are known. Both
/// count the steps that a run of image-to-image leaves out.
inline std::size_t multistep_order(const Options& o, std::size_t i, std::size_t n,
                                   std::size_t known, bool ends_at_zero) {
  const bool lowers = o.lower_order_final && n < few_steps;
  const bool last = i + 1 == n;
  if (last && (o.euler_at_final || lowers || ends_at_zero)) return 1;
  const std::size_t order = std::min(static_cast<std::size_t>(o.solver_order), known);
  return i + 2 == n && lowers ? std::min<std::size_t>(order, 2) : order;
}

/// The weights of the derivatives as diffusers has them. At third order the multistep form halves
/// the second difference's weight, and the SDE, in both forms, subtracts 1/2 where it should add.
inline DerivativeWeights dpm_weights(const Options& o, const ExponentialStep& step, const Level& t,
                                     std::size_t order) {
  if (o.kind == Kind::deis) return exact_weights(step, order);
  DerivativeWeights w =
      dpm::detail::dpm_solver_weights(step, static_cast<int>(order), update_of(o));
  if (order == 3 && is_sde(o)) w[2] -= t.alpha() * step.h() * step.h();
  if (order == 3 && o.kind != Kind::dpm_singlestep) w[2] *= 0.5;
  return w;
}

/// DPMSolverMultistep, its inverse, EDMDPMSolverMultistep, CosineDPMSolverMultistep and
/// DEISMultistep.
inline Plan multistep_plan(const Options& o, Mode mode, std::span<const Level> levels,
                           std::size_t skipped = 0) {
  const double tau = is_sde(o) ? 1.0 : 0.0;
  const std::size_t n = levels.size() - 1;
  const auto slots = static_cast<std::size_t>(o.solver_order);
  PlanBuilder builder = builder_for(o);
  Nodes history;
  for (std::size_t i = 0; i < n; ++i) {
    const Level& s = levels[i];
    const Level& t = levels[i + 1];
    const ExponentialStep step(space_of(o), s, t, tau);
    builder.begin_step(s, t);
    if (is_sde(o)) builder.draw();
    history =
        with_newest({s.lambda(), builder.evaluate(i % slots, sample_register, s)}, history, slots);
    std::size_t order =
        multistep_order(o, i + skipped, n + skipped, history.size(), levels[n].sigma() == 0.0);
    const bool divides_by_h =
        o.kind != Kind::deis && (order == 3 || (order == 2 && o.solver_type == "heun"));
    if (divides_by_h && std::abs(step.h()) < no_length) {
      // Where rounding keeps h from 0, the slope in diffusers contributes nothing.
      require(mode == Mode::compatible && step.h() != 0.0, "diffusers: ", class_name(o.kind),
              " of order ", order, " over ", n,
              " steps ends with two equal sigmas, where diffusers gives NaN; use "
              "final_sigmas_type zero, an order below ",
              order, ", or fewer than 15 steps");
      order = 1;
    }
    UpdateTerms terms = polynomial_terms(step.linear(), dpm_weights(o, step, t, order), s.lambda(),
                                         history.span().first(order));
    terms.push_back({noise_register, step.noise_stddev()});
    builder.combine(sample_register, terms.span());
  }
  return std::move(builder).finish();
}

/// The orders of the steps of DPMSolverSinglestep. A block of orders 1, 2, 3 is one step of third
/// order; each of the three starts from the sample at the block's beginning.
inline std::vector<std::size_t> singlestep_orders(const Options& o, std::size_t n) {
  const auto order = static_cast<std::size_t>(o.solver_order);
  std::vector<std::size_t> orders;
  while (orders.size() < n) {
    for (std::size_t k = 1; k <= order && orders.size() < n; ++k) orders.push_back(k);
  }
  const bool lowers = o.lower_order_final && n % order == 0;
  if (lowers || o.final_sigmas_type == "zero") orders.back() = 1;
  return orders;
}

/// DPMSolverSinglestep. The stage register keeps the sample at the block's beginning.
inline Plan singlestep_plan(const Options& o, std::span<const Level> levels,
                            std::size_t skipped = 0) {
  const double tau = is_sde(o) ? 1.0 : 0.0;
  const std::size_t n = levels.size() - 1;
  const std::vector<std::size_t> orders = singlestep_orders(o, n + skipped);
  PlanBuilder builder = builder_for(o);
  Nodes history;
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t order = std::min(orders[i + skipped], i + 1);  // a run may begin in a block
    const Level& s = levels[i + 1 - order];
    const Level& t = levels[i + 1];
    const ExponentialStep step(space_of(o), s, t, tau);
    builder.begin_step(levels[i], t);
    if (is_sde(o)) builder.draw();
    history = with_newest({levels[i].lambda(), builder.evaluate(i % 3, sample_register, levels[i])},
                          history, 3);
    if (order == 1) builder.combine(stage_register, {{sample_register, 1.0}});
    // The block's nodes, oldest first. Third-order midpoint uses the first and the last alone.
    Nodes nodes;
    for (std::size_t k = order; k > 0; --k) nodes.push_back(history[k - 1]);
    DerivativeWeights weights = dpm_weights(o, step, t, order);
    if (order == 3 && o.solver_type == "midpoint") {
      nodes = Nodes{nodes[0], nodes[2]};
      weights = exact_weights(step, 2);
    }
    UpdateTerms terms = polynomial_terms(step.linear(), weights, s.lambda(), nodes.span());
    terms[0].operand = stage_register;
    terms.push_back({noise_register, step.noise_stddev()});
    builder.combine(sample_register, terms.span());
  }
  return std::move(builder).finish();
}

/// UniPC with its corrector in every step.
inline UniPc unipc_of(const Options& o) {
  return {
      .order = o.solver_order,
      .coefficients = o.solver_type == "bh1" ? UniPc::Coefficients::bh1 : UniPc::Coefficients::bh2,
      .space = space_of(o),
      .lower_order_final = o.lower_order_final};
}

/// Whether UniPC corrects step i.
inline bool is_corrected(const Options& o, std::size_t i) {
  const std::vector<int>& off = o.disable_corrector;
  return std::find(off.begin(), off.end(), static_cast<int>(i)) == off.end();
}

/// UniPCMultistep.
inline Plan unipc_plan(const Options& o, std::span<const Level> levels, std::size_t skipped = 0) {
  require(
      levels.back().sigma() != 0.0 || o.predict_x0,
      "diffusers: UniPCMultistepScheduler with predict_x0 false and final_sigmas_type zero gives "
      "NaN there; use final_sigmas_type sigma_min, or predict_x0 true");
  const bool repeats =
      std::abs(levels.back().lambda() - levels[levels.size() - 2].lambda()) < no_length;
  require(
      o.lower_order_final || !(repeats && o.solver_order > 2),
      "diffusers: UniPCMultistepScheduler of order ", o.solver_order,
      " with lower_order_final false ends with two equal sigmas, where diffusers gives NaN; use "
      "lower_order_final true");
  PlanBuilder builder(prediction_of(o), correction_of(o));
  dpm::detail::write_unipc(builder, unipc_of(o), levels,
                           [&](std::size_t step) { return is_corrected(o, step + skipped); });
  return std::move(builder).finish();
}

inline double sa_solver_tau(const Level& s) {
  return s.timestep >= 200.0 && s.timestep <= 800.0 ? 1.0 : 0.0;
}

/// SASolver. With two predictions diffusers weighs the slope by (1 + tau^2) alpha h^2 / 2, which is
/// not the integral.
inline Plan sa_solver_plan(const Options& o, std::span<const Level> levels) {
  PlanBuilder builder = builder_for(o);
  dpm::detail::write_predictor_corrector(
      builder,
      {.space = space_of(o),
       .predictor_nodes = static_cast<std::size_t>(o.predictor_order),
       .corrector_nodes = static_cast<std::size_t>(o.corrector_order),
       .lower_order_final = o.lower_order_final,
       .tau = [](const Level& from, const Level&) { return sa_solver_tau(from); },
       .weights =
           [&](const dpm::detail::MultistepInterval& interval, std::size_t nodes) {
             DerivativeWeights weights = exact_weights(interval.step, nodes);
             if (nodes == 2 && space_of(o) == Space::data) {
               const double q = 1.0 + sa_solver_tau(interval.from);  // tau is 0 or 1
               const double h = interval.step.h();
               weights[1] = q * interval.to.alpha() * h * h / 2.0;
             }
             return weights;
           }},
      levels);
  Plan plan = std::move(builder).finish();
  // diffusers draws in every step: each begins with a draw, of which it then has no other.
  std::uint32_t draw = 0;
  for (auto& [from, to, instructions] : plan.steps) {
    std::erase_if(instructions, [](const auto& i) { return std::holds_alternative<Draw>(i); });
    instructions.insert(instructions.begin(), Draw{noise_register, draw++});
  }
  check(plan);
  return plan;
}

/// How much Euler's churn raises sigma before step i of n: sigma (1 + gamma) (Karras et al. 2022,
/// arXiv 2206.00364, Alg. 2).
inline double churned_sigma(const Run& run, double sigma, std::size_t n) {
  const bool in_range = run.s_tmin <= sigma && sigma <= run.s_tmax;
  const double most = std::numbers::sqrt2 - 1.0;
  return in_range ? sigma * (1.0 + std::min(run.s_churn / static_cast<double>(n), most)) : sigma;
}

/// A step of Euler from `hat`, to which noise has raised sigma. diffusers has called the model
/// before it adds the noise, and takes the output for one at the new level; that of v_prediction
/// for one at the old.
inline void write_churned_step(PlanBuilder& builder, const Options& o, const Run& run,
                               const Level& s, const Level& t, double hat) {
  builder.begin_step(s, t);
  builder.draw();
  const Register m = builder.evaluate_raw(0, sample_register, s);
  Level at = s;
  if (o.kind == Kind::edm_euler || o.prediction_type != "v_prediction")
    at.log_sigma = std::log(hat);
  const Conversion data = to_data(prediction_of(o), at);
  const double slope = (t.sigma() - hat) / hat;  // of x - x_0
  const double kept = 1.0 + slope * (1.0 - data.input);
  const double added = run.s_noise * std::sqrt((hat - s.sigma()) * (hat + s.sigma()));
  builder.combine(
      sample_register,
      {{sample_register, kept}, {m, -slope * data.output}, {noise_register, kept * added}});
}

/// EulerDiscrete, EDMEuler, FlowMatchEulerDiscrete and FlowMatchLCM: x + (sigma_t - sigma_s) m,
/// where m is epsilon or the flow; for FlowMatchLCM and with `stochastic_sampling` fresh noise
/// around the data prediction x - sigma_s flow. Where sigmas are inverted, diffusers' sigma is
/// alpha.
inline Plan euler_plan(const Options& o, const Run& run, std::span<const Level> levels,
                       std::size_t skipped) {
  const bool flow = is_flow_match(o.kind);
  const bool draws = flow && (o.stochastic_sampling || o.kind == Kind::flow_match_lcm);
  const auto sigma_of = [&](const Level& level) {
    return o.invert_sigmas ? level.alpha() : level.sigma();
  };
  PlanBuilder builder = builder_for(o);
  for (std::size_t i = 0; i + 1 < levels.size(); ++i) {
    const double s = sigma_of(levels[i]);
    const double t = sigma_of(levels[i + 1]);
    const double hat = churned_sigma(run, s, levels.size() - 1 + skipped);
    if (hat > s) {
      write_churned_step(builder, o, run, levels[i], levels[i + 1], hat);
      continue;
    }
    builder.begin_step(levels[i], levels[i + 1]);
    if (draws) builder.draw();
    const Register m = flow ? builder.evaluate_raw(0, sample_register, levels[i])
                            : builder.evaluate(0, sample_register, levels[i]);
    const double kept = draws ? 1.0 - t : 1.0;
    builder.combine(sample_register, {{sample_register, kept},
                                      {m, draws ? -kept * s : t - s},
                                      {noise_register, draws ? t : 0.0}});
  }
  return std::move(builder).finish();
}

/// HeunDiscrete and FlowMatchHeunDiscrete, each of whose model calls is a step: to the end of the
/// interval, and from its beginning again with the mean of both slopes. The last interval has the
/// first alone. The stage register keeps the sample at the interval's beginning.
inline Plan heun_plan(const Options& o, std::span<const Level> levels) {
  PlanBuilder builder = builder_for(o);
  const auto evaluate = [&](std::size_t slot, const Level& at) {
    return is_flow_match(o.kind) ? builder.evaluate_raw(slot, sample_register, at)
                                 : builder.evaluate(slot, sample_register, at);
  };
  for (std::size_t i = 0; i + 1 < levels.size(); ++i) {
    const Level& s = levels[i];
    const Level& t = levels[i + 1];
    const double length = t.sigma() - s.sigma();
    builder.begin_step(s, t);
    const Register first = evaluate(0, s);
    builder.combine(stage_register, {{sample_register, 1.0}});
    builder.combine(sample_register, {{sample_register, 1.0}, {first, length}});
    if (i + 2 == levels.size()) break;
    builder.begin_step(t, t);
    const Register second = evaluate(1, t);
    builder.combine(sample_register,
                    {{stage_register, 1.0}, {first, 0.5 * length}, {second, 0.5 * length}});
  }
  return std::move(builder).finish();
}

}  // namespace dpm::diffusers::detail
