// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The results of the official DPM-Solver and UniPC codes, and what this library calls their
/// configurations.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "analytic_problem.hpp"
#include "dpm/dpm.hpp"

namespace dpm_bench {

/// One result of a peer: the error of one of its configurations.
struct PeerRow {
  int calls = 0;
  std::string name;
  double error = 0.0;
};

/// The rows of each problem.
using Peers = std::map<std::string, std::vector<PeerRow>>;

/// From a file like tests/conformance/reference/peer_errors.json.
inline Peers read_peers(const std::string& path) {
  Peers peers;
  const nlohmann::json file = read_json(path);
  for (const auto& [problem, rows] : file.items()) {
    for (const auto& row : rows) peers[problem].push_back({row.at(1), row.at(2), row.at(3)});
  }
  return peers;
}

inline dpm::Grid peer_grid(const std::string& spacing, const dpm::AnySchedule& schedule,
                           int steps) {
  if (spacing == "logSNR") return make_grid(dpm::UniformLambda{}, schedule, steps);
  if (spacing == "time_quadratic") return make_grid(dpm::QuadraticTime{}, schedule, steps);
  if (spacing == "time_uniform") return make_grid(dpm::UniformTime{}, schedule, steps);
  throw std::runtime_error("unknown spacing of a peer: " + spacing);
}

/// The plan that does what the peer's configuration does at so many calls; nothing where the
/// library has no such method. That is UniPC's "vary_coeff" alone, whose corrector is not the
/// paper's.
inline std::optional<dpm::Plan> peer_plan(const std::string& name, const dpm::AnySchedule& schedule,
                                          int calls) {
  std::vector<std::string> parts{""};
  for (const char c : name) {
    if (c == '-') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  const std::string& code = parts.at(0);
  const int order = std::stoi(parts.at(parts.size() - 2));
  const std::string& spacing = parts.back();
  if (code == "unipc") {
    if (parts[2] == "vary_coeff") return std::nullopt;
    const dpm::UniPc method{
        .order = order,
        .coefficients =
            parts[2] == "bh1" ? dpm::UniPc::Coefficients::bh1 : dpm::UniPc::Coefficients::bh2,
        .space = parts[1] == "noise_prediction" ? dpm::Space::noise : dpm::Space::data,
        .lower_order_final = true};
    return make_plan(method, peer_grid(spacing, schedule, calls));
  }
  dpm::DpmSolver method{.order = order,
                        .space = code == "dpmsolver" ? dpm::Space::noise : dpm::Space::data};
  int steps = calls;
  if (parts[1] == "multistep") {
    method.start = dpm::DpmSolver::Start::lower_order;
    method.halved_second_difference = true;
    method.lower_order_final = calls < 10;
  } else {
    method.form = dpm::DpmSolver::Form::singlestep;
    method.lower_order_final = order == 3;
    if (spacing == "logSNR") {
      method.lower_order_final = false;
      method.model_calls = calls;
      steps = order == 3 ? calls / 3 + 1 : (calls + 1) / 2;
    } else {
      // The inner levels of a step are points of the grid of all the calls.
      method.stages = dpm::DpmSolver::Stages::on_grid;
    }
  }
  return make_plan(method, peer_grid(spacing, schedule, steps));
}

/// Runs the peers' configurations here and prints how far the errors are from the peers'. Returns
/// whether they agree.
inline bool check_peers(const Peers& peers, const std::vector<AnalyticProblem>& problems,
                        const dpm::AnySchedule& schedule) {
  int compared = 0;
  int without = 0;
  double furthest = 0.0;
  for (const AnalyticProblem& problem : problems) {
    for (const PeerRow& row : peers.at(problem.name)) {
      const auto plan = peer_plan(row.name, schedule, row.calls);
      if (!plan) {
        ++without;
        continue;
      }
      furthest = std::max(furthest, std::abs(problem.error(*plan) - row.error) / row.error);
      ++compared;
    }
  }
  // The exact ends have 13 digits and the least error is about 1e-6, which leaves 1e-7.
  const bool agree = compared > 0 && furthest < 1e-7;
  std::printf(
      "\n%d of the peers' results, repeated here with the peers' options, %s: the largest relative "
      "difference is %.0e.\n%d more are of options that the library does not have.\n",
      compared, agree ? "agree" : "DISAGREE", furthest, without);
  return agree;
}

}  // namespace dpm_bench
