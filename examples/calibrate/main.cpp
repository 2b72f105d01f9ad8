// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Fits plans to a network, and says what that gains:
///
///     calibrate --output digits
///     calibrate --network unet.onnx --shape 4,64,64 --input encoder_hidden_states=@prompts.f32
///               --without encoder_hidden_states=@none.f32 --guidance 7.5 --whole-timesteps
///               --starts 32 --batch 4 --output unet
///
/// It leaves plan_10.json for 10 calls, and so on. Killed and started again it goes on.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <dpm/calibration/calibrate.hpp>
#include <dpm/dpm.hpp>
#include <dpm/interop/plan_json.hpp>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "../mnist/study/progress_bar.hpp"
#include "kept_references.hpp"
#include "problem.hpp"
#include "report.hpp"

namespace {

using calibrate::Model;
using calibrate::Problem;
using calibrate::State;

struct Options {
  std::vector<int> calls{5, 8, 10, 15, 20};
  std::size_t starts = 64;
  std::size_t batch = 16;
  std::uint64_t seed = 1;
  int fine = 200;
  int sweeps = 3;
  int turns = 3;
  std::string output = "calibration";
  std::string plot;
  std::string images = DPM_DIGITS_CSV;
  calibrate::OnnxSettings onnx;
};

void declare(CLI::App& app, Options& options) {
  const auto add = [&app](const char* name, auto& value, const char* what) {
    return app.add_option(name, value, what)->capture_default_str();
  };
  add("--calls", options.calls, "Model calls, a plan for each")
      ->delimiter(',')
      ->check(CLI::Range(1, 1000));
  add("--starts", options.starts, "Starts; a multiple of --batch")->check(CLI::Range(12, 100000));
  add("--batch", options.batch, "Samples of each call")->check(CLI::Range(1, 100000));
  add("--seed", options.seed, "Of the starts");
  add("--fine", options.fine, "Calls of the references, for each start")
      ->check(CLI::Range(20, 100000));
  add("--sweeps", options.sweeps, "Searches of the levels; 0 keeps them")
      ->check(CLI::Range(0, 1000));
  add("--turns", options.turns, "Joint fits")->check(CLI::Range(0, 1000));
  add("--output", options.output, "Folder for the plans, the reports and the references");
  app.add_option("--plot", options.plot, "An SVG of error against calls, by gnuplot");
  auto* const images =
      add("--images", options.images, "The images of the digits, where no network is given");
#if DPM_EXAMPLE_ONNXRUNTIME
  using dpm::Prediction;
  const std::map<std::string, Prediction> predictions{{"noise", Prediction::noise},
                                                      {"data", Prediction::data},
                                                      {"velocity", Prediction::velocity},
                                                      {"score", Prediction::score},
                                                      {"flow", Prediction::flow}};
  calibrate::OnnxSettings& onnx = options.onnx;
  auto* const network = app.add_option("--network", onnx.network, "Your network, an ONNX file");
  network->excludes(images);
  app.add_option("--shape", onnx.shape, "Of one sample: 4,64,64")->delimiter(',')->needs(network);
  network->needs("--shape");
  add("--schedule", onnx.schedule,
      "linear, scaled_linear, cosine, flow, or a scheduler_config.json")
      ->needs(network)
      ->check([](const std::string& name) {
        const bool known = name.ends_with(".json") || name == "linear" || name == "cosine" ||
                           name == "scaled_linear" || name == "flow";
        return known ? std::string() : "no schedule is called " + name;
      });
  app.add_option("--flow-shift", onnx.flow_shift, "Of the schedule flow, 1 if not said")
      ->needs(network);
  app.add_option("--prediction", onnx.prediction, "What the network predicts")
      ->transform(CLI::CheckedTransformer(predictions))
      ->needs(network);
  app.add_flag("--whole-timesteps", onnx.whole_timesteps, "It was trained on whole timesteps")
      ->needs(network);
  app.add_option("--input", onnx.inputs,
                 "A further input, NAME=1,2,3 or NAME=@FILE of floats; samples take them in turn")
      ->needs(network);
  auto* const without =
      app.add_option("--without", onnx.without, "The same for the half without condition")
          ->needs(network);
  auto* const guidance =
      app.add_option("--guidance", onnx.guidance, "Its scale, on a doubled batch")->needs(network);
  without->needs(guidance);
  add("--threads", onnx.threads, "Of the runtime")->check(CLI::Range(1, 1024))->needs(network);
#else
  static_cast<void>(images);
#endif
}

Problem problem_of(const Options& options) {
#if DPM_EXAMPLE_ONNXRUNTIME
  if (!options.onnx.network.empty()) {
    calibrate::OnnxSettings settings = options.onnx;
    settings.batch = options.batch;
    return calibrate::onnx_problem(settings);
  }
#endif
  return calibrate::digits_problem(options.images);
}

void make_folder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw std::runtime_error("cannot make the folder " + folder + ": " + error.message());
}

