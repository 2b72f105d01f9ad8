// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A run that one process saves and another one finishes: `save FILE` runs the first half of a
/// stochastic run and writes it to FILE, and with one damaged byte to FILE.damaged; `load FILE`
/// refuses the damaged one, finishes the other, and holds it against the run in one go.
#include <Eigen/Core>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"

namespace {

using Batch = Eigen::ArrayXXf;
using Bytes = std::vector<std::byte>;

/// Both processes make the plan, the start, the noise and the network for themselves.
dpm::Plan make_run_plan() {
  return dpm::make_plan(dpm::DpmSolver{.order = 2, .tau = 1.0}, dpm::VpLinear(), 12);
}
Batch make_start() {
  Batch x(5, 7);
  dpm::NormalNoise{.seed = 42}.fill(x);
  return x;
}
dpm::RunOptions<Batch> make_options() {
  dpm::RunOptions<Batch> options;
  options.noise = dpm::NormalNoise{.seed = 42};
  return options;
}
const dpm::Gaussian network({0.5, -1.0, 0.0, 2.0, 1.0}, {0.4, 0.8, 1.0, 0.1, 0.5});

template <class Call>
void answer(const Call& call) {
  network(call.input, call.level, call.output);
}

bool write(const std::string& path, const Bytes& bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  file.close();
  return !file.fail();
}

Bytes read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  Bytes bytes(text.size());
  if (!text.empty()) std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

dpm::Stepper<Batch> load(const Bytes& bytes) {
  return dpm::load(bytes, make_run_plan(), Batch(5, 7), make_options());
}

bool save_half(const std::string& path) {
  dpm::Stepper<Batch> run(make_run_plan(), make_start(), make_options());
  while (const auto call = run.next()) {
    answer(*call);
    if (run.steps_done() == 6) break;  // that answer is lost: the call is handed out again
  }
  const Bytes bytes = dpm::save(run);
  Bytes damaged = bytes;
  damaged[damaged.size() / 2] ^= std::byte{1};
  std::printf("saved after %d of %d calls: %zu bytes\n", run.model_calls(),
              run.plan().model_calls(), bytes.size());
  return run.model_calls() == 6 && write(path, bytes) && write(path + ".damaged", damaged);
}

bool refuses_damaged(const std::string& path, std::size_t expected_size) {
  const Bytes damaged = read(path);
  if (damaged.size() != expected_size) return false;
  try {
    (void)load(damaged);
  } catch (const dpm::InvalidArgument& refusal) {
    std::printf("refused: %s\n", refusal.what());
    return std::string(refusal.what()).find("damaged") != std::string::npos;
  }
  return false;
}

bool finishes_as_in_one_go(const Bytes& bytes) {
  dpm::Stepper<Batch> run = load(bytes);
  int calls = 0;
  while (const auto call = run.next()) {
    answer(*call);
    ++calls;
  }
  Batch in_one_go = make_start();
  dpm::sample(make_run_plan(), network, in_one_go, make_options());
  const auto size = static_cast<std::size_t>(in_one_go.size()) * sizeof(float);
  const bool same = std::memcmp(in_one_go.data(), run.sample().data(), size) == 0;
  std::printf("%d calls here, %d in all: %s bits as in one go\n", calls, run.model_calls(),
              same ? "the same" : "other");
  return same && calls == 6 && run.model_calls() == 12;
}

bool load_and_finish(const std::string& path) {
  const Bytes bytes = read(path);
  if (bytes.empty()) {
    std::fprintf(stderr, "cannot read %s\n", path.c_str());
    return false;
  }
  const bool refused = refuses_damaged(path + ".damaged", bytes.size());
  return finishes_as_in_one_go(bytes) && refused;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() == 2 && arguments[0] == "save") return save_half(arguments[1]) ? 0 : 1;
  if (arguments.size() == 2 && arguments[0] == "load") return load_and_finish(arguments[1]) ? 0 : 1;
  std::fprintf(stderr, "usage: snapshot_process save FILE | load FILE\n");
  return 2;
}
