// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// web_expected NETWORK.onnx REQUEST.json SAMPLES: draws what the page is asked for without a
/// browser: dpm::sample calls ONNX Runtime. SAMPLES gets the values as 4 bytes each.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <dpm/dpm.hpp>
#include <dpm/interop/onnxruntime.hpp>
#include <exception>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "run.hpp"

namespace {

void draw(const char* network_file, const char* request_file, const char* samples_file) {
  const nlohmann::json request = nlohmann::json::parse(std::ifstream(request_file));
  const std::string plan_text = request["plan"];
  const dpm::Plan plan = plan_text.empty() ? web::plan_of(request["sampler"], request["scheduler"],
                                                          request["calls"].get<int>())
                                           : web::plan_of_text(plan_text);

  std::vector<std::int64_t> labels = request["digits"];
  std::vector<float> x(labels.size() * web::pixels);
  labels.resize(2 * labels.size(), 10);  // any digit
  const dpm::NormalNoise noise{.seed = request["seed"], .elements_per_sample = web::pixels};
  noise.fill(x);

  const Ort::Env env(ORT_LOGGING_LEVEL_WARNING, "dpm");
  Ort::SessionOptions settings;
  settings.SetIntraOpNumThreads(1);
  Ort::Session unet(env, network_file, settings);
  const dpm::OrtModel network(unet, {{"label", labels}});
  dpm::BatchedClassifierFreeGuidance guided(network, request["scale"].get<double>());
  dpm::RunOptions<std::vector<float>> options;
  options.noise = noise;
  dpm::sample(plan, guided, x, options);

  std::ofstream out(samples_file, std::ios::binary);
  out.write(reinterpret_cast<const char*>(x.data()),
            static_cast<std::streamsize>(x.size() * sizeof(float)));
  if (!out.flush()) throw std::runtime_error(std::string("cannot write ") + samples_file);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 4) throw std::invalid_argument("web_expected NETWORK.onnx REQUEST.json SAMPLES");
  draw(argv[1], argv[2], argv[3]);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
