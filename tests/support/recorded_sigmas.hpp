// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The lists of sigmas that k-diffusion, ComfyUI and A1111 made, and the spacing that makes each.
#pragma once

#include <cmath>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "dpm/grid/comfyui_spacing.hpp"
#include "dpm/grid/grid.hpp"
#include "dpm/grid/published_spacing.hpp"
#include "dpm/grid/sigma_curves.hpp"
#include "dpm/grid/sigma_spacing.hpp"
#include "dpm/grid/spacing.hpp"
#include "dpm/schedule/betas.hpp"
#include "dpm/schedule/discrete.hpp"
#include "dpm/schedule/log_sigma_table.hpp"
#include "dpm/schedule/rectified_flow.hpp"

namespace dpm_test::recorded_sigmas {

using dpm::AlignYourSteps;
using dpm::FinalSigma;
using dpm::Grid;
using dpm::OptimalSteps;

inline const dpm::AnySchedule table =
    dpm::LogSigmaTable(dpm::DiscreteSchedule(dpm::scaled_linear_betas()));
inline const dpm::AnySchedule flow = dpm::RectifiedFlow(3.0);

struct Recorded {
  std::string id;
  std::string scheduler;
  bool of_a1111;
  bool on_flow;
  int n;
  nlohmann::json options;
  std::vector<double> sigmas;

  [[nodiscard]] const dpm::AnySchedule& schedule() const { return on_flow ? flow : table; }
  [[nodiscard]] FinalSigma final() const {
    return options.value("discard_penultimate", false) ? FinalSigma::zero_instead
                                                       : FinalSigma::zero;
  }
};

/// The list of sigmas of a recorded case.
inline Recorded recorded_list(const nlohmann::json& entry) {
  const std::string source = entry.at("source");
  Recorded list{entry.at("id"),
                entry.at("scheduler"),
                source.rfind("A1111", 0) == 0,
                entry.at("model") == "flow",
                entry.at("n"),
                entry.at("options"),
                {}};
  for (const auto& sigma : entry.at("sigmas")) {
    // A null stands for NaN.
    list.sigmas.push_back(sigma.is_null() ? std::nan("") : sigma.get<double>());
  }
  return list;
}

template <class Spacing>
Grid on(const Recorded& list, const Spacing& spacing) {
  return make_grid(spacing, list.schedule(), list.n);
}

inline Grid karras(const Recorded& list) {
  if (!list.options.contains("sigma_min")) return on(list, dpm::KarrasSigma{.final = list.final()});
  const auto time_of = [&](const char* option) {
    return table.time_of_lambda(-std::log(list.options.at(option).get<double>()));
  };
  return on(list,
            dpm::KarrasSigma{
                .start = time_of("sigma_max"), .end = time_of("sigma_min"), .final = list.final()});
}

inline Grid simple(const Recorded& list) {
  return on(list, dpm::SimpleTable{.final = list.final()});
}

inline Grid timesteps(const Recorded& list) {
  return on(list, dpm::UniformTimestep{.final = list.final()});
}

/// The spacing of each scheduler; a slice of its list has a name of its own.
using Maker = std::function<Grid(const Recorded&)>;
inline const std::map<std::string, Maker>& makers() {
  static const std::map<std::string, Maker> all{
      {"karras", karras},
      {"karras[4:]", [](const Recorded& list) { return karras(list).from(4); }},
      {"karras[:9]",
       [](const Recorded& list) {
         const Grid whole = karras(list);
         return Grid(whole.schedule(), {whole.levels().begin(), whole.levels().begin() + 9});
       }},
      {"exponential",
       [](const Recorded& list) { return on(list, dpm::Polyexponential{.final = list.final()}); }},
      {"polyexponential",
       [](const Recorded& list) {
         return on(list, dpm::Polyexponential{.rho = list.options.at("rho")});
       }},
      {"vp", [](const Recorded& list) { return on(list, dpm::VpSigma{}); }},
      {"laplace",
       [](const Recorded& list) {
         return make_grid(dpm::Laplace{.mu = list.options.at("mu"),
                                       .beta = list.options.at("beta"),
                                       .final = FinalSigma::sigma_min},
                          list.schedule(), list.n - 1);
       }},
      {"kl_optimal",
       [](const Recorded& list) {
         return on(list,
                   dpm::KlOptimal{.final = list.of_a1111 ? FinalSigma::sigma_min : list.final()});
       }},
      {"linear_quadratic",
       [](const Recorded& list) { return on(list, dpm::LinearQuadratic{.final = list.final()}); }},
      {"normal", timesteps},
      {"uniform", timesteps},
      {"kd_discrete", timesteps},
      {"sgm_uniform", [](const Recorded& list) { return on(list, dpm::SgmUniform{}); }},
      {"simple", simple},
      {"simple[3:]", [](const Recorded& list) { return simple(list).from(3); }},
      {"ddim_uniform",
       [](const Recorded& list) { return on(list, dpm::DdimUniform{.final = list.final()}); }},
      {"beta",
       [](const Recorded& list) {
         return list.of_a1111 ? on(list, dpm::BetaSigma{})
                              : on(list, dpm::BetaTimestep{.final = list.final()});
       }},
      {"gits",
       [](const Recorded& list) {
         return on(list, dpm::Gits{.coefficient = list.options.at("coeff")});
       }},
      {"ays:SD1", [](const Recorded& list) { return on(list, AlignYourSteps{}); }},
      {"ays:SVD",
       [](const Recorded& list) {
         return on(list, AlignYourSteps{.list = AlignYourSteps::List::svd});
       }},
      {"ays-SD1",
       [](const Recorded& list) {
         return on(list, AlignYourSteps{.list = AlignYourSteps::List::sd1_rounded,
                                        .final = FinalSigma::zero});
       }},
      {"ays-SDXL",
       [](const Recorded& list) {
         return on(list, AlignYourSteps{.list = AlignYourSteps::List::sdxl_rounded,
                                        .final = FinalSigma::zero});
       }},
      {"optimalsteps:FLUX", [](const Recorded& list) { return on(list, OptimalSteps{}); }},
      {"optimalsteps:Wan",
       [](const Recorded& list) {
         return on(list, OptimalSteps{.list = OptimalSteps::List::wan});
       }},
      {"optimalsteps:Chroma", [](const Recorded& list) {
         return on(list, OptimalSteps{.list = OptimalSteps::List::chroma});
       }}};
  return all;
}

/// What programs call sigma: sigma / alpha, on a flow sigma itself.
inline std::vector<double> sigmas_of(const Grid& grid, bool on_flow) {
  std::vector<double> sigmas;
  for (const dpm::Level& level : grid.levels()) {
    sigmas.push_back(on_flow ? level.sigma() : std::exp(-level.lambda()));
  }
  return sigmas;
}

}  // namespace dpm_test::recorded_sigmas
