// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The methods that are compared.
#pragma once

#include <array>
#include <cstdio>
#include <dpm/dpm.hpp>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace study {

/// The schedule that the network was trained with.
inline const dpm::AnySchedule& schedule() {
  static const dpm::AnySchedule trained = dpm::DiscreteSchedule(dpm::linear_betas(1000));
  return trained;
}

/// "3", or as many digits as it takes.
inline std::string scale_text(double scale) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%g", scale);
  return text.data();
}

/// The setup with that guidance scale in the names of files: "unconditional" or "scale_3".
inline std::string setup_key(double scale) {
  return scale == 0.0 ? "unconditional" : "scale_" + scale_text(scale);
}

/// A method that is chosen at run time.
struct Method {
  std::string name;   ///< on the command line
  std::string label;  ///< in the table and the pictures
  std::string grid;   ///< its levels are equally far apart in this
  /// The plan for a guidance scale; none where the method cannot make that number of calls. Empty
  /// for the black-box method, which is given a tolerance and makes as many calls as it likes.
  std::function<std::optional<dpm::Plan>(double scale, int calls)> plan = {};

  [[nodiscard]] bool is_adaptive() const { return !plan; }
};

inline std::string grid_name(const dpm::UniformTime& /*spacing*/) { return "time"; }
inline std::string grid_name(const dpm::UniformLambda& /*spacing*/) { return "lambda"; }
inline std::string grid_name(const dpm::PowerTime& spacing) {
  std::array<char, 32> name{};
  std::snprintf(name.data(), name.size(), "t^(1/%g)", spacing.power);
  return name.data();
}

/// The method with the given options over a spacing whose end is clean data, sigma = 0.
template <class Options, class Spacing>
Method make_method(std::string name, std::string label, Options options, Spacing spacing) {
  spacing.final = dpm::FinalSigma::zero_instead;
  const auto plan = [options, spacing](double /*scale*/, int calls) -> std::optional<dpm::Plan> {
    try {
      return dpm::make_plan(options, schedule(), calls, spacing);
    } catch (const dpm::InvalidArgument&) {
      return std::nullopt;
    }
  };
  return {std::move(name), std::move(label), grid_name(spacing), plan};
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

/// The plans that `study --calibrate` has left in `folder`, one for each setup and number of calls.
/// Throws `std::runtime_error` for a file that holds no plan. (calibrated.cpp)
Method calibrated_method(const std::string& folder);

/// All rows of the tables; the calibrated plans are those in `plans`.
inline std::vector<Method> all_methods(const std::string& plans) {
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
      calibrated_method(plans),
      {"rk45", "Adaptive RK45", "adaptive"},
  };
}

}  // namespace study
