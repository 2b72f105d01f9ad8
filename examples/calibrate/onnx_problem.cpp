// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A network of the user's, run by ONNX Runtime.
#include <algorithm>
#include <cstring>
#include <dpm/dpm.hpp>
#include <dpm/interop/diffusers.hpp>
#include <dpm/interop/onnxruntime.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "problem.hpp"

namespace calibrate {
namespace {

std::string text_of(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  if (!file) throw std::runtime_error("cannot open " + name);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// One further input: a name, and numbers for one or more samples, which recur.
struct Given {
  std::string name;
  std::vector<double> values;
};

/// Reads NAME=1,2,3 or NAME=@FILE, a file of floats without a header.
Given given_of(const std::string& text) {
  const std::size_t at = text.find('=');
  if (at == std::string::npos || at == 0 || at + 1 == text.size()) {
    throw std::invalid_argument("--input " + text + ": it must be NAME=1,2,3 or NAME=@FILE");
  }
  Given given{text.substr(0, at), {}};
  const std::string said = text.substr(at + 1);
  if (said[0] == '@') {
    const std::string bytes = text_of(said.substr(1));
    std::vector<float> values(bytes.size() / sizeof(float));
    std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
    given.values.assign(values.begin(), values.end());
    return given;
  }
  std::istringstream list(said);
  for (std::string word; std::getline(list, word, ',');) {
    std::istringstream number(word);
    double value = 0.0;
    if (!(number >> value) || !number.eof()) {
      std::string sentence = "--input " + text;
      sentence.append(": \"").append(word).append("\" is not a number");
      throw std::invalid_argument(sentence);
    }
    given.values.push_back(value);
  }
  return given;
}

/// The type and the shape that the network has for an input.
Ort::ConstTensorTypeAndShapeInfo info_of(const Ort::Session& session, const std::string& name,
                                         Ort::TypeInfo& kept) {
  const Ort::AllocatorWithDefaultOptions allocator;
  for (std::size_t i = 0; i < session.GetInputCount(); ++i) {
    if (session.GetInputNameAllocated(i, allocator).get() != name) continue;
    kept = session.GetInputTypeInfo(i);
    return kept.GetTensorTypeAndShapeInfo();
  }
  throw std::invalid_argument("--input " + name + ": the network has no input of this name");
}

/// The values of a batch that begins at sample `first`, then those of the half without condition.
dpm::OrtInput input_of(const Ort::Session& session, const Given& with, const Given* without,
                       std::size_t first, std::size_t batch) {
  Ort::TypeInfo kept{nullptr};
  const auto info = info_of(session, with.name, kept);
  std::vector<std::int64_t> shape = info.GetShape();
  if (shape.empty()) throw std::invalid_argument("--input " + with.name + ": it is one number");
  std::size_t each = 1;
  for (std::size_t i = 1; i < shape.size(); ++i) {
    if (shape[i] < 1) {
      throw std::invalid_argument("--input " + with.name + ": the network leaves its shape open");
    }
    each *= static_cast<std::size_t>(shape[i]);
  }
  std::vector<double> values;
  const auto add = [&](const Given& given) {
    const std::size_t count = given.values.size() / each;
    if (count == 0 || given.values.size() % each != 0) {
      throw std::invalid_argument("--input " + given.name + ": it has " +
                                  std::to_string(given.values.size()) + " values; a sample has " +
                                  std::to_string(each));
    }
    for (std::size_t s = 0; s < batch; ++s) {
      const auto from =
          given.values.begin() + static_cast<std::ptrdiff_t>((first + s) % count * each);
      values.insert(values.end(), from, from + static_cast<std::ptrdiff_t>(each));
    }
  };
  add(with);
  if (without != nullptr) add(*without);
  shape[0] = static_cast<std::int64_t>(values.size() / each);
  const auto as = [&](auto zero) {
    std::vector<decltype(zero)> typed;
    typed.reserve(values.size());
    for (const double value : values) typed.push_back(static_cast<decltype(zero)>(value));
    return dpm::OrtInput(with.name, std::move(typed), shape);
  };
  switch (info.GetElementType()) {
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64:
      return as(std::int64_t{});
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32:
      return as(std::int32_t{});
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE:
      return as(double{});
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT:
      return as(float{});
    default:
      throw std::invalid_argument("--input " + with.name +
                                  ": the network takes another type than float, double or int");
  }
}

std::pair<dpm::AnySchedule, dpm::Prediction> schedule_of(const OnnxSettings& settings) {
  const auto type =
      settings.whole_timesteps ? dpm::TimestepType::discrete : dpm::TimestepType::continuous;
  const std::string& name = settings.schedule;
  const auto prediction =
      settings.prediction.value_or(name == "flow" ? dpm::Prediction::flow : dpm::Prediction::noise);
  if (name.ends_with(".json")) {
    if (settings.flow_shift || settings.whole_timesteps) {
      throw std::invalid_argument(name +
                                  " says its timesteps and its shift itself; leave out "
                                  "--flow-shift and --whole-timesteps");
    }
    const auto scheduler = dpm::diffusers::Scheduler::from_text(text_of(name));
    return {scheduler.schedule(), settings.prediction.value_or(scheduler.prediction())};
  }
  if (name == "flow") return {dpm::RectifiedFlow(settings.flow_shift.value_or(1.0)), prediction};
  if (settings.flow_shift) {
    throw std::invalid_argument("--flow-shift goes with --schedule flow, and not with " + name);
  }
  if (name == "cosine") return {dpm::VpCosine(), prediction};
  return {dpm::DiscreteSchedule(
              name == "linear" ? dpm::linear_betas(1000) : dpm::scaled_linear_betas(1000), type),
          prediction};
}

/// The files beside the network that hold its weights. ONNX has an entry for each weight that lies
/// elsewhere: field 1 is "location", field 2 the file.
std::set<std::string> files_of_weights(const std::string& model) {
  const std::string entry = "\x0A\x08location\x12";
  std::set<std::string> files;
  for (std::size_t at = model.find(entry); at != std::string::npos; at = model.find(entry, at)) {
    at += entry.size();
    std::size_t size = 0;  // a varint: seven bits a byte, the low ones first
    for (int shift = 0; at < model.size() && shift < 28; shift += 7) {
      const auto byte = static_cast<unsigned char>(model[at++]);
      size |= std::size_t{byte & 0x7FU} << shift;
      if (byte < 0x80) break;
    }
    files.insert(model.substr(at, size));
  }
  return files;
}

/// The session, and one model for each batch, made when it is first asked for.
class Networks {
 public:
  explicit Networks(const OnnxSettings& settings)
      : settings_(settings), session_(env_, settings.network.c_str(), options(settings.threads)) {
    for (const std::string& text : settings.inputs) with_.push_back(given_of(text));
    for (const std::string& text : settings.without) without_.push_back(given_of(text));
  }

  Model operator()(std::size_t batch) {
    while (models_.size() <= batch) models_.push_back(made(models_.size() * settings_.batch));
    return models_[batch];
  }

 private:
  static Ort::SessionOptions options(int threads) {
    Ort::SessionOptions result;
    result.SetIntraOpNumThreads(threads);
    return result;
  }

  Model made(std::size_t first) {
    std::vector<dpm::OrtInput> inputs;
    for (const Given& with : with_) {
      const auto same = std::find_if(without_.begin(), without_.end(),
                                     [&](const Given& one) { return one.name == with.name; });
      if (settings_.guidance && same == without_.end()) {
        throw std::invalid_argument("--without " + with.name + " is missing: guidance needs it");
      }
      inputs.push_back(
          input_of(session_, with, settings_.guidance ? &*same : nullptr, first, settings_.batch));
    }
    dpm::OrtModel network(session_, std::move(inputs), {.sample_shape = settings_.shape});
    if (settings_.guidance) {
      return [guided = dpm::BatchedClassifierFreeGuidance(network, *settings_.guidance)](
                 const State& x, const dpm::Level& at, State& out) mutable { guided(x, at, out); };
    }
    return [network](const State& x, const dpm::Level& at, State& out) mutable {
      network(x, at.timestep, out);
    };
  }

  OnnxSettings settings_;
  Ort::Env env_{ORT_LOGGING_LEVEL_WARNING, "calibrate"};
  Ort::Session session_;
  std::vector<Given> with_;
  std::vector<Given> without_;
  std::vector<Model> models_;
};

}  // namespace

Problem onnx_problem(const OnnxSettings& settings) {
  Eigen::Index elements = 1;
  const std::string model = text_of(settings.network);
  std::uint64_t print = fingerprint(model);
  for (const std::string& file : files_of_weights(model)) {
    const auto folder = std::filesystem::path(settings.network).parent_path();
    print = fingerprint(text_of((folder / file).string()), print);
  }
  for (const std::int64_t size : settings.shape) {
    elements *= size;
    print = fingerprint(std::to_string(size) + ",", print);
  }
  for (const auto* list : {&settings.inputs, &settings.without}) {
    for (const std::string& text : *list) {
      const Given given = given_of(text);
      const auto* const bytes = reinterpret_cast<const char*>(given.values.data());
      print = fingerprint(given.name + ";", print);
      print = fingerprint({bytes, given.values.size() * sizeof(double)}, print);
    }
  }
  if (settings.guidance) print = fingerprint(std::to_string(*settings.guidance), print);
  const auto networks = std::make_shared<Networks>(settings);
  auto [schedule, prediction] = schedule_of(settings);
  return {settings.network, print,    schedule,
          prediction,       elements, [networks](std::size_t batch) { return (*networks)(batch); }};
}

}  // namespace calibrate
