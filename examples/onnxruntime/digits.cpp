// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Draws digits with a network in ONNX Runtime, with classifier-free guidance on a doubled batch.
#include "digits.hpp"

#include <CLI/CLI.hpp>
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
  example::Drawing drawing;
  std::string network = DPM_EXAMPLE_NETWORK;
  std::string output = "digits.png";
  int threads = 1;
};

void declare(CLI::App& app, Options& options) {
  const auto add = [&app](const char* name, auto& value, const char* what) {
    return app.add_option(name, value, what)->capture_default_str();
  };
  add("--digits", options.drawing.digits, "What to draw; 10 is any digit")
      ->delimiter(',')
      ->check(CLI::Range(0, 10));
  add("--calls", options.drawing.calls, "Calls of the network")->check(CLI::Range(1, 1000));
  add("--scale", options.drawing.scale, "Of guidance")->check(CLI::Range(0.0, 100.0));
  add("--seed", options.drawing.seed, "Of the starting noise");
  add("--threads", options.threads, "Of the runtime")->check(CLI::Range(1, 1024));
  add("--network", options.network, "unet.onnx of examples/mnist");
  add("--output", options.output, "The picture");
}

void run(const Options& options) {
  const Ort::Env env(ORT_LOGGING_LEVEL_WARNING, "digits");
  Ort::SessionOptions settings;
  settings.SetIntraOpNumThreads(options.threads);
  Ort::Session session(env, options.network.c_str(), settings);

  const example::Drawing& drawing = options.drawing;
  const dpm::OrtModel network(session, {{"label", example::labels_of(drawing)}});
  dpm::BatchedClassifierFreeGuidance guided(network, drawing.scale);

  std::vector<float> x = example::start_of(drawing);
  double seconds = 0.0;
  {
    digits::ProgressBar bar(drawing.calls);
    dpm::RunOptions<std::vector<float>> watched;
    watched.observer = [&](const dpm::Progress<std::vector<float>>& progress) {
      bar.set_done(progress.model_calls);
      seconds = progress.model_seconds;
    };
    dpm::sample(example::plan_of(drawing), guided, x, watched);
  }

  example::Picture picture(drawing.digits.size(), example::image_side, 10);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const int shade = 255 - example::brightness(x[i]);
    picture.set(i / example::pixels, i % example::pixels, gdTrueColor(shade, shade, shade));
  }
  picture.save(options.output);
  std::printf("%zu digits by %d calls of the network, which took %.2f s: %s\n",
              drawing.digits.size(), drawing.calls, seconds, options.output.c_str());
}

}  // namespace

int main(int argc, char** argv) try {
  Options options;
  CLI::App app("Draws digits with a network in ONNX Runtime.");
  declare(app, options);
  CLI11_PARSE(app, argc, argv);
  run(options);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "onnxruntime_digits: %s\n", error.what());
  return 1;
}
