// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The pull interface as an inference server uses it: many requests, one network call at a time.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/server.hpp"

namespace pull_test {

using namespace dpm_test;
using namespace dpm_test::serving;

TEST_CASE("requests that share network calls get bit for bit what they get alone") {
  const std::vector<Request> requests = many_requests();
  for (const std::size_t room : {std::size_t{3}, std::size_t{7}, std::size_t{1000}}) {
    CAPTURE(room);
    Server server(room);
    server.serve_all(requests);
    REQUIRE(server.over.size() == requests.size());
    for (const Request& request : requests) {
      INFO(request.name);
      const Answer expected = alone(request);
      REQUIRE(expected.model_calls == request.plan.model_calls());
      REQUIRE(expected.estimates.empty() != request.plan.estimates_error());
      REQUIRE(server.answer(request.name) == expected);
    }
    REQUIRE(server.refused_outputs == 0);
    // They did share, and calls at different times of the process.
    REQUIRE((room > 7 ? server.most_rows > 7 : server.most_rows == room));
    REQUIRE(server.most_times > 1);
  }
}

TEST_CASE("a request of three samples gets what three requests of one sample get") {
  const dpm::Plan plan = dpm::make_plan(dpm::DpmSolver{.tau = 1.0}, schedule, 8);
  const State start = start_of(3, 0.5);
  const auto with = [](std::uint64_t first) {
    Options options;
    options.noise =
        dpm::NormalNoise{.seed = 4, .first_sample = first, .elements_per_sample = row_size};
    return options;
  };
  std::vector<Request> requests{{"three", 0, plan, start, with(20)}};
  for (const std::size_t i : {std::size_t{0}, std::size_t{1}, std::size_t{2}}) {
    const auto at = start.begin() + static_cast<std::ptrdiff_t>(i * row_size);
    requests.push_back({std::to_string(i), 3 * i, plan, State(at, at + row_size), with(20 + i)});
  }
  Server server(5);
  server.serve_all(requests);
  State joined;
  for (const char* name : {"0", "1", "2"}) {
    const State& one = server.over.at(name).sample();
    joined.insert(joined.end(), one.begin(), one.end());
  }
  REQUIRE(server.over.at("three").sample() == joined);
}

TEST_CASE("a request that is cancelled leaves the others alone, and can be taken up again") {
  std::vector<Request> requests = many_requests();
  for (const std::string name : {"third order", "SDE", "singlestep with estimates"}) {
    INFO(name);
    std::stop_source source;
    std::vector<Request> all = requests;
    Request& cancelled =
        *std::find_if(all.begin(), all.end(), [&](const auto& r) { return r.name == name; });
    cancelled.options.stop = source.get_token();
    Server server(1000);
    server.serve_all(all, [&](std::size_t tick) {
      if (tick == cancelled.arrival + 4) source.request_stop();  // its fifth call is open
    });
    for (const Request& request : requests) {
      INFO(request.name);
      if (request.name != name) REQUIRE(server.answer(request.name) == alone(request));
    }
    Run& run = server.over.at(name);
    REQUIRE(run.stopped());
    REQUIRE(run.model_calls() == 5);
    REQUIRE_FALSE(run.open_call());
    // It stands at the end of a step, and without having disturbed it, it can go on elsewhere.
    dpm::Plan beginning = cancelled.plan;
    beginning.steps.resize(run.steps_done());
    State stood = cancelled.start;
    Options options = cancelled.options;
    options.stop = {};
    dpm::sample(beginning, network_alone, stood, options);
    REQUIRE(run.sample() == stood);
    run.resume();
    Server other(1000);
    other.join(requests[0]);
    other.serve();
    other.join(name, std::move(run));
    while (!other.idle()) other.serve();
    Request undisturbed = cancelled;
    undisturbed.options.stop = {};
    REQUIRE(other.over.at(name).sample() == alone(undisturbed).sample);
    REQUIRE(server.estimates[name] == alone(undisturbed).estimates);
    REQUIRE(other.answer("default") == alone(requests[0]));
  }
}

TEST_CASE("an output that is bad once is asked for again, and the others do not wait") {
  const std::vector<Request> requests = many_requests();
  const std::vector<std::function<void(State&)>> faults{
      [](State& output) { output.back() = std::numeric_limits<double>::quiet_NaN(); },
      [](State& output) { output.front() = std::numeric_limits<double>::infinity(); },
      [](State& output) { output.pop_back(); }, [](State& output) { output.clear(); }};
  Server smooth(1000);
  smooth.serve_all(requests);
  for (const auto& fault : faults) {
    Server server(1000);
    std::map<std::string, int> calls;
    int faulty = 0;
    server.fault = [&](const std::string& name, State& output) {
      ++calls[name];
      const bool bad = (name == "default" && calls[name] == 6) ||
                       (name == "DDPM" && (calls[name] == 3 || calls[name] == 4)) ||
                       (name == "Heun with estimates" && calls[name] == 8);
      if (!bad) return;
      ++faulty;
      fault(output);
    };
    server.serve_all(requests);
    REQUIRE(faulty == 4);
    REQUIRE(server.refused_outputs == 4);
    for (const Request& request : requests) {
      INFO(request.name);
      REQUIRE(server.answer(request.name) == alone(request));
    }
    // The last requests ended in the same network call as without.
    REQUIRE(server.network_calls == smooth.network_calls);
  }
}

}  // namespace pull_test
