// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What JavaScript calls. A function that fails returns null or -1, and `web_error` says why.
#include <emscripten/emscripten.h>

#include <cstddef>
#include <cstdint>
#include <dpm/catalogue.hpp>
#include <dpm/interop/plan_json.hpp>
#include <exception>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "run.hpp"

namespace {

std::string last_error;
std::string last_text;

/// What `work` returns, or `failed` where it throws.
template <class Result, class Work>
Result or_error(Result failed, const Work& work) {
  try {
    return work();
  } catch (const std::exception& error) {
    last_error = error.what();
    return failed;
  }
}

const char* text(const nlohmann::json& value) {
  last_text = value.dump();
  return last_text.c_str();
}

/// The instructions of each step, as dpm::to_string writes them behind its columns of numbers.
std::vector<std::vector<std::string>> instructions_of(const dpm::Plan& plan) {
  constexpr std::size_t columns = 29;
  std::vector<std::vector<std::string>> steps(plan.steps.size());
  std::size_t step = 0;
  // Two lines of totals and of heads come before the steps, and the end's line is short.
  const std::string text = dpm::to_string(plan);
  std::size_t begin = text.find('\n', text.find('\n') + 1) + 1;
  while (begin < text.size()) {
    const std::size_t end = text.find('\n', begin);
    const std::string line = text.substr(begin, end - begin);
    if (line.size() <= columns) break;
    if (line[3] != ' ') step = std::stoul(line) - 1;
    steps.at(step).push_back(line.substr(columns));
    begin = end + 1;
  }
  return steps;
}

}  // namespace

extern "C" {

EMSCRIPTEN_KEEPALIVE const char* web_error() { return last_error.c_str(); }

/// The names of the catalogue as JSON, without schedulers for flows alone.
EMSCRIPTEN_KEEPALIVE const char* web_names() {
  nlohmann::json names = {{"samplers", nlohmann::json::array()},
                          {"schedulers", nlohmann::json::array()}};
  for (const dpm::Sampler& sampler : dpm::samplers()) {
    names["samplers"].push_back({{"name", sampler.name},
                                 {"label", sampler.label.empty() ? sampler.name : sampler.label},
                                 {"draws", sampler.draws_noise()}});
  }
  for (const dpm::Scheduler& scheduler : dpm::schedulers()) {
    if (!web::takes(scheduler)) continue;
    names["schedulers"].push_back(
        {{"name", scheduler.name},
         {"label", scheduler.label.empty() ? scheduler.name : scheduler.label}});
  }
  return text(names);
}

/// A run of the sampler, or of the plan where one is given as JSON.
EMSCRIPTEN_KEEPALIVE web::Run* web_start(const char* sampler, const char* scheduler,
                                         const char* plan, int calls, int digits, double scale,
                                         double seed) {
  return or_error(static_cast<web::Run*>(nullptr), [&] {
    return new web::Run(
        *plan != '\0' ? web::plan_of_text(plan) : web::plan_of(sampler, scheduler, calls),
        static_cast<std::size_t>(digits), scale, static_cast<std::uint64_t>(seed));
  });
}

/// 1: there is a call to make; 0: the run is over.
EMSCRIPTEN_KEEPALIVE int web_next(web::Run* run) {
  return or_error(-1, [&] { return run->next() ? 1 : 0; });
}

EMSCRIPTEN_KEEPALIVE const float* web_input(web::Run* run) { return run->input().data(); }
EMSCRIPTEN_KEEPALIVE double web_timestep(web::Run* run) { return run->timestep(); }
EMSCRIPTEN_KEEPALIVE float* web_output(web::Run* run) { return run->output().data(); }
EMSCRIPTEN_KEEPALIVE const float* web_sample(web::Run* run) { return run->sample().data(); }

/// The plan's totals, whether it guides in its own way, its steps as a table and the plan as text,
/// as JSON.
EMSCRIPTEN_KEEPALIVE const char* web_plan(web::Run* run) {
  const dpm::Plan& plan = run->plan();
  const auto lines = instructions_of(plan);
  nlohmann::json steps = nlohmann::json::array();
  for (const dpm::Step& step : plan.steps) {
    steps.push_back({{"from", step.from.timestep},
                     {"alpha", step.from.alpha()},
                     {"sigma", step.from.sigma()},
                     {"lines", lines.at(steps.size())}});
  }
  return text({{"calls", plan.model_calls()},
               {"draws", plan.draws()},
               {"guides", web::guides(plan)},
               {"steps", steps},
               {"text", dpm::plan_to_text(plan)}});
}

EMSCRIPTEN_KEEPALIVE void web_end(web::Run* run) { delete run; }
}
