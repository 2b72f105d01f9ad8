// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Writes a network and a sampler into one ONNX model, which draws samples in one call:
///
///     onnx_graph unet.onnx sampler.onnx --sampler "DPM++ 2M Karras" --steps 20 --guidance 7.5
///     onnx_graph unet.onnx sampler.onnx --plan plan.json
///
/// Weights that the network has in files of their own are copied into the sampler's folder.
#include <CLI/CLI.hpp>
#include <dpm/catalogue.hpp>
#include <dpm/interop/onnx_graph.hpp>
#include <dpm/interop/plan_json.hpp>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;

struct Options {
  std::string network;
  std::string output;
  std::string plan;
  std::string sampler = "DPM++ 2M Karras";
  int steps = 20;
  std::string betas = "scaled_linear";
  bool whole_timesteps = false;
  std::optional<double> flow_shift;
  std::optional<dpm::Prediction> prediction;
  std::optional<double> guidance;
  std::optional<double> clip;
  dpm::OnnxNetworkNames names;
};

void declare(CLI::App& app, Options& options) {
  using dpm::Prediction;
  const std::map<std::string, Prediction> predictions{{"noise", Prediction::noise},
                                                      {"data", Prediction::data},
                                                      {"velocity", Prediction::velocity},
                                                      {"score", Prediction::score},
                                                      {"flow", Prediction::flow}};
  app.add_option("network", options.network, "The network, an ONNX file")->required();
  app.add_option("output", options.output, "The file to write")->required();
  auto* const plan =
      app.add_option("--plan", options.plan, "A plan in JSON, instead of the sampler's name");
  for (CLI::Option* option :
       {app.add_option("--sampler", options.sampler,
                       "A name as ComfyUI, A1111 or stable-diffusion.cpp has it"),
        app.add_option("--steps", options.steps, "Steps"),
        app.add_option("--betas", options.betas,
                       "Of the training: scaled_linear, as in Stable "
                       "Diffusion, or linear, as in DDPM; 1000 of them")
            ->check(CLI::IsMember({"scaled_linear", "linear"}))}) {
    option->capture_default_str()->excludes(plan);
  }
  app.add_flag("--whole-timesteps", options.whole_timesteps,
               "The network was trained on whole timesteps; a must where it takes integers")
      ->excludes(plan);
  app.add_option("--flow-shift", options.flow_shift, "The network is a flow with this shift")
      ->excludes(plan);
  app.add_option("--prediction", options.prediction, "What the network predicts")
      ->transform(CLI::CheckedTransformer(predictions))
      ->excludes(plan);
  app.add_option("--guidance", options.guidance,
                 "The scale of classifier-free guidance on a doubled batch");
  app.add_option(
      "--clip", options.clip,
      "Clips the data prediction to this range, for a plan in JSON where it has corrections");
  app.add_option("--sample-input", options.names.sample, "The network's input for the sample");
  app.add_option("--timestep-input", options.names.timestep, "The same for the timestep");
  app.add_option("--prediction-output", options.names.output, "The network's output");
}

std::string text_of(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  if (!file) throw std::runtime_error("cannot open " + name);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

dpm::AnySchedule schedule_of(const Options& options) {
  if (options.flow_shift) return dpm::RectifiedFlow(*options.flow_shift);
  return dpm::DiscreteSchedule(
      options.betas == "linear" ? dpm::linear_betas(1000) : dpm::scaled_linear_betas(1000),
      options.whole_timesteps ? dpm::TimestepType::discrete : dpm::TimestepType::continuous);
}

dpm::Plan plan_of(const Options& options) {
  if (!options.plan.empty()) return dpm::plan_from_text(text_of(options.plan));
  dpm::SamplerOptions set;
  if (options.clip) set.correction = dpm::Correction::data;
  return dpm::plan_by_name(options.sampler, schedule_of(options), options.steps, options.prediction,
                           set);
}

onnx::ModelProto read_network(const std::string& name) {
  onnx::ModelProto network;
  if (!network.ParseFromString(text_of(name)) || !network.has_graph()) {
    throw std::runtime_error(name + " is not an ONNX model");
  }
  return network;
}

void write(const onnx::ModelProto& model, const std::string& name) {
  std::ofstream file(name, std::ios::binary);
  const bool written = model.SerializeToOstream(&file);
  file.close();
  if (!written || !file) throw std::runtime_error("cannot write " + name);
}

/// What must be copied, from and to, so that the model finds its weights beside its own file.
/// Refuses files that are not there, lie elsewhere, or would be written over.
std::vector<std::pair<fs::path, fs::path>> weights_to_copy(const onnx::ModelProto& model,
                                                           const Options& options) {
  std::vector<std::pair<fs::path, fs::path>> copies;
  for (const std::string& name : dpm::onnx_external_files(model)) {
    const fs::path location = fs::path(name).lexically_normal();
    if (location.empty() || location.is_absolute() || *location.begin() == "..") {
      throw std::runtime_error(options.network + " has weights in " + name +
                               ", which is not a file in its folder");
    }
    const fs::path from = fs::path(options.network).parent_path() / location;
    const fs::path to = fs::path(options.output).parent_path() / location;
    if (!fs::exists(from)) {
      throw std::runtime_error(options.network + " has weights in " + from.string() +
                               ", which is not there");
    }
    if (!fs::exists(to)) {
      copies.emplace_back(from, to);
    } else if (!fs::equivalent(from, to) && text_of(from.string()) != text_of(to.string())) {
      throw std::runtime_error(to.string() + " is there and is not " + from.string() +
                               "; write the sampler into another folder");
    }
  }
  return copies;
}

void run(const Options& options) {
  const dpm::Plan plan = plan_of(options);
  dpm::OnnxGraphOptions set{.clip = options.clip, .network = options.names};
  if (options.guidance) set.guidance = dpm::GuidanceScale(*options.guidance);
  const onnx::ModelProto model = dpm::make_onnx_graph(read_network(options.network), plan, set);
  const auto copies = weights_to_copy(model, options);
  write(model, options.output);
  for (const auto& [from, to] : copies) {
    fs::create_directories(to.parent_path());
    fs::copy_file(from, to);
  }
  std::cout << options.output << ": " << plan.model_calls() << " model calls; inputs";
  for (const auto& input : model.graph().input()) std::cout << ' ' << input.name();
  std::cout << "; output " << model.graph().output(0).name()
            << "\nstart is standard normal noise times " << plan.start().sigma() << '\n';
  for (const std::string& name : dpm::onnx_external_files(model)) {
    std::cout << "its weights are in " << name << ", which must stay beside it\n";
  }
  if (plan.draws() > 0) std::cout << "draws is " << plan.draws() << " standard normal draws\n";
}

}  // namespace

int main(int argc, char** argv) try {
  Options options;
  CLI::App app("Writes a network and a diffusion sampler into one ONNX model.");
  declare(app, options);
  CLI11_PARSE(app, argc, argv);
  run(options);
  return 0;
} catch (const std::exception& error) {
  std::cerr << "onnx_graph: " << error.what() << '\n';
  return 1;
}
