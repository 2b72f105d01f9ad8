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

namespace digits {

/// A method that is chosen at run time.
struct Method {
  std::string name;     ///< on the command line
  std::string label;    ///< in the table and the picture
  std::string spacing;  ///< its levels are equally far apart in this
  std::function<dpm::Plan(const dpm::AnySchedule&, int calls)> plan;
};

inline std::string spacing_name(const dpm::UniformTime& /*spacing*/) { return "time"; }
inline std::string spacing_name(const dpm::UniformLambda& /*spacing*/) { return "lambda"; }

inline std::string spacing_name(const dpm::PowerTime& spacing) {
  std::array<char, 32> name{};
  std::snprintf(name.data(), name.size(), "t^(1/%g)", spacing.power);
  return name.data();
}

/// The method with the given options over a spacing.
template <class Options, class Spacing>
Method make_method(std::string name, std::string label, Options options, Spacing spacing) {
  return {std::move(name), std::move(label), spacing_name(spacing),
          [options, spacing](const dpm::AnySchedule& schedule, int calls) {
            return dpm::make_plan(options, schedule, calls, spacing);
          }};
}

/// The same over the method's default spacing.
template <class Options>
Method make_method(std::string name, std::string label, Options options) {
  return make_method(std::move(name), std::move(label), options, default_spacing(options));
}

inline std::vector<Method> all_methods() {
  using dpm::DpmSolver;
  constexpr auto singlestep = DpmSolver::Form::singlestep;
  constexpr auto noise = dpm::Space::noise;
  return {
      make_method("ddpm", "DDPM", dpm::Ddpm{}),
      make_method("ddim", "DDIM", dpm::Ddim{}),
      // The Runge-Kutta start of the paper takes at least 12 calls.
      make_method("pndm", "PNDM (PLMS)", dpm::Pndm{.warmup = dpm::Pndm::Warmup::plms}),
      make_method("dpm2s", "DPM-Solver-2 singlestep",
                  DpmSolver{.order = 2, .form = singlestep, .space = noise}),
      make_method("dpm3s", "DPM-Solver-3 singlestep",
                  DpmSolver{.order = 3, .form = singlestep, .space = noise}),
      make_method("dpm++2m", "DPM-Solver++ 2 multistep", DpmSolver{.order = 2}),
      make_method("dpm++3m", "DPM-Solver++ 3 multistep", DpmSolver{.order = 3}),
      make_method("unipc", "UniPC-3 (default)", dpm::default_method, dpm::default_method_spacing),
  };
}

}  // namespace digits
