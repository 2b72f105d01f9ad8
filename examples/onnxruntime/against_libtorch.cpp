// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The samples of both examples are those of libtorch with the same networks, to 1e-4:
/// onnxruntime_against_libtorch UNET LATENTS, where each stands for a .pt and an .onnx.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <dpm/dpm.hpp>
#include <dpm/interop/libtorch.hpp>
#include <dpm/interop/onnxruntime.hpp>
#include <exception>
#include <string>
#include <vector>

#include "digits.hpp"
#include "latents.hpp"

namespace {

using Floats = std::vector<float>;

torch::jit::Module load(const std::string& network) {
  torch::jit::Module module = torch::jit::load(network + ".pt");
  module.to(torch::kFloat);  // the file has half types
  return module;
}

/// Whether the samples of the two differ by 1e-4 at most.
bool agree(const char* what, const Floats& a, const at::Tensor& b) {
  const at::Tensor flat = b.contiguous();
  if (flat.numel() != static_cast<std::int64_t>(a.size())) {
    std::printf("%s: %zu values and %lld\n", what, a.size(), static_cast<long long>(flat.numel()));
    return false;
  }
  double largest = 0.0;
  double difference = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto value = static_cast<double>(a[i]);
    largest = std::fmax(largest, std::abs(value));
    const double gap = std::abs(value - flat.data_ptr<float>()[i]);
    if (!(gap <= difference)) difference = gap;  // a NaN stays one
  }
  std::printf("%s: largest value %.3f, largest difference %.1e\n", what, largest, difference);
  return largest > 0.1 && difference <= 1e-4;
}

bool digits_agree(const Ort::Env& env, const std::string& network) {
  Ort::Session session(env, (network + ".onnx").c_str(), Ort::SessionOptions{});
  const torch::jit::Module module = load(network);
  const example::Drawing drawing;
  const dpm::Plan plan = example::plan_of(drawing);
  std::vector<std::int64_t> labels = example::labels_of(drawing);
  const auto batch = static_cast<std::int64_t>(drawing.digits.size());

  Floats x = example::start_of(drawing);
  at::Tensor y =
      torch::from_blob(x.data(), {batch, 1, example::image_side, example::image_side}).clone();
  const at::Tensor same = torch::from_blob(labels.data(), {2 * batch}, torch::kLong).clone();
  dpm::sample(plan,
              dpm::BatchedClassifierFreeGuidance(dpm::OrtModel(session, {{"label", labels}}),
                                                 drawing.scale),
              x);
  dpm::sample(plan,
              dpm::TorchClassifierFreeGuidance(dpm::TorchModel(module, {same}), drawing.scale), y);
  return agree("digits", x, y);
}

bool latents_agree(const Ort::Env& env, const std::string& network, const char* what,
                   const example::Latents& latents) {
  Ort::Session session(env, (network + ".onnx").c_str(), Ort::SessionOptions{});
  const torch::jit::Module module = load(network);
  const dpm::Plan plan = example::plan_of(latents);
  Floats embeddings = example::embeddings_of(latents);
  const auto [tokens, width] = example::text_shape;
  constexpr auto side = example::latent_side;

  Floats x = example::start_of(latents, plan);
  at::Tensor y = torch::from_blob(x.data(), {1, example::channels, side, side}).clone();
  const at::Tensor text = torch::from_blob(embeddings.data(), {2, tokens, width}).clone();
  const dpm::OrtModel model(session, {{"encoder_hidden_states", embeddings, {2, tokens, width}}},
                            {.sample_shape = {example::channels, side, side}});
  dpm::sample(plan, dpm::BatchedClassifierFreeGuidance(model, latents.scale), x);
  dpm::sample(plan,
              dpm::TorchClassifierFreeGuidance(dpm::TorchModel(module, {text}, torch::kLong),
                                               latents.scale),
              y);
  return agree(what, x, y);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3) {
    std::fprintf(stderr, "usage: onnxruntime_against_libtorch UNET LATENTS\n");
    return 2;
  }
  const Ort::Env env(ORT_LOGGING_LEVEL_WARNING, "against_libtorch");
  const std::string latents = argv[2];
  bool same = digits_agree(env, argv[1]);
  same = latents_agree(env, latents, "noise prediction", {}) && same;
  same = latents_agree(env, latents, "velocity prediction", {.velocity = true}) && same;
  same = latents_agree(env, latents, "image-to-image", {.strength = 0.5}) && same;
  return same ? 0 : 1;
} catch (const std::exception& error) {
  std::fprintf(stderr, "onnxruntime_against_libtorch: %s\n", error.what());
  return 1;
}
