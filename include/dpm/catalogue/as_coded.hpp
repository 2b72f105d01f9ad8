// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Samplers of other programs where their code is not what was meant: to reproduce their numbers.
#pragma once

#include <cstddef>

#include "dpm/method/ancestral_step.hpp"
#include "dpm/method/method.hpp"
#include "dpm/separate.hpp"
#if DPM_DEFINE
#  include <algorithm>
#  include <array>
#  include <cmath>
#  include <span>

#  include "dpm/math/gauss_legendre.hpp"
#  include "dpm/method/dpm_solver.hpp"
#  include "dpm/method/polynomial.hpp"
#endif

namespace dpm::as_coded {

/// ComfyUI's `ipndm_v`, meant to be variable-step Adams-Bashforth in sigma (`Deis` in
/// sigma_over_alpha). A bracket, a sign and an index of its weights of orders 3 and 4 are wrong.
struct IpndmV {
  static constexpr const char* name = "as_coded::IpndmV";
  int order = 4;
};
void write(PlanBuilder& builder, const IpndmV& method, const Grid& grid);

/// ComfyUI's `deis`: `Deis` in the time of a linear VP schedule from sigma 0.002 to 80, whatever
/// the model's is, its integrals summed over 10,000 points.
struct DeisOfEdm {
  static constexpr const char* name = "as_coded::DeisOfEdm";
  int order = 3;
};
void write(PlanBuilder& builder, const DeisOfEdm& method, const Grid& grid);

/// ComfyUI's `res_multistep_ancestral`, which measures the distance of its two predictions to where
/// the step before wanted to go down to, not to where it ended.
struct ResMultistepAncestral {
  static constexpr const char* name = "as_coded::ResMultistepAncestral";
  FreshNoise fresh = {.eta = 1.0};
};
void write(PlanBuilder& builder, const ResMultistepAncestral& method, const Grid& grid);

/// ComfyUI's `dpmpp_2s_ancestral`, which on a flow takes the inner level of its step from sigma = 1
/// at sigma = 0.9999, where `DpmSolver` takes a step of first order.
struct DpmSolver2sAncestral {
  static constexpr const char* name = "as_coded::DpmSolver2sAncestral";
  FreshNoise fresh = {.eta = 1.0};
};
void write(PlanBuilder& builder, const DpmSolver2sAncestral& method, const Grid& grid);

/// k-diffusion's `lms`, which extrapolates its polynomial to sigma = 0.
struct LmsToZero {
  static constexpr const char* name = "as_coded::LmsToZero";
  int order = 4;
};
void write(PlanBuilder& builder, const LmsToZero& method, const Grid& grid);

#if DPM_DEFINE

namespace detail {

/// Writes Euler steps along a mean of the last predictions; `weights_of(i, order)` gives its
/// weights in step i, newest first, times the length of the step in k = sigma / alpha. A step to
/// sigma = 0 takes the newest alone unless `extrapolates`.
template <class Method, class WeightsOf>
void write_slopes(PlanBuilder& builder, const Grid& grid, const Method& method, bool extrapolates,
                  WeightsOf weights_of) {
  dpm::detail::require(method.order >= 1 && method.order <= 4, Method::name,
                       ": order = ", method.order, "; it must be 1 to 4");
  const auto slots = static_cast<std::size_t>(method.order);
  builder.set_space(Space::noise);
  for (std::size_t i = 0; i < grid.steps(); ++i) {
    const Level& t = grid[i + 1];
    builder.begin_step(grid[i], t);
    builder.evaluate(i % slots, sample_register, grid[i]);
    const bool all = extrapolates || t.sigma() > 0.0;
    const std::size_t used = all ? std::min(i + 1, slots) : 1;
    const double length = std::exp(-t.lambda()) - std::exp(-grid[i].lambda());
    const std::array<double, 4> weights =
        used == 1 ? std::array{length, 0.0, 0.0, 0.0} : weights_of(i, used);
    BoundedVector<Term, 5> terms{{sample_register, std::exp(t.log_alpha - grid[i].log_alpha)}};
    for (std::size_t k = 0; k < used; ++k) {
      terms.push_back({prediction_register((i - k) % slots), t.alpha() * weights[k]});
    }
    builder.combine(sample_register, terms.span());
  }
}

inline double ratio(const Level& level) { return std::exp(-level.lambda()); }

}  // namespace detail

DPM_INLINE void write(PlanBuilder& builder, const IpndmV& method, const Grid& grid) {
  detail::write_slopes(builder, grid, method, false, [&](std::size_t i, std::size_t used) {
    std::array<double, 4> h{};  // this step, the one before, ...
    for (std::size_t k = 0; k < used; ++k) {
      h[k] = detail::ratio(grid[i + 1 - k]) - detail::ratio(grid[i - k]);
    }
    const double r1 = h[0] / h[1];
    std::array<double, 4> c{1.0 + 0.5 * r1, -0.5 * r1, 0.0, 0.0};
    if (used > 2) {
      const double h01 = h[0] + h[1];
      const double r2 = h[1] / h[2];
      const double a = 0.5 * (1.0 - h[0] / (3.0 * h01) * (h[0] * h01) / (h[1] * (h[1] + h[2])));
      c[0] += a;
      c[1] -= (1.0 + r2) * a;
      c[2] += r2 * a;
      if (used > 3) {
        const double h012 = h01 + h[2];
        const double b =
            (0.5 * (1.0 - h[0] / (3.0 * h01)) + (1.0 - h[0] / (2.0 * h01)) * h[0] / (6.0 * h012)) *
            (h[0] * h01 * h012) / (h[1] * (h[1] + h[2]) * (h[1] + h[2] + h[3]));
        const double r3 = h[1] * (h[1] + h[2]) / (h[2] * (h[2] + h[3]));
        c[0] += b;
        c[1] -= (1.0 + r2 + r3) * b;
        c[2] += (r2 + r3 * (1.0 + h[2] / h[3])) * b;
        c[3] -= r3 * r2 * b;
      }
    }
    for (double& weight : c) weight *= h[0];
    return c;
  });
}

DPM_INLINE void write(PlanBuilder& builder, const DeisOfEdm& method, const Grid& grid) {
  const double first = std::log1p(0.002 * 0.002) / 1e-3;
  const double last = std::log1p(80.0 * 80.0);
  const double slope = 2.0 * (first - last) / (1e-3 - 1.0);
  const double start = last - 0.5 * slope;
  const auto time_of = [&](const Level& level) {
    const double k = detail::ratio(level);
    return (std::sqrt(start * start + 2.0 * slope * std::log1p(k * k)) - start) / slope;
  };
  detail::write_slopes(builder, grid, method, false, [&](std::size_t i, std::size_t used) {
    std::array<double, 4> known{};
    for (std::size_t k = 0; k < used; ++k) known[k] = time_of(grid[i - k]);
    const double s = known[0];
    const double t = time_of(grid[i + 1]);
    constexpr int points = 10'000;
    std::array<double, 4> sums{};
    for (int n = 0; n < points; ++n) {
      const double at = s + (t - s) * n / (points - 1);
      const double rate = slope * at + start;  // beta
      const double alpha_cumprod = std::exp(-(0.5 * slope * at + start) * at);
      const double dk = 0.5 * rate / std::sqrt(alpha_cumprod * (1.0 - alpha_cumprod));
      for (std::size_t k = 0; k < used; ++k) {
        double lagrange = 1.0;
        for (std::size_t j = 0; j < used; ++j) {
          if (j != k) lagrange *= (at - known[j]) / (known[k] - known[j]);
        }
        sums[k] += dk * lagrange;
      }
    }
    for (double& sum : sums) sum *= (t - s) / points;
    return sums;
  });
}

DPM_INLINE void write(PlanBuilder& builder, const ResMultistepAncestral& method, const Grid& grid) {
  check_fresh_noise(ResMultistepAncestral::name, method.fresh);
  builder.set_space(Space::data);
  double distance = 0.0;
  for (std::size_t i = 0; i < grid.steps(); ++i) {
    const Level& s = grid[i];
    const AncestralTarget target = ancestral_target(method.fresh, s, grid[i + 1]);
    const ExponentialStep step(Space::data, s, target.down);
    builder.begin_step(s, grid[i + 1]);
    if (target.noise_stddev > 0.0) builder.draw();
    Nodes nodes{{s.lambda(), builder.evaluate(i % 2, sample_register, s)}};
    if (i > 0 && step.finite()) {
      nodes.push_back({s.lambda() - distance, prediction_register((i + 1) % 2)});
    }
    UpdateTerms terms = polynomial_terms(step.linear(), exact_weights(step, nodes.size()),
                                         s.lambda(), nodes.span());
    terms.push_back({noise_register, target.noise_stddev});
    builder.combine(sample_register, terms.span());
    distance = target.down.lambda() - s.lambda();
  }
}

DPM_INLINE void write(PlanBuilder& builder, const DpmSolver2sAncestral& method, const Grid& grid) {
  const DpmSolver usual{.form = DpmSolver::Form::singlestep, .fresh = method.fresh};
  dpm::detail::check_options(usual);
  builder.set_space(Space::data);
  for (std::size_t i = 0; i < grid.steps(); ++i) {
    const Level& s = grid[i];
    if (s.alpha() > 0.0) {
      dpm::detail::write_steps_at_ratios(builder, usual, {grid.schedule(), {s, grid[i + 1]}});
      continue;
    }
    const auto [down, noise_stddev] = ancestral_target(method.fresh, s, grid[i + 1]);
    const Level inner = grid.schedule().level_at_lambda(std::log1p(-0.9999) - std::log(0.9999));
    builder.begin_step(s, grid[i + 1]);
    dpm::detail::write_singlestep_update(builder, usual, {s, down, {inner}}, noise_stddev);
  }
}

DPM_INLINE void write(PlanBuilder& builder, const LmsToZero& method, const Grid& grid) {
  detail::write_slopes(builder, grid, method, true, [&](std::size_t i, std::size_t used) {
    // Lagrange's polynomials through the last k, integrated exactly by Gauss's rule of 8 points.
    const double s = detail::ratio(grid[i]);
    const double half = 0.5 * (detail::ratio(grid[i + 1]) - s);
    const auto rule = dpm::detail::gauss_legendre_rule<8>();
    std::array<double, 4> integrals{};
    for (std::size_t n = 0; n < rule.nodes.size(); ++n) {
      const double at = s + half * (1.0 + rule.nodes[n]);
      for (std::size_t k = 0; k < used; ++k) {
        double lagrange = half * rule.weights[n];
        for (std::size_t j = 0; j < used; ++j) {
          const double known = detail::ratio(grid[i - j]);
          if (j != k) lagrange *= (at - known) / (detail::ratio(grid[i - k]) - known);
        }
        integrals[k] += lagrange;
      }
    }
    return integrals;
  });
}

#endif

}  // namespace dpm::as_coded
