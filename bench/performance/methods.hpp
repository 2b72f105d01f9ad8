// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The methods whose steps are timed: the library's plan, and each step in its steady state as one
/// would write it without the library. `at` points to the level where the step starts, in a list
/// that has the levels before it and after it.
#pragma once

#include <cstddef>

#include "arrays.hpp"
#include "dpm/dpm.hpp"
#include "hand_loops.hpp"
#include "points.hpp"

namespace dpm_bench {

using Floats = Eigen::ArrayXf;

template <class Values>
std::size_t size_of(const Arrays<Values>& a) {
  return static_cast<std::size_t>(a.x.size());
}

/// DPM-Solver++ 2 multistep, for networks that predict noise.
struct Multistep2 {
  static constexpr const char* name = "2M";
  static constexpr std::size_t slots = 2;   ///< predictions kept
  static constexpr std::size_t stages = 1;  ///< model calls, and levels, a step
  static constexpr std::size_t moved = 5;   ///< arrays read and arrays written in a step
  static constexpr bool has_trial = false;  ///< whether y is used
  static constexpr bool converts = true;    ///< whether noise becomes data
  static dpm::Plan plan(const dpm::Grid& grid) {
    return make_plan(dpm::DpmSolver{.order = 2}, grid);
  }
  template <class Real>
  static WeightsOf<Real> weights(const Point<Real>* at) {
    const auto w = midpoint_weights(at[-1], at[0], at[1]);
    return {1 / at->alpha, -at->sigma / at->alpha, at[1].sigma / at->sigma, w[0], w[1]};
  }
  template <class Values, class Model>
  static void hand(Arrays<Values>& a, Weights w, std::size_t step, Model model) {
    Values& m = a.m[step % 2];
    model(a.x, m);
    hand_multistep_2(size_of(a), w, a.x.data(), m.data(), a.m[(step + 1) % 2].data());
  }
  template <class Values, class Model>
  static void written(Arrays<Values>& a, Weights w, std::size_t step, Model model) {
    model(a.x, a.output);
    Values& m = a.m[step % 2];
    m = w[0] * a.x + w[1] * a.output;
    a.x = w[2] * a.x + w[3] * m + w[4] * a.m[(step + 1) % 2];
  }
};

/// DPM-Solver++ 3 multistep.
struct Multistep3 {
  static constexpr const char* name = "3M";
  static constexpr std::size_t slots = 3;
  static constexpr std::size_t stages = 1;
  static constexpr std::size_t moved = 6;
  static constexpr bool has_trial = false;
  static constexpr bool converts = true;
  static dpm::Plan plan(const dpm::Grid& grid) {
    return make_plan(dpm::DpmSolver{.order = 3}, grid);
  }
  template <class Real>
  static WeightsOf<Real> weights(const Point<Real>* at) {
    const auto w = parabola_weights(at[0], at[1], at[-1], at[-2]);
    return {1 / at->alpha, -at->sigma / at->alpha, at[1].sigma / at->sigma, w[0], w[1], w[2]};
  }
  template <class Values, class Model>
  static void hand(Arrays<Values>& a, Weights w, std::size_t step, Model model) {
    Values& m = a.m[step % 3];
    model(a.x, m);
    hand_multistep_3(size_of(a), w, a.x.data(), m.data(), a.m[(step + 2) % 3].data(),
                     a.m[(step + 1) % 3].data());
  }
  template <class Values, class Model>
  static void written(Arrays<Values>& a, Weights w, std::size_t step, Model model) {
    model(a.x, a.output);
    Values& m = a.m[step % 3];
    m = w[0] * a.x + w[1] * a.output;
    a.x = w[2] * a.x + w[3] * m + w[4] * a.m[(step + 2) % 3] + w[5] * a.m[(step + 1) % 3];
  }
};

/// UniPC-2 with its corrector, bh2. What the corrector adds to the predicted sample is the
/// difference of the two polynomials' integrals, so a step is made of what one of 3M is made of.
struct UniPc2 : Multistep3 {
  static constexpr const char* name = "UniPC-2";
  static dpm::Plan plan(const dpm::Grid& grid) { return make_plan(dpm::UniPc{.order = 2}, grid); }
  template <class Real>
  static WeightsOf<Real> weights(const Point<Real>* at) {
    const Real linear = at[1].sigma / at->sigma;
    const auto corrected = parabola_weights(at[-1], at[0], at[0], at[-2]);
    const auto predicted = midpoint_weights(at[-2], at[-1], at[0]);
    const auto next = midpoint_weights(at[-1], at[0], at[1]);
    return {1 / at->alpha,
            -at->sigma / at->alpha,
            linear,
            linear * corrected[1] + next[0],
            linear * (corrected[0] - predicted[0]) + next[1],
            linear * (corrected[2] - predicted[1])};
  }
};

/// PNDM with four predictions.
struct Plms {
  static constexpr const char* name = "PNDM";
  static constexpr std::size_t slots = 4;
  static constexpr std::size_t stages = 1;
  static constexpr std::size_t moved = 6;
  static constexpr bool has_trial = false;
  static constexpr bool converts = false;
  static dpm::Plan plan(const dpm::Grid& grid) {
    return make_plan(dpm::Pndm{.warmup = dpm::Pndm::Warmup::plms}, grid);
  }
  template <class Real>
  static WeightsOf<Real> weights(const Point<Real>* at) {
    const auto w = ddim_weights(at[0], at[1]);
    const Real of_mix = w[1] / 24;
    return {w[0], 55 * of_mix, -59 * of_mix, 37 * of_mix, -9 * of_mix};
  }
  template <class Values, class Model>
  static void hand(Arrays<Values>& a, Weights w, std::size_t step, Model model) {
    Values& m = a.m[step % 4];
    model(a.x, m);
    hand_pndm(size_of(a), w, a.x.data(), m.data(), a.m[(step + 3) % 4].data(),
              a.m[(step + 2) % 4].data(), a.m[(step + 1) % 4].data());
  }
  template <class Values, class Model>
  static void written(Arrays<Values>& a, Weights w, std::size_t step, Model model) {
    model(a.x, a.m[step % 4]);
    a.x = w[0] * a.x + w[1] * a.m[step % 4] + w[2] * a.m[(step + 3) % 4] +
          w[3] * a.m[(step + 2) % 4] + w[4] * a.m[(step + 1) % 4];
  }
};

struct Ddim {
  static constexpr const char* name = "DDIM";
  static constexpr std::size_t slots = 1;
  static constexpr std::size_t stages = 1;
  static constexpr std::size_t moved = 3;
  static constexpr bool has_trial = false;
  static constexpr bool converts = false;
  static dpm::Plan plan(const dpm::Grid& grid) { return make_plan(dpm::Ddim{}, grid); }
  template <class Real>
  static WeightsOf<Real> weights(const Point<Real>* at) {
    const auto w = ddim_weights(at[0], at[1]);
    return {w[0], w[1]};
  }
  template <class Values, class Model>
  static void hand(Arrays<Values>& a, Weights w, std::size_t /*step*/, Model model) {
    model(a.x, a.m[0]);
    hand_ddim(size_of(a), w, a.x.data(), a.m[0].data());
  }
  template <class Values, class Model>
  static void written(Arrays<Values>& a, Weights w, std::size_t /*step*/, Model model) {
    model(a.x, a.m[0]);
    a.x = w[0] * a.x + w[1] * a.m[0];
  }
};

/// DPM-Solver-3 singlestep (arXiv 2206.00927, Alg. 2): three stages a step, a model call each.
struct Singlestep3 {
  static constexpr const char* name = "3S";
  static constexpr std::size_t slots = 3;
  static constexpr std::size_t stages = 3;
  static constexpr std::size_t moved = 11;
  static constexpr bool has_trial = true;
  static constexpr bool converts = false;
  static dpm::Plan plan(const dpm::Grid& grid) {
    return make_plan(
        dpm::DpmSolver{
            .order = 3, .form = dpm::DpmSolver::Form::singlestep, .space = dpm::Space::noise},
        grid);
  }
  template <class Real>
  static WeightsOf<Real> weights(const Point<Real>* at) {
    const auto first = ddim_weights(at[0], at[1]);
    const auto slope = [at](std::size_t stage) {  // sigma ((e^h - 1) / h - 1)
      const Real h = at[stage].lambda - at->lambda;
      return at[stage].sigma * (std::expm1(h) / h - 1);
    };
    const auto second = ddim_weights(at[0], at[2]);
    const auto last = ddim_weights(at[0], at[3]);
    const Real of_second = -2 * slope(2);          // r2 / r1 = 2
    const Real of_last = -slope(3) * Real(3) / 2;  // 1 / r2
    return {first[0],  first[1], second[0],         second[1] - of_second,
            of_second, last[0],  last[1] - of_last, of_last};
  }
  template <class Values, class Model>
  static void hand(Arrays<Values>& a, Weights w, std::size_t /*step*/, Model model) {
    model(a.x, a.m[0]);
    hand_first_stage(size_of(a), w, a.x.data(), a.y.data(), a.m[0].data());
    model(a.y, a.m[1]);
    hand_next_stage(size_of(a), w + 2, a.x.data(), a.y.data(), a.m[0].data(), a.m[1].data());
    model(a.y, a.m[2]);
    hand_last_stage(size_of(a), w + 5, a.x.data(), a.m[0].data(), a.m[2].data());
  }
  template <class Values, class Model>
  static void written(Arrays<Values>& a, Weights w, std::size_t /*step*/, Model model) {
    model(a.x, a.m[0]);
    a.y = w[0] * a.x + w[1] * a.m[0];
    model(a.y, a.m[1]);
    a.y = w[2] * a.x + w[3] * a.m[0] + w[4] * a.m[1];
    model(a.y, a.m[2]);
    a.x = w[5] * a.x + w[6] * a.m[0] + w[7] * a.m[2];
  }
};

}  // namespace dpm_bench
