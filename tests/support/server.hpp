// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// An inference server: many requests, one network call at a time.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/test_network.hpp"

namespace dpm_test::serving {

using State = std::vector<double>;
using Options = dpm::RunOptions<State>;
using Run = dpm::Stepper<State>;

inline constexpr std::size_t row_size = 4;
inline const dpm::AnySchedule schedule = dpm::VpLinear();

/// A network as a server has it: rows of four values, each with a time of its own.
inline State network(const State& batch, const State& times) {
  State noise(batch.size());
  State in(row_size);
  State out(row_size);
  for (std::size_t row = 0; row < times.size(); ++row) {
    const auto place = static_cast<std::ptrdiff_t>(row * row_size);
    std::copy_n(batch.begin() + place, row_size, in.begin());
    test_network(in, times[row], out);
    std::copy(out.begin(), out.end(), noise.begin() + place);
  }
  return noise;
}

/// The same network for one request alone.
inline void network_alone(const State& x, const dpm::Level& at, State& out) {
  out = network(x, State(x.size() / row_size, at.time));
}

struct Request {
  std::string name;
  std::size_t arrival = 0;  // the network call that it is in time for
  dpm::Plan plan;
  State start;
  Options options = {};
};

inline State start_of(std::size_t samples, double shift) {
  State x(samples * row_size);
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = std::sqrt(2.0) * std::cos(shift + 1.1 * static_cast<double>(i));
  }
  return x;
}

/// Methods, step counts, start times and sizes of all kinds; nine of them draw noise or estimate
/// their errors.
inline std::vector<Request> many_requests() {
  using dpm::DpmSolver;
  using dpm::make_plan;
  constexpr auto singlestep = DpmSolver::Form::singlestep;
  std::vector<Request> all;
  const auto add = [&](const std::string& name, std::size_t arrival, std::size_t samples,
                       dpm::Plan plan) {
    Request request{name, arrival, std::move(plan),
                    start_of(samples, static_cast<double>(all.size()))};
    if (request.plan.draws() > 0) {
      request.options.noise = dpm::NormalNoise{.seed = all.size(), .elements_per_sample = row_size};
    }
    if (request.plan.corrections() > 0) request.options.correction = dpm::Clip(1.5);
    all.push_back(std::move(request));
  };
  const dpm::UniformTime late{.start = 0.6};
  const dpm::UniformTime inversion{.start = 1e-3, .end = 0.7};
  add("default", 0, 1, make_plan(schedule, 12));
  add("DDIM from an image", 0, 2, make_plan(dpm::Ddim{}, schedule, 7, late));
  add("third order", 1, 3, make_plan(DpmSolver{.order = 3}, schedule, 9));
  add("SDE", 1, 2, make_plan(DpmSolver{.tau = 1.0}, schedule, 8));
  add("DDPM", 2, 3, make_plan(dpm::Ddpm{}, schedule, 15, dpm::UniformTime{.start = 0.9}));
  add("DDIM with noise", 2, 1, make_plan(dpm::Ddim{.eta = 0.5}, schedule, 6));
  add("UniPC with estimates", 3, 2,
      make_plan(dpm::UniPc{.order = 3, .estimate_error = true}, schedule, 10));
  add("one call", 3, 1, make_plan(dpm::Ddim{}, schedule, 1));
  add("singlestep with estimates", 4, 1,
      make_plan(DpmSolver{.order = 3, .form = singlestep, .estimate_error = true}, schedule, 11));
  add("Heun with estimates", 5, 3, make_plan(dpm::Heun{.estimate_error = true}, schedule, 8, late));
  add("DEIS with estimates", 5, 1,
      make_plan(dpm::Deis{.order = 3, .estimate_error = true}, schedule, 5));
  add("PNDM", 6, 2, make_plan(dpm::Pndm{}, schedule, 14));
  add("inversion", 6, 1, make_plan(dpm::Ddim{}, schedule, 9, inversion));
  add("SA-Solver", 9, 2, make_plan(dpm::SaSolver{}, schedule, 7));
  add("Runge-Kutta", 9, 1, make_plan(dpm::RungeKutta{.order = 4}, schedule, 8));
  add("clipped DDPM", 12, 1,
      make_plan(dpm::Ddpm{}, schedule, 5, late, dpm::Prediction::noise, dpm::Correction::data));
  add("clean data", 25, 2, make_plan(DpmSolver{.denoise_to_zero = true}, schedule, 6));
  return all;
}

