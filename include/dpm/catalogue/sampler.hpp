// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What a sampler's name stands for: one row of data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "dpm/catalogue/as_coded.hpp"
#include "dpm/method/cfg_plus_plus.hpp"
#include "dpm/method/ddim.hpp"
#include "dpm/method/ddpm.hpp"
#include "dpm/method/deis.hpp"
#include "dpm/method/dpm_solver.hpp"
#include "dpm/method/dpm_solver_sde.hpp"
#include "dpm/method/er_sde.hpp"
#include "dpm/method/gradient_estimation.hpp"
#include "dpm/method/heun.hpp"
#include "dpm/method/heun_plus_plus.hpp"
#include "dpm/method/ipndm.hpp"
#include "dpm/method/lcm.hpp"
#include "dpm/method/pndm.hpp"
#include "dpm/method/restart.hpp"
#include "dpm/method/sa_solver.hpp"
#include "dpm/method/seeds.hpp"
#include "dpm/method/tcd.hpp"
#include "dpm/method/unipc.hpp"
#include "dpm/separate.hpp"

namespace dpm {

/// Any method that a name stands for.
using NamedMethod =
    std::variant<CfgPlusPlus, Ddim, Ddpm, Deis, DpmSolver, DpmSolverSde, ErSde, GradientEstimation,
                 Heun, HeunPlusPlus, Ipndm, Lcm, Pndm, Restart, SaSolver, Seeds, Tcd, UniPc,
                 as_coded::DeisOfEdm, as_coded::DpmSolver2sAncestral, as_coded::IpndmV,
                 as_coded::LmsToZero, as_coded::ResMultistepAncestral>;

/// How the named program runs a sampler on a flow.
enum class OnFlow : std::uint8_t {
  sigma,   ///< in sigma, the flow prediction taken for the noise of a process with alpha = 1
  level,   ///< on the flow's levels
  lambda,  ///< on the flow's levels in lambda, which is finite: sigma = 1 counts as 0.99997
};

/// One sampler by its names.
struct Sampler {
  /// As ComfyUI and k-diffusion write it, or the program that has it: "dpmpp_2m".
  std::string name;
  /// As A1111 shows it, "DPM++ 2M"; empty if it has none.
  std::string label = {};
  /// Other names of the same: stable-diffusion.cpp's, older ones.
  std::vector<std::string> aliases = {};
  /// What it is here.
  NamedMethod method;
  /// The same as C++ that makes it, in namespace `dpm`.
  std::string code = {};
  /// The scheduler that it is used with where none is named (A1111's choice).
  std::string scheduler = "normal";
  /// None if there is no right form of it for flows.
  std::optional<OnFlow> on_flow = OnFlow::sigma;
  /// ComfyUI asks the scheduler for one sigma more and drops the last but one.
  bool drops_last_but_one = false;
  /// Takes the grid's ends and number of steps alone: that many model calls in equal steps of
  /// lambda, none of them to sigma = 0.
  bool makes_own_grid = false;
  /// Takes eta although it draws no noise where eta is not set.
  bool takes_eta = false;
  /// Where the program's own code is not what was meant, what it does.
  std::optional<NamedMethod> as_coded = std::nullopt;
  /// Where it runs on a flow as coded, if that is not `on_flow`.
  std::optional<OnFlow> as_coded_on_flow = std::nullopt;
  /// As coded it ends at this sigma / alpha where the grid ends at sigma = 0.
  double as_coded_end = 0.0;

  /// Order of convergence, for stochastic samplers the weak order; 0 where none is stated.
  [[nodiscard]] int order() const;
  /// Model calls of an inner step; for `dpm_fast` those of the run over its steps.
  [[nodiscard]] int model_calls_a_step() const;
  /// Whether it draws noise in each step.
  [[nodiscard]] bool draws_noise() const;
};

#if DPM_DEFINE

DPM_INLINE int Sampler::order() const {
  return std::visit(
      [](const auto& m) {
        if constexpr (requires { convergence_order(m); }) {
          return convergence_order(m);
        } else {
          return 0;
        }
      },
      method);
}

DPM_INLINE int Sampler::model_calls_a_step() const {
  if (const auto* m = std::get_if<DpmSolver>(&method)) {
    return !makes_own_grid && m->form == DpmSolver::Form::singlestep ? m->order : 1;
  }
  if (const auto* m = std::get_if<Seeds>(&method)) return m->stages;
  if (const auto* m = std::get_if<CfgPlusPlus>(&method)) {
    return m->update == CfgPlusPlus::Update::singlestep ? 2 : 1;
  }
  if (const auto* m = std::get_if<SaSolver>(&method)) return m->evaluates_again ? 2 : 1;
  if (std::holds_alternative<HeunPlusPlus>(method)) return 3;
  const bool two = std::holds_alternative<Heun>(method) ||
                   std::holds_alternative<DpmSolverSde>(method) ||
                   std::holds_alternative<Restart>(method);
  return two ? 2 : 1;
}

DPM_INLINE bool Sampler::draws_noise() const {
  if (const auto* m = std::get_if<DpmSolver>(&method)) return m->tau > 0.0 || m->fresh.eta > 0.0;
  if (const auto* m = std::get_if<Ddim>(&method)) return m->eta > 0.0;
  if (const auto* m = std::get_if<CfgPlusPlus>(&method)) return m->fresh.eta > 0.0;
  if (const auto* m = std::get_if<Seeds>(&method)) return m->tau > 0.0;
  return std::holds_alternative<DpmSolverSde>(method) || std::holds_alternative<ErSde>(method) ||
         std::holds_alternative<SaSolver>(method) || std::holds_alternative<Restart>(method) ||
         std::holds_alternative<Lcm>(method) || std::holds_alternative<Tcd>(method) ||
         std::holds_alternative<Ddpm>(method);
}

#endif

}  // namespace dpm
