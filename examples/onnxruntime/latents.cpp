// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Runs a network with the inputs of Stable Diffusion's U-Net in ONNX Runtime: text embeddings,
/// guidance on a doubled batch, prediction of noise or velocity, image-to-image. The network that
/// comes with it is tiny and random; give it your own by --network.
#include "latents.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <dpm/dpm.hpp>
#include <dpm/interop/onnxruntime.hpp>
#include <exception>
#include <string>
#include <vector>

#include "../digits/progress_bar.hpp"
#include "picture.hpp"

namespace {

struct Options {
  example::Latents latents;
  std::string network = DPM_EXAMPLE_NETWORK;
  std::string output = "latents.png";
  int threads = 1;
};

void declare(CLI::App& app, Options& options) {
  const auto add = [&app](const char* name, auto& value, const char* what) {
    return app.add_option(name, value, what)->capture_default_str();
  };
  add("--calls", options.latents.calls, "Calls of the network")->check(CLI::Range(1, 1000));
  add("--scale", options.latents.scale, "Of guidance")->check(CLI::Range(0.0, 100.0));
  add("--strength", options.latents.strength, "Below 1: image-to-image, with as much noise")
      ->check(CLI::Range(0.02, 1.0));
  add("--seed", options.latents.seed, "Of the starting noise");
  add("--prompt", options.latents.prompt, "Of the text's embedding");
  add("--threads", options.threads, "Of the runtime")->check(CLI::Range(1, 1024));
  add("--network", options.network, "A U-Net of Stable Diffusion's inputs");
  add("--output", options.output, "The picture");
  app.add_flag("--velocity", options.latents.velocity, "The network predicts v, not the noise");
}

/// Three channels as red, green and blue, each over its own range: a look, not a decoder.
void draw(const std::vector<float>& x, const std::string& path) {
  example::Picture picture(1, example::latent_side, 1);
  float largest = 1e-6F;
  for (const float value : x) largest = std::max(largest, std::abs(value));
  for (std::size_t i = 0; i < example::latent_pixels; ++i) {
    const auto channel = [&](std::size_t k) {
      return example::brightness(x[k * example::latent_pixels + i] / largest);
    };
    picture.set(0, i, gdTrueColor(channel(0), channel(1), channel(2)));
  }
  picture.save(path);
}

void run(const Options& options) {
  const Ort::Env env(ORT_LOGGING_LEVEL_WARNING, "latents");
  Ort::SessionOptions settings;
  settings.SetIntraOpNumThreads(options.threads);
  Ort::Session session(env, options.network.c_str(), settings);

  const example::Latents& latents = options.latents;
  const auto [tokens, width] = example::text_shape;
  const dpm::OrtModel network(
      session, {{"encoder_hidden_states", example::embeddings_of(latents), {2, tokens, width}}},
      {.sample_shape = {example::channels, example::latent_side, example::latent_side}});
  dpm::BatchedClassifierFreeGuidance guided(network, latents.scale);

  const dpm::Plan plan = example::plan_of(latents);
  std::vector<float> x = example::start_of(latents, plan);
  double seconds = 0.0;
  {
    digits::ProgressBar bar(latents.calls);
    dpm::RunOptions<std::vector<float>> watched;
    watched.observer = [&](const dpm::Progress<std::vector<float>>& progress) {
      bar.set_done(progress.model_calls);
      seconds = progress.model_seconds;
    };
    dpm::sample(plan, guided, x, watched);
  }

  draw(x, options.output);
  std::printf("%d calls of the network, which took %.2f s: %s\n", latents.calls, seconds,
              options.output.c_str());
}

}  // namespace

int main(int argc, char** argv) try {
  Options options;
  CLI::App app("Runs a network with the inputs of Stable Diffusion's in ONNX Runtime.");
  declare(app, options);
  CLI11_PARSE(app, argc, argv);
  run(options);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "onnxruntime_latents: %s\n", error.what());
  return 1;
}
