// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The headline of the paper on DPM-Solver, on a trained network: how good are samples of digits
/// after how many calls of it, by which method, and what does the sampler cost beside it?
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "calibrated.hpp"
#include "methods.hpp"
#include "report.hpp"
#include "sampler.hpp"
#include "study.hpp"

namespace {

struct Options {
  std::vector<std::string> methods;
  std::string networks = DPM_STUDY_NETWORKS;
  std::string plans = DPM_STUDY_SCRIPTS "/plans";
  std::string output = ".";
  study::Machine machine{.threads =
                             std::max(1, static_cast<int>(std::thread::hardware_concurrency()))};
  std::uint64_t seed = 1;
  bool is_short = false;
  bool calibrate = false;
  int fitted_samples = 32;
  study::Settings settings{.methods = {},
                           .scales = {0, 1, 3, 7},
                           .calls = {5, 8, 10, 12, 15, 20, 25, 50, 100},
                           .guided_calls = {10, 15, 20, 25, 50},
                           .tolerances = {1e-2, 1e-3, 1e-4},
                           .samples = 1000,
                           .batch = 125,
                           .reference_calls = 500};
};

/// What `--short` means, where nothing else is said.
void shorten(const CLI::App& app, Options& options) {
  const auto is_default = [&](const char* name) { return app.count(name) == 0; };
  study::Settings& settings = options.settings;
  if (is_default("--methods")) {
    options.methods = {"ddpm", "pndm", "dpm++2m", "unipc", "calibrated", "rk45"};
  }
  if (is_default("--scales")) settings.scales = {0, 3};
  if (is_default("--calls")) settings.calls = {5, 10, 20};
  if (is_default("--guided-calls")) settings.guided_calls = {10};
  if (is_default("--tolerances")) settings.tolerances = {1e-2};
  if (is_default("--samples")) settings.samples = 16;
  if (is_default("--batch")) settings.batch = 8;
  // OpenMP's threads wait for each other, which takes long where other programs run.
  if (is_default("--threads")) options.machine.threads = 1;
  if (is_default("--reference")) settings.reference_calls = 40;
}

void declare(CLI::App& app, Options& options) {
  std::vector<std::string> names;
  for (const study::Method& method : study::all_methods(options.plans)) {
    names.push_back(method.name);
  }
  options.methods = names;
  study::Settings& settings = options.settings;
  const CLI::Range positive(1, 10000);
  const auto list = [&](const char* name, auto& value, const char* what) {
    return app.add_option(name, value, what)->delimiter(',')->capture_default_str();
  };
  const auto number = [&](const char* name, auto& value, const char* what) {
    return app.add_option(name, value, what)->capture_default_str();
  };
  list("--methods", options.methods, "The methods to compare")->check(CLI::IsMember(names));
  list("--scales", settings.scales, "Scales of guidance; 0: without a class")
      ->check(CLI::Range(0.0, 100.0));
  list("--calls", settings.calls, "Model calls a sample, one column for each")->check(positive);
  list("--guided-calls", settings.guided_calls, "The same where the scale is not 0")
      ->check(positive);
  list("--tolerances", settings.tolerances, "Of rk45")->check(CLI::Range(1e-6, 1.0));
  number("--samples", settings.samples, "Samples in a cell")->check(CLI::Range(2, 100000));
  number("--batch", settings.batch, "Samples in a batch")->check(CLI::Range(2, 100000));
  number("--reference", settings.reference_calls, "Model calls of the converged samples")
      ->check(CLI::Range(2, 10000));
  number("--seed", options.seed, "Seed of the starts and of the noise")
      ->check(CLI::Range(0, 2147483647));
  number("--threads", options.machine.threads, "Threads of the CPU")->check(CLI::Range(1, 1024));
  number("--device", options.machine.device, "cpu, cuda or cuda:1");
  number("--networks", options.networks, "Folder with unet.pt and classifier.pt");
  number("--plans", options.plans, "Folder of the calibrated plans");
  number("--fitted-samples", options.fitted_samples, "Samples that --calibrate fits to")
      ->check(CLI::Range(12, 10000));
  number("--output", options.output, "Folder for tables, plots and sheets");
  app.add_flag("--calibrate", options.calibrate,
               "Fit the calibrated plans of these scales and calls, and nothing else");
  app.add_flag("--short", options.is_short, "A small run, to see that all works");
}

void write_files(const std::filesystem::path& folder, const study::Results& results) {
  const auto write = [&](const char* name, auto&& writer) {
    const std::string path = (folder / name).string();
    std::ofstream out(path);
    writer(out, results);
    out.close();
    study::require_written(out, path);
  };
  write("tables.md", study::write_tables);
  write("claims.md", study::write_claims);
  write("results.csv", study::write_csv);
  for (const study::Section& section : results.sections) {
    study::write_sheet((folder / ("sheet_" + section.key() + ".png")).string(), section);
  }
  study::draw_plots(folder.string(), results);
}

void make_folder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    throw std::runtime_error("cannot make the folder " + folder + ": " + error.message());
  }
}

/// Fits plans for --scales and --calls.
void calibrate(const Options& options) {
  make_folder(options.plans);
  study::Sampler sampler(options.networks + "/unet.pt", options.networks + "/classifier.pt",
                         options.machine, options.seed);
  study::calibrate(sampler,
                   {.scales = options.settings.scales,
                    .calls = options.settings.calls,
                    .samples = options.fitted_samples},
                   options.plans, std::cout);
}

void run(Options options) {
  study::Settings& settings = options.settings;
  for (const study::Method& method : study::all_methods(options.plans)) {
    const auto& chosen = options.methods;
    if (std::find(chosen.begin(), chosen.end(), method.name) != chosen.end()) {
      settings.methods.push_back(method);
    }
  }
  for (std::vector<int>* const counts : {&settings.calls, &settings.guided_calls}) {
    std::sort(counts->begin(), counts->end());
    counts->erase(std::unique(counts->begin(), counts->end()), counts->end());
  }
  const std::filesystem::path folder(options.output);
  make_folder(options.output);
  study::Sampler sampler(options.networks + "/unet.pt", options.networks + "/classifier.pt",
                         options.machine, options.seed);

  // After each setup, so that a run that is broken off leaves what it has measured.
  const auto keep = [&](const study::Results& results) { write_files(folder, results); };
  const study::Results results = study::compare(sampler, settings, std::cout, keep);
  study::write_tables(std::cout, results);
  study::write_claims(std::cout, results);
  std::cout << "\nTables, claims, results.csv, plots and contact sheets are in " << folder.string()
            << '\n';
}

}  // namespace

int main(int argc, char** argv) try {
  Options options;
  CLI::App app("Compares diffusion-model samplers on a network that draws digits.");
  declare(app, options);
  CLI11_PARSE(app, argc, argv);
  if (options.is_short) shorten(app, options);
  options.calibrate ? calibrate(options) : run(options);
  return 0;
} catch (const std::exception& error) {
  // What torch says has lines that tell where in torch it happened.
  const std::string said = error.what();
  std::cerr << "study: " << said.substr(0, said.find('\n')) << '\n';
  return 1;
}