/// What a request gets.
struct Answer {
  State sample;
  std::vector<State> estimates;
  int model_calls = 0;
  bool operator==(const Answer&) const = default;
};

/// The request's options, with an observer that keeps the estimates of errors.
inline Options watched(const Request& request, std::vector<State>& estimates) {
  Options options = request.options;
  options.refillable = true;
  options.observer = [&estimates](const dpm::Progress<State>& progress) {
    if (progress.error != nullptr) estimates.push_back(*progress.error);
  };
  return options;
}

inline Answer alone(const Request& request) {
  Answer answer;
  answer.sample = request.start;
  const auto report =
      dpm::sample(request.plan, network_alone, answer.sample, watched(request, answer.estimates));
  answer.model_calls = report.model_calls;
  return answer;
}

/// Continuous batching: each network call answers the calls that have waited longest, as many rows
/// as it has room for. Runs move about with their calls open.
class Server {
 public:
  explicit Server(std::size_t room) : room_(room) {}

  /// Runs that are over or were cancelled.
  std::map<std::string, Run> over;
  std::map<std::string, std::vector<State>> estimates;
  std::size_t network_calls = 0;
  std::size_t most_rows = 0;   // in one call
  std::size_t most_times = 0;  // that differ, in one call
  int refused_outputs = 0;
  /// What goes wrong with an output on its way back.
  std::function<void(const std::string& name, State& output)> fault = [](const auto&, State&) {};

  void join(const Request& request) {
    join(request.name, Run(request.plan, request.start, watched(request, estimates[request.name])));
  }
  void join(const std::string& name, Run run) {
    if (run.next()) {
      waiting_.emplace_back(name, std::move(run));
    } else {
      over.emplace(name, std::move(run));
    }
  }

  [[nodiscard]] bool idle() const { return waiting_.empty(); }

  /// One network call.
  void serve() {
    std::deque<std::pair<std::string, Run>> served;
    State batch;
    State times;
    while (!waiting_.empty()) {
      const auto call = waiting_.front().second.open_call();
      REQUIRE(call);
      if (batch.size() + call->input.size() > room_ * row_size) break;
      batch.insert(batch.end(), call->input.begin(), call->input.end());
      times.resize(batch.size() / row_size, call->level.time);
      served.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
    }
    const State noise = network(batch, times);
    ++network_calls;
    most_rows = std::max(most_rows, times.size());
    most_times = std::max(most_times, std::set<double>(times.begin(), times.end()).size());
    auto from = noise.begin();
    for (auto& [name, run] : served) {
      const auto call = run.open_call();
      const auto to = from + std::ssize(call->input);
      call->output.assign(from, to);
      from = to;
      fault(name, call->output);
      bool goes_on = true;
      try {
        goes_on = run.next().has_value();
      } catch (const std::exception&) {
        ++refused_outputs;  // and so it waits with the same call
      }
      if (goes_on) {
        waiting_.emplace_back(name, std::move(run));
      } else {
        over.emplace(name, std::move(run));
      }
    }
  }

  /// Serves requests that join at their times; `before_call` is told the number of each call.
  void serve_all(
      const std::vector<Request>& requests,
      const std::function<void(std::size_t)>& before_call = [](std::size_t) {}) {
    std::size_t joined = 0;
    for (std::size_t tick = 0; joined < requests.size() || !idle(); ++tick) {
      for (; joined < requests.size() && requests[joined].arrival <= tick; ++joined) {
        join(requests[joined]);
      }
      before_call(tick);
      if (!idle()) serve();
    }
  }

  [[nodiscard]] Answer answer(const std::string& name) {
    const Run& run = over.at(name);
    return {run.sample(), estimates[name], run.model_calls()};
  }

 private:
  std::size_t room_;
  std::deque<std::pair<std::string, Run>> waiting_;
};

}  // namespace dpm_test::serving