void say(const std::string& sentence) {
  if (!sentence.empty()) std::cerr << "calibrate: " << sentence << '\n';
}

/// The network, whose calls a progress bar counts.
auto watched(const Problem& problem, study::ProgressBar& bar) {
  return [&problem, &bar](std::size_t start) -> Model {
    return
        [&bar, model = problem.network(start)](const State& x, const dpm::Level& at, State& out) {
          model(x, at, out);
          bar.add(1.0);
        };
  };
}

/// The run of one batch. What says that it is not finite says the batch's number.
dpm::References<State> run_from(std::size_t batch, const dpm::Plan& fine, const Model& model,
                                const State& start) {
  try {
    return {fine, model, std::span(&start, 1)};
  } catch (const dpm::NonFinite& error) {
    const std::string said = error.what();
    const std::string alone = "start 0: ";
    const std::size_t at = said.find(alone);
    throw std::runtime_error("batch " + std::to_string(batch) + ": " +
                             (at == std::string::npos ? said : said.substr(at + alone.size())));
  }
}

/// References of all batches: those that are on disk, and the others, which are put there.
dpm::References<State> references_of(const Options& options, const Problem& problem,
                                     std::uint64_t fingerprint) {
  const dpm::Plan fine = dpm::make_plan(problem.schedule, options.fine, problem.prediction);
  const auto start_of = [&](std::size_t batch) {
    State x(problem.elements, static_cast<Eigen::Index>(options.batch));
    dpm::NormalNoise{.seed = options.seed, .first_sample = batch * options.batch}.fill(x);
    return State(x * static_cast<float>(fine.start().sigma()));
  };
  const std::size_t batches = options.starts / options.batch;
  // The nodes are those of any run of the plan.
  const auto still = [](const State& x, const dpm::Level& /*at*/, State& out) { out = 0.0F * x; };
  const State one = State::Zero(1, 1);
  const dpm::References<State> nodes(fine, still, std::span(&one, 1));
  const std::vector<dpm::Level> levels(nodes.nodes().begin(), nodes.nodes().end());

  calibrate::KeptReferences kept(
      options.output + "/references.bin", fingerprint,
      {levels.size(), static_cast<std::size_t>(problem.elements), options.batch});
  say(kept.said());
  std::cout << "references: " << std::min(kept.batches().size(), batches) << " of " << batches
            << " batches are there\n"
            << std::flush;
  if (kept.batches().size() < batches) {
    study::ProgressBar bar(static_cast<double>(batches - kept.batches().size()) *
                           fine.model_calls());
    const auto network = watched(problem, bar);
    while (kept.batches().size() < batches) {
      const std::size_t batch = kept.batches().size();
      const State start = start_of(batch);
      const Model model = network(batch);
      const dpm::References<State> made = run_from(batch, fine, model, start);
      std::vector<State> states(levels.size());
      for (std::size_t k = 0; k < levels.size(); ++k) made.at(0, levels[k], states[k]);
      kept.add(std::move(states));
    }
  }
  std::vector<std::vector<State>> states(
      kept.batches().begin(), kept.batches().begin() + static_cast<std::ptrdiff_t>(batches));
  return {levels, std::move(states)};
}

