// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// web_calibrate NETWORK.onnx PLAN.json: the plan that the page has for an example, with 6 calls,
/// calibrated with guidance 3 for the digits 0 to 9. Some minutes of one core.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <dpm/calibration/calibrate.hpp>
#include <dpm/dpm.hpp>
#include <dpm/interop/onnxruntime.hpp>
#include <dpm/interop/plan_json.hpp>
#include <exception>
#include <fstream>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "run.hpp"

namespace {

constexpr int calls = 6;
constexpr double scale = 3.0;
constexpr std::size_t batches = 4;
constexpr std::size_t digits = 10;
constexpr std::uint64_t seed = 1000;  // far from those that visitors begin with

void calibrate(const char* network_file, const char* plan_file) {
  const Ort::Env env(ORT_LOGGING_LEVEL_WARNING, "dpm");
  Ort::SessionOptions settings;
  settings.SetIntraOpNumThreads(1);
  Ort::Session unet(env, network_file, settings);
  std::vector<std::int64_t> labels(2 * digits, 10);
  std::iota(labels.begin(), labels.begin() + digits, 0);
  const dpm::OrtModel network(unet, {{"label", labels}});
  dpm::BatchedClassifierFreeGuidance guided(network, scale);

  std::vector<std::vector<float>> starts(batches, std::vector<float>(digits * web::pixels));
  for (std::size_t i = 0; i < batches; ++i) {
    dpm::NormalNoise{.seed = seed + i, .elements_per_sample = web::pixels}.fill(starts[i]);
  }
  const dpm::References<std::vector<float>> references(dpm::make_plan(web::trained_on(), 100),
                                                       guided, starts);
  const auto [plan, report] =
      dpm::calibrate(dpm::calibration_candidates(web::trained_on(), calls), guided, references,
                     {.schedule = web::trained_on(), .elements_per_sample = web::pixels});
  std::puts(report.verdict.c_str());
  std::ofstream out(plan_file);
  out << dpm::plan_to_text(plan) << '\n';
  if (!out.flush()) throw std::runtime_error(std::string("cannot write ") + plan_file);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3) throw std::invalid_argument("web_calibrate NETWORK.onnx PLAN.json");
  calibrate(argv[1], argv[2]);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
