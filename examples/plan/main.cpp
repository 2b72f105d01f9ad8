// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Prints a sampler for a program in any language:
///
///     plan "DPM++ 2M Karras" --steps 20
///     plan euler --scheduler simple --flow-shift 3 --format c
///     plan scheduler_config.json --steps 20 --format json --plot plan.svg
///
/// What is legal and rarely meant is said on the error stream.
#include <CLI/CLI.hpp>
#include <cctype>
#include <cmath>
#include <dpm/analysis/doubts.hpp>
#include <dpm/catalogue.hpp>
#include <dpm/grid/sigma_spacing.hpp>
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
#include <utility>
#include <vector>

#include "formats.hpp"

namespace {

struct Options {
  std::string sampler;
  std::string scheduler;
  std::optional<int> steps;
  std::vector<double> sigmas;
  std::optional<double> flow_shift;
  std::optional<dpm::Prediction> prediction;
  dpm::SamplerOptions set;
  std::optional<double> mu;
  double strength = 1.0;
  int begin = 0;
  dpm::diffusers::Mode mode = dpm::diffusers::Mode::strict;
  std::string format = "table";
  std::string output;
  std::string plot;
  bool lists = false;

  /// The steps of a run whose sigmas are not given.
  [[nodiscard]] int usual_steps() const { return steps.value_or(20); }
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
  app.add_option("--steps", options.steps, "Steps, 20 if left out");
  app.add_option(
         "--sigmas", options.sigmas,
         "The levels in place of --steps and --scheduler, as 14.6,3.1,0.9,0: sigma / alpha "
         "from high to low, of a flow sigma; with a scheduler_config.json as diffusers takes "
         "them")
      ->delimiter(',')
      ->allow_extra_args(false);
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
  app.add_option(
         "--strength", options.strength,
         "For image-to-image with a scheduler_config.json: the part of the steps that is run")
      ->capture_default_str();
  app.add_option("--begin", options.begin,
                 "The same as a number of steps that are left out, with a scheduler_config.json")
      ->capture_default_str();
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

/// A plan, what x is at first, and what is legal there and rarely meant.
struct Sampler {
  dpm::Plan plan;
  std::string start;
  std::vector<std::string> doubts = {};
};

constexpr const char* of_inversion = "the image, which the run turns into noise";
constexpr const char* of_image = "the image with the noise of the first level";

std::string noise_times(double factor) {
  std::ostringstream text;
  text << "standard normal noise times " << factor;
  return text.str();
}

/// Whether there is more of an image in the first level than rounded sigmas of pure noise explain.
bool starts_from_image(const dpm::Plan& plan, const dpm::AnySchedule& schedule) {
  const auto share = [](const dpm::Level& at) {
    return at.alpha() / std::hypot(at.alpha(), at.sigma());
  };
  return share(plan.start()) > share(schedule.level(schedule.last_time())) + 0.02;
}

/// The plan of a scheduler_config.json. What it says itself is not to be said again.
Sampler sampler_of_config(const Options& options) {
  const dpm::SamplerOptions& set = options.set;
  if (!options.scheduler.empty() || options.flow_shift || options.prediction || set.s_noise ||
      set.as_coded || set.denoise != 1.0) {
    throw std::invalid_argument(options.sampler +
                                " says itself what the sampler is; beside it go --steps, --sigmas, "
                                "--strength, --begin, --eta, --mu and --compatible");
  }
  const int steps = options.sigmas.empty() ? options.usual_steps() : options.steps.value_or(0);
  const dpm::diffusers::Run run{.steps = steps,
                                .sigmas = options.sigmas,
                                .mu = options.mu,
                                .eta = set.eta,
                                .strength = options.strength,
                                .begin = options.begin};
  const auto scheduler =
      dpm::diffusers::Scheduler::from_text(text_of(options.sampler), options.mode);
  dpm::Plan plan = scheduler.make_plan(run);
  const bool image = options.strength < 1.0 || options.begin > 0 ||
                     (!run.sigmas.empty() && starts_from_image(plan, scheduler.schedule(run)));
  const std::string start = plan.end().lambda() < plan.start().lambda() ? of_inversion
                            : image                                     ? of_image
                                    : noise_times(scheduler.init_noise_sigma(run));
  return {std::move(plan), start, scheduler.doubts(run)};
}

/// The levels of one's own: sigma / alpha, and of a flow sigma.
dpm::Grid grid_of_own(const Options& options, const dpm::AnySchedule& schedule) {
  if (options.steps || !options.scheduler.empty() || options.set.denoise != 1.0) {
    throw std::invalid_argument(
        "--sigmas says the levels itself; leave out --steps, --scheduler and --denoise");
  }
  if (!options.flow_shift) {
    return dpm::grid_of_sigmas(dpm::as_other_programs_read(schedule), options.sigmas);
  }
  // sigma = shift t / (1 + (shift - 1) t)
  std::vector<double> times = options.sigmas;
  for (double& time : times) time /= *options.flow_shift - (*options.flow_shift - 1.0) * time;
  return dpm::grid_of_times(schedule, times);
}

Sampler sampler_of_name(const Options& options) {
  if (options.mu || options.mode != dpm::diffusers::Mode::strict) {
    throw std::invalid_argument("--mu and --compatible go with a scheduler_config.json");
  }
  if (options.strength != 1.0 || options.begin != 0) {
    throw std::invalid_argument(
        "--strength and --begin go with a scheduler_config.json; with names give --denoise");
  }
  const dpm::AnySchedule schedule =
      options.flow_shift ? dpm::AnySchedule(dpm::RectifiedFlow(*options.flow_shift))
                         : dpm::AnySchedule(dpm::DiscreteSchedule(dpm::scaled_linear_betas(1000),
                                                                  dpm::TimestepType::discrete));
  const dpm::Plan plan =
      !options.sigmas.empty()
          ? dpm::make_plan(dpm::sampler_by_name(options.sampler), grid_of_own(options, schedule),
                           options.prediction, options.set)
      : options.scheduler.empty()
          ? dpm::plan_by_name(options.sampler, schedule, options.usual_steps(), options.prediction,
                              options.set)
          : dpm::plan_by_name(options.sampler, options.scheduler, schedule, options.usual_steps(),
                              options.prediction, options.set);
  const bool image =
      options.set.denoise < 1.0 || (!options.sigmas.empty() && starts_from_image(plan, schedule));
  return {plan, image ? of_image : noise_times(plan.start().sigma()), dpm::doubts(plan)};
}

/// The names and numbers that were given, on one line and without an end of a comment in C.
std::string title_of(const Options& options) {
  std::ostringstream title;
  title << options.sampler;
  if (!options.scheduler.empty()) title << ' ' << options.scheduler;
  if (options.sigmas.empty()) {
    title << ", " << options.usual_steps() << " steps";
  } else {
    title << ", " << options.sigmas.size() << " sigmas";
  }
  if (options.set.denoise != 1.0) title << ", denoise " << options.set.denoise;
  if (options.strength != 1.0) title << ", strength " << options.strength;
  if (options.begin != 0) title << ", begin " << options.begin;
  std::string text = title.str();
  for (char& c : text) {
    if (c == '*' || std::iscntrl(static_cast<unsigned char>(c)) != 0) c = ' ';
  }
  return text;
}

void run(const Options& options) {
  if (options.lists) {
    std::cout << dpm::list_names();
    return;
  }
  if (options.sampler.empty()) throw std::invalid_argument("no sampler is given; see --help");
  const auto [plan, start, doubts] =
      options.sampler.ends_with(".json") ? sampler_of_config(options) : sampler_of_name(options);
  for (const std::string& doubt : doubts) std::cerr << "plan: " << doubt << '\n';
  const std::string title = title_of(options);
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