/// Whether the file is there as it was written.
bool has_plan(const std::string& file, std::uint64_t fingerprint) {
  std::ifstream in(file);
  if (!in) return false;
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (calibrate::fingerprint(text) == fingerprint) return true;
  say(file + " is not as it was written: the plan is fitted anew");
  return false;
}

void fit(const Options& options, const Problem& problem, std::uint64_t fingerprint,
         const dpm::References<State>& references) {
  const std::string file = options.output + "/reports.json";
  const std::string of_this = std::to_string(fingerprint) + ", " + std::to_string(options.starts) +
                              " starts, " + std::to_string(options.sweeps) + " sweeps, " +
                              std::to_string(options.turns) + " turns";
  std::string said;
  calibrate::Reports all = calibrate::read_reports(file, of_this, said);
  say(said);
  calibrate::Reports shown;
  for (const int calls : options.calls) {
    const std::string name = options.output + "/plan_" + std::to_string(calls) + ".json";
    if (all.count(calls) > 0 && has_plan(name, all[calls].plan)) {
      std::cout << calls << " calls: the plan is there\n";
      shown[calls] = all[calls];
      continue;
    }
    dpm::CalibrationOptions search{
        .schedule = problem.schedule, .sweeps = options.sweeps, .turns = options.turns};
    if (options.sweeps == 0) search.schedule.reset();
    const auto candidates =
        dpm::calibration_candidates(problem.schedule, calls, problem.prediction);
    // An upper bound: a search that finds nothing more ends earlier.
    const double runs =
        static_cast<double>(candidates.size()) + 9.0 +
        search.most_searched * (4.0 * calls * options.sweeps + (3.0 * calls + 3.0) * options.turns);
    const auto [plan, report] = [&] {
      study::ProgressBar bar(runs * calls * static_cast<double>(references.size()));
      return dpm::calibrate(candidates, watched(problem, bar), references, search);
    }();
    const std::string text = dpm::plan_to_text(plan) + "\n";
    std::ofstream out(name);
    out << text;
    out.close();
    if (!out) throw std::runtime_error("cannot write " + name);
    shown[calls] = all[calls] = {report, calibrate::fingerprint(text)};
    calibrate::write_reports(file, of_this, all);
    std::cout << calls << " calls: " << report.verdict << '\n' << std::flush;
  }
  std::cout << '\n' << calibrate::as_table(shown);
  if (!options.plot.empty()) calibrate::plot(shown, problem.title, options.plot);
}

void run(const Options& options) {
  if (options.starts % options.batch != 0) {
    throw std::invalid_argument("--starts " + std::to_string(options.starts) +
                                ": it must be a multiple of --batch, " +
                                std::to_string(options.batch));
  }
  make_folder(options.output);
  if (!options.plot.empty() && !std::ofstream(options.plot, std::ios::app)) {
    throw std::runtime_error("cannot write " + options.plot);
  }
  const Problem problem = problem_of(options);
  // Of whatever the references depend on; a calibration with more starts goes on with these.
  const std::uint64_t fingerprint = calibrate::fingerprint(
      dpm::plan_to_text(dpm::make_plan(problem.schedule, options.fine, problem.prediction)) +
          std::to_string(options.seed) + " " + std::to_string(options.batch),
      problem.fingerprint);
  fit(options, problem, fingerprint, references_of(options, problem, fingerprint));
}

}  // namespace

int main(int argc, char** argv) try {
  Options options;
  CLI::App app("Fits diffusion samplers to a network, so that they end nearer in as few calls.");
  declare(app, options);
  CLI11_PARSE(app, argc, argv);
  run(options);
  return 0;
} catch (const std::exception& error) {
  std::cerr << "calibrate: " << error.what() << '\n';
  return 1;
}
