// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Prints a sampler for a program in any language:
///
///     plan "DPM++ 2M Karras" --steps 20
///     plan euler --scheduler simple --flow-shift 3 --format c
///     plan scheduler_config.json --steps 20 --format json --plot plan.svg
#include <CLI/CLI.hpp>
#include <dpm/catalogue.hpp>
#include <dpm/interop/diffusers.hpp>
#include <dpm/interop/plan_json.hpp>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>

#include "formats.hpp"

namespace {

struct Options {
  std::string sampler;
  std::string scheduler;
  int steps = 20;
  std::optional<double> flow_shift;
  std::optional<dpm::Prediction> prediction;
  dpm::SamplerOptions set;
  std::optional<double> mu;
  dpm::diffusers::Mode mode = dpm::diffusers::Mode::strict;
  std::string format = "table";
  std::string output;
  std::string plot;
  bool lists = false;
};

void declare(CLI::App& app, Options& options) {
  using dpm::Prediction;
  const std::map<std::string, Prediction> predictions{{"noise", Prediction::noise},
                                                      {"data", Prediction::data},
                                                      {"velocity", Prediction::velocity},
                                                      {"score", Prediction::score},
                                                      {"flow", Prediction::flow}};
  app.add_option("sampler", options.sampler,
                 "A name as ComfyUI, A1111 or stable-diffusion.cpp has it, or a "
                 "scheduler_config.json");
  app.add_option("--scheduler", options.scheduler, "Its scheduler, if the name has none");
  app.add_option("--steps", options.steps, "Steps")->capture_default_str();
  app.add_option("--flow-shift", options.flow_shift,
                 "The model is a flow with this shift, not Stable Diffusion");
  app.add_option("--prediction", options.prediction, "What the network predicts")
      ->transform(CLI::CheckedTransformer(predictions));
  app.add_option("--denoise", options.set.denoise, "For image-to-image: the last part of a run")
      ->capture_default_str();
  app.add_option("--eta", options.set.eta, "The share of fresh noise");
  app.add_option("--s-noise", options.set.s_noise, "The factor on each draw");
  app.add_flag("--as-coded", options.set.as_coded,
               "The program's own numbers where they are not what was meant");
  app.add_option("--mu", options.mu, "The shift of a config with dynamic shifting, its logarithm");
  app.add_flag_callback(
      "--compatible", [&] { options.mode = dpm::diffusers::Mode::compatible; },
      "diffusers' numbers where they are wrong");
  app.add_option("--format", options.format, "table, json, or c: an array for C")
      ->check(CLI::IsMember({"table", "json", "c"}))
      ->capture_default_str();
  app.add_option("--output", options.output, "The file to write; left out, it is printed");
  app.add_option("--plot", options.plot, "An SVG of sigma and lambda, by gnuplot");
  app.add_flag("--list", options.lists, "Prints the names");
}

std::string text_of(const std::string& name) {
  std::ifstream file(name);
  if (!file) throw std::runtime_error("cannot open " + name);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// A plan, and what x is at first.
struct Sampler {
  dpm::Plan plan;
  std::string start;
};

std::string noise_times(double factor) {
  std::ostringstream text;
  text << "standard normal noise times " << factor;
  return text.str();
}

/// The plan of a scheduler_config.json. What it says itself is not to be said again.
Sampler sampler_of_config(const Options& options) {
  const dpm::SamplerOptions& set = options.set;
  if (!options.scheduler.empty() || options.flow_shift || options.prediction || set.s_noise ||
      set.as_coded || set.denoise != 1.0) {
    throw std::invalid_argument(options.sampler +
                                " says itself what the sampler is; beside it go --steps, --eta, "
                                "--mu and --compatible");
  }
  dpm::diffusers::Run run{.steps = options.steps, .mu = options.mu};
  if (set.eta) run.eta = *set.eta;
  const auto scheduler =
      dpm::diffusers::Scheduler::from_text(text_of(options.sampler), options.mode);
  return {scheduler.make_plan(run), noise_times(scheduler.init_noise_sigma(run))};
}

Sampler sampler_of_name(const Options& options) {
  if (options.mu || options.mode != dpm::diffusers::Mode::strict) {
    throw std::invalid_argument("--mu and --compatible go with a scheduler_config.json");
  }
  const dpm::AnySchedule schedule =
      options.flow_shift ? dpm::AnySchedule(dpm::RectifiedFlow(*options.flow_shift))
                         : dpm::AnySchedule(dpm::DiscreteSchedule(dpm::scaled_linear_betas(1000),
                                                                  dpm::TimestepType::discrete));
  const dpm::Plan plan = options.scheduler.empty()
                             ? dpm::plan_by_name(options.sampler, schedule, options.steps,
                                                 options.prediction, options.set)
                             : dpm::plan_by_name(options.sampler, options.scheduler, schedule,
                                                 options.steps, options.prediction, options.set);
  return {plan, options.set.denoise < 1.0 ? "the image with the noise of the first level"
                                          : noise_times(plan.start().sigma())};
}

void run(const Options& options) {
  if (options.lists) {
    std::cout << dpm::list_names();
    return;
  }
  if (options.sampler.empty()) throw std::invalid_argument("no sampler is given; see --help");
  const auto [plan, start] =
      options.sampler.ends_with(".json") ? sampler_of_config(options) : sampler_of_name(options);
  std::string title = options.sampler;
  if (!options.scheduler.empty()) title += " " + options.scheduler;
  title += ", " + std::to_string(options.steps) + " steps";
  if (!options.plot.empty()) plot(plan, title, options.plot);
  const std::string text = options.format == "json" ? dpm::plan_to_text(plan) + "\n"
                           : options.format == "c"  ? as_c_array(plan, title, start)
                                                    : as_table(plan, start);
  if (options.output.empty()) {
    std::cout << text;
    return;
  }
  std::ofstream file(options.output);
  file << text;
  file.close();
  if (!file) throw std::runtime_error("cannot write " + options.output);
}

}  // namespace

int main(int argc, char** argv) try {
  Options options;
  CLI::App app("Prints the plan of a diffusion sampler as a table, as JSON or as a C array.");
  declare(app, options);
  CLI11_PARSE(app, argc, argv);
  run(options);
  return 0;
} catch (const std::exception& error) {
  std::cerr << "plan: " << error.what() << '\n';
  return 1;
}
