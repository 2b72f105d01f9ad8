// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The methods that are compared.
#pragma once

#include <array>
#include <cstdio>
#include <dpm/dpm.hpp>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace study {

/// The schedule that the network was trained with.
inline const dpm::AnySchedule& schedule() {
  static const dpm::AnySchedule trained = dpm::DiscreteSchedule(dpm::linear_betas(1000));
  return trained;
}

/// A method that is chosen at run time.
struct Method {
  std::string name;   ///< on the command line
  std::string label;  ///< in the table and the pictures
  std::string grid;   ///< its levels are equally far apart in this
  /// Refuses a number of calls that the method cannot make. Empty for the black-box method, which
  /// is given a tolerance and makes as many calls as it likes.
  std::function<dpm::Plan(int calls)> plan = {};

  [[nodiscard]] bool is_adaptive() const { return !plan; }
};

inline std::string grid_name(const dpm::UniformTime& /*spacing*/) { return "time"; }
inline std::string grid_name(const dpm::UniformLambda& /*spacing*/) { return "lambda"; }
inline std::string grid_name(const dpm::PowerTime& spacing) {
  std::array<char, 32> name{};
  std::snprintf(name.data(), name.size(), "t^(1/%g)", spacing.power);
  return name.data();
}

/// The method with the given options over a spacing.
template <class Options, class Spacing>
Method make_method(std::string name, std::string label, Options options, Spacing spacing) {
  return {std::move(name), std::move(label), grid_name(spacing), [options, spacing](int calls) {
            return dpm::make_plan(options, schedule(), calls, spacing);
          }};
}

/// The same over the method's default spacing.
template <class Options>
Method make_method(std::string name, std::string label, Options options) {
  return make_method(std::move(name), std::move(label), options, default_spacing(options));
}

/// The method of the samples that all others are held against. On this network its samples change
/// less from 250 calls to 500 than those of the others.
inline Method reference_method() {
  return make_method("dpm++3m", "DPM-Solver++ 3 multistep", dpm::DpmSolver{.order = 3});
}

inline std::vector<Method> all_methods() {
  using dpm::DpmSolver;
  constexpr auto singlestep = DpmSolver::Form::singlestep;
  constexpr auto noise = dpm::Space::noise;
  // As in Stable Diffusion. On this network it is better than the paper's Runge-Kutta start, which
  // takes 12 calls, at 20 and 25 calls, and as good at 50.
  constexpr dpm::Pndm plms{.warmup = dpm::Pndm::Warmup::plms};
  return {
      make_method("ddpm", "DDPM", dpm::Ddpm{}),
      make_method("ddim", "DDIM", dpm::Ddim{}),
      make_method("pndm", "PNDM (PLMS)", plms),
      make_method("dpm3s", "DPM-Solver-3 singlestep",
                  DpmSolver{.order = 3, .form = singlestep, .space = noise}),
      make_method("dpm++2m", "DPM-Solver++ 2 multistep", DpmSolver{.order = 2}),
      reference_method(),
      make_method("unipc", "UniPC-3", dpm::default_method, dpm::UniformLambda{}),
      make_method("default", "UniPC-3 (dpm's default)", dpm::default_method,
                  dpm::default_method_spacing),
      {"rk45", "Adaptive RK45", "adaptive"},
  };
}

}  // namespace study
