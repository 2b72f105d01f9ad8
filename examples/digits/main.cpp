// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Seven samplers draw handwritten digits: how good is each after how many model calls?
///
/// The data are 1797 real images (see DATA.md), the model their kernel density estimate, whose
/// noise prediction is exact: every error that is left is the sampler's.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "comparison.hpp"
#include "images.hpp"
#include "methods.hpp"
#include "report.hpp"

namespace {

struct Options {
  std::vector<std::string> methods;
  std::string output = ".";
  std::string hero;
  std::string data = DPM_DIGITS_CSV;
  digits::Settings settings{
      .methods = {}, .calls = {5, 10, 15, 20, 25, 50, 100}, .seed = 1, .count = 200};
};

void declare(CLI::App& app, Options& options) {
  std::vector<std::string> names;
  for (const digits::Method& method : digits::all_methods()) names.push_back(method.name);
  options.methods = names;
  app.add_option("--method", options.methods, "The methods to compare")
      ->delimiter(',')
      ->check(CLI::IsMember(names))
      ->capture_default_str();
  app.add_option("--calls", options.settings.calls, "Model calls a sample, one column for each")
      ->delimiter(',')
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  app.add_option("--seed", options.settings.seed, "Seed of the starts and of the noise")
      ->check(CLI::Range(0, 2147483647))
      ->capture_default_str();
  app.add_option("--count", options.settings.count, "Samples")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  app.add_option("--output", options.output, "Folder for digits.png and results.csv")
      ->capture_default_str();
  app.add_option("--hero", options.hero,
                 "File for a picture of one digit each after the first number of calls");
  app.add_option("--data", options.data, "The images")->capture_default_str();
}

void run(Options options) {
  for (const digits::Method& method : digits::all_methods()) {
    const auto& chosen = options.methods;
    if (std::find(chosen.begin(), chosen.end(), method.name) != chosen.end()) {
      options.settings.methods.push_back(method);
    }
  }
  const digits::Images images = digits::load_images(options.data);

  const std::filesystem::path folder(options.output);
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    throw std::runtime_error("cannot make the folder " + options.output + ": " + error.message());
  }

  const digits::Comparison comparison = digits::compare(images, options.settings);
  digits::write_table(std::cout, comparison);

  const std::string numbers = (folder / "results.csv").string();
  std::ofstream csv(numbers);
  digits::write_csv(csv, comparison);
  csv.close();
  if (!csv) throw std::runtime_error("cannot write " + numbers);
  const std::string picture = (folder / "digits.png").string();
  digits::write_picture(picture, comparison);
  if (!options.hero.empty()) digits::write_hero(options.hero, images, comparison);
  std::cout << "\nThe numbers are in " << numbers << ", the picture is " << picture << '\n';
}

}  // namespace

int main(int argc, char** argv) try {
  Options options;
  CLI::App app("Compares diffusion-model samplers on 1797 handwritten digits.");
  declare(app, options);
  CLI11_PARSE(app, argc, argv);
  run(options);
  return 0;
} catch (const std::exception& error) {
  std::cerr << "digits: " << error.what() << '\n';
  return 1;
}
