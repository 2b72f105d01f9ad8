// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// diffusers' configurations and runs that are refused, each by a sentence that says what to write
/// instead, and input that is made to break the reader.
#include <climits>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "dpm/interop/diffusers.hpp"
#include "support/catch.hpp"
#include "support/refused.hpp"

namespace diffusers_refusals_test {

using namespace dpm_test;
using dpm::diffusers::Kind;
using dpm::diffusers::Mode;
using dpm::diffusers::Options;
using dpm::diffusers::options_of;
using dpm::diffusers::Run;
using dpm::diffusers::Scheduler;
using nlohmann::json;
using State = std::vector<double>;

namespace {

Scheduler scheduler_of(const std::string& name, json config = json::object(),
                       Mode mode = Mode::strict) {
  config["_class_name"] = name + "Scheduler";
  return Scheduler::from_json(config, mode);
}

void says(const std::function<void()>& call, const std::string& part) {
  const std::string sentence = sentence_of<dpm::InvalidArgument>(call);
  CHECK_THAT(sentence, mentions(part));
  CHECK(sentence.size() < 1000);
}

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

}  // namespace

TEST_CASE("more steps than the table holds are refused for every class that would repeat points") {
  struct Case {
    std::string name;
    json config;
  };
  const std::vector<Case> cases{
      {"EulerDiscrete", {{"timestep_spacing", "leading"}}},
      {"EulerDiscrete", {{"timestep_spacing", "trailing"}}},
      {"HeunDiscrete", {{"timestep_spacing", "leading"}}},
      {"HeunDiscrete", {{"timestep_spacing", "trailing"}}},
      {"DPMSolverMultistep", {{"solver_order", 1}}},
      {"DPMSolverMultistep", {{"solver_order", 1}, {"timestep_spacing", "leading"}}},
      {"DPMSolverMultistep", {{"solver_order", 1}, {"timestep_spacing", "trailing"}}},
      {"DPMSolverSinglestep", {{"solver_order", 1}}},
      {"DPMSolverMultistepInverse", {{"solver_order", 1}}},
      {"DEISMultistep", {{"solver_order", 1}}},
      {"UniPCMultistep", {{"solver_order", 1}}},
      {"SASolver", json::object()}};
  for (const Case& c : cases) {
    json config = c.config;
    config["num_train_timesteps"] = 1100;
    INFO(c.name << " " << config.dump());
    const Scheduler scheduler = scheduler_of(c.name, config);
    says([&] { (void)scheduler.make_plan(1103); }, "same sigma twice");
    says([&] { (void)scheduler.timesteps(1103); }, "use fewer steps or another spacing");
    CHECK_NOTHROW(scheduler.make_plan(50));
  }
  for (const char* name : {"DDIM", "DDIMInverse", "DDPM", "PNDM"}) {
    says([&] { (void)scheduler_of(name).make_plan(1001); },
         "must not be greater than num_train_timesteps = 1000");
  }
  // Between the entries of the table there is room.
  CHECK_NOTHROW(scheduler_of("EulerDiscrete").make_plan(1101));
  // diffusers gives a number, which compatible mode repeats.
  const auto theirs =
      scheduler_of("EulerDiscrete", {{"timestep_spacing", "leading"}}, Mode::compatible);
  CHECK(theirs.timesteps(1001) == State(1001, 0.0));
}

TEST_CASE("one step that would start at the clean end is refused in favour of trailing") {
  for (const char* name : {"DDIM", "DDPM", "EulerDiscrete", "HeunDiscrete"}) {
    for (const char* spacing : {"leading", "linspace"}) {
      INFO(name << " " << spacing);
      const json config{{"timestep_spacing", spacing}, {"steps_offset", 1}};
      const std::string first = spacing == std::string("leading") ? "1" : "0";
      says([&] { (void)scheduler_of(name, config).make_plan(1); },
           "over 1 step with timestep_spacing " + std::string(spacing) + " has timestep " + first +
               " alone, where there is almost no noise; use timestep_spacing trailing");
      CHECK(scheduler_of(name, config, Mode::compatible).timesteps(1) ==
            State{spacing == std::string("leading") ? 1.0 : 0.0});
    }
    CHECK(scheduler_of(name, {{"timestep_spacing", "trailing"}}).timesteps(1) == State{999.0});
  }
  says(
      [] {
        (void)scheduler_of("PNDM", {{"skip_prk_steps", true}}).make_plan(1);
      },
      "use timestep_spacing trailing");
  says(
      [] {
        (void)scheduler_of("EDMDPMSolverMultistep", {{"sigma_schedule", "exponential"}})
            .make_plan(1);
      },
      "use sigma_schedule karras");
}

TEST_CASE("timesteps beyond the table are refused, with the offset that makes them") {
  const json config{{"timestep_spacing", "leading"}, {"steps_offset", 60}};
  says([&] { (void)scheduler_of("EulerDiscrete", config).make_plan(20); },
       "EulerDiscreteScheduler over 20 steps has timestep 1010; it must lie between 0 and 999, so "
       "use a smaller steps_offset");
  says([&] { (void)scheduler_of("DDPM", config).make_plan(20); }, "timestep 1010 lies outside");
  CHECK_NOTHROW(scheduler_of("EulerDiscrete", config, Mode::compatible).make_plan(20));
}

TEST_CASE("sigmas that do not fall are refused, inverted or not") {
  for (const bool inverted : {false, true}) {
    Options o = options_of(Kind::flow_match_euler);
    o.invert_sigmas = inverted;
    const Scheduler scheduler(o);
    says(
        [&] {
          (void)scheduler.make_plan(Run{.sigmas = {1.0, 0.6, 0.9, 0.3}});
        },
        inverted ? " after 0.4; sigmas must fall before they are inverted"
                 : "has sigma 0.9 after 0.6; sigmas must fall");
    says(
        [&] {
          (void)scheduler.make_plan(Run{.sigmas = {1.0, 0.5, 0.5, 0.3}});
        },
        "has the same sigma twice, at timesteps 500 and 500");
    o.num_train_timesteps = 1;  // diffusers spreads four sigmas from 1 to 1
    says([&] { (void)Scheduler(o).make_plan(4); }, "same sigma twice");
  }
  for (const Mode mode : {Mode::strict, Mode::compatible}) {
    for (const Kind kind : {Kind::euler, Kind::ltx_euler_ancestral}) {
      says(
          [&] {
            (void)Scheduler(options_of(kind), mode).make_plan(Run{.sigmas = {1.0, 0.0, 0.0}});
          },
          "over 2 steps has sigma 0 before the end");
    }
    const json lms{{"num_train_timesteps", 1}, {"beta_end", 0.5}};
    says([&] { (void)scheduler_of("LMSDiscrete", lms, mode).make_plan(3); }, "same sigma twice");
  }
  const Scheduler euler(options_of(Kind::euler));
  says(
      [&] {
        (void)euler.make_plan(Run{.sigmas = {10.0, 2.0, 5.0, 0.0}});
      },
      "has sigma 5 after 2; sigmas must fall");
}

TEST_CASE("stochastic_sampling with invert_sigmas is refused unless compatible") {
  const json config{{"invert_sigmas", true}, {"stochastic_sampling", true}};
  says([&] { (void)scheduler_of("FlowMatchEulerDiscrete", config); }, "takes noise for data");
  CHECK(scheduler_of("FlowMatchEulerDiscrete", config, Mode::compatible).make_plan(4).draws() == 4);
}

TEST_CASE("a flow's sigma of 1 that should be stretched to an end is refused for what it is") {
  says(
      [] {
        (void)scheduler_of("FlowMatchEulerDiscrete", {{"shift_terminal", 0.1}}).make_plan(1);
      },
      "shift_terminal is 0.1 and the last sigma before the end is 1");
  says(
      [] {
        (void)scheduler_of("FlowMatchEulerDiscrete", {{"shift_terminal", 0.1}}, Mode::compatible)
            .make_plan(Run{.sigmas = {1.0}});
      },
      "use more steps, or shift_terminal null");
  const json unipc{
      {"shift_terminal", 0.1}, {"use_flow_sigmas", true}, {"prediction_type", "flow_prediction"}};
  says([&] { (void)scheduler_of("UniPCMultistep", unipc).make_plan(1); }, "shift_terminal is 0.1");
  CHECK_NOTHROW(scheduler_of("UniPCMultistep", unipc).make_plan(2));
}

TEST_CASE("betas that make an infinite or zero sigma are refused by the classes that need one") {
  const json ends_in_noise{{"num_train_timesteps", 3}, {"trained_betas", {0.1, 0.2, 1.0}}};
  for (const char* name : {"EulerDiscrete", "DPMSolverMultistep", "UniPCMultistep", "SASolver"}) {
    INFO(name);
    for (const Mode mode : {Mode::strict, Mode::compatible}) {
      says([&] { (void)scheduler_of(name, ends_in_noise, mode); }, "so use smaller betas");
      says(
          [&] {
            (void)scheduler_of(name, {{"num_train_timesteps", 2}, {"trained_betas", {1e-20, 0.1}}},
                               mode);
          },
          "so use greater betas");
    }
  }
  CHECK_NOTHROW(scheduler_of("DDIM", ends_in_noise));
}

TEST_CASE("a flow with dynamic shifting and no mu is refused alike by every class") {
  const json flow{{"use_dynamic_shifting", true},
                  {"use_flow_sigmas", true},
                  {"prediction_type", "flow_prediction"}};
  for (const char* name : {"FlowMatchEulerDiscrete", "DPMSolverMultistep", "DPMSolverSinglestep",
                           "UniPCMultistep", "DEISMultistep"}) {
    INFO(name);
    const Scheduler scheduler = scheduler_of(name, flow);
    for (const auto& call : std::vector<std::function<void()>>{
             [&] { (void)scheduler.make_plan(4); }, [&] { (void)scheduler.sigmas(4); },
             [&] { (void)scheduler.grid(4); }, [&] { (void)scheduler.schedule(); }}) {
      says(call, "is on and mu is missing; give mu (Run::mu), or turn it off for the shift 1");
    }
    CHECK_NOTHROW(scheduler.make_plan(Run{.steps = 4, .mu = 0.5}));
    says([&] { (void)scheduler.make_plan(Run{.steps = 4, .mu = std::nan("")}); }, "mu is nan");
  }
  const json of_flux{{"use_dynamic_shifting", true}, {"shift", 3.0}};
  says(
      [&] { (void)scheduler_of("FlowMatchHeunDiscrete", of_flux); },
      "FlowMatchHeunDiscreteScheduler has no use_dynamic_shifting and keeps its shift whatever the "
      "picture's size; remove the key and set shift to e^mu");
  const json not_shifting{{"use_dynamic_shifting", false}, {"shift", 3.0}};
  CHECK(scheduler_of("FlowMatchHeunDiscrete", of_flux, Mode::compatible).make_plan(4) ==
        scheduler_of("FlowMatchHeunDiscrete", not_shifting).make_plan(4));
  // diffusers takes flow_shift there.
  CHECK_NOTHROW(scheduler_of("UniPCMultistep", flow, Mode::compatible).make_plan(4));
  says(
      [] {
        (void)scheduler_of("UniPCMultistep", {{"use_dynamic_shifting", true}})
            .make_plan(Run{.steps = 4, .mu = 0.5});
      },
      "mu is given and use_flow_sigmas is off");
}

TEST_CASE("timesteps for a class that has none are told so before their values are looked at") {
  const Scheduler flow(options_of(Kind::flow_match_euler));
  says(
      [&] {
        (void)flow.make_plan(Run{.timesteps = {1000.0, 750.0, 500.0, 250.0}});
      },
      "FlowMatchEulerDiscreteScheduler takes no timesteps of one's own; give sigmas, before the "
      "shift");
  const Scheduler unipc(options_of(Kind::unipc));
  says([&] { (void)unipc.make_plan(Run{.timesteps = {2000.0}}); }, "give steps");
  says([&] { (void)unipc.make_plan(Run{.sigmas = {-1.0}}); }, "takes no sigmas");
}

TEST_CASE("a text of lists in lists is refused without a call for each") {
  const int deep = 100'000;
  const std::string text = R"({"_class_name": "DDIMScheduler", "beta_start": )" +
                           repeated("[", deep) + repeated("]", deep) + "}";
  says([&] { (void)Scheduler::from_text(text); }, "lists or objects more than 64 deep");
  says([&] { (void)Scheduler::from_text(repeated("[", deep)); }, "more than 64 deep");
  says([&] { (void)Scheduler::from_text(repeated("{\"a\":", deep)); }, "more than 64 deep");
  json value = json::array();
  for (int i = 0; i < deep; ++i) value = json::array({std::move(value)});
  json config{{"_class_name", "DDIMScheduler"}};
  config["beta_start"] = std::move(value);
  says([&] { (void)Scheduler::from_json(config); }, "beta_start is a list; it must be a number");
}

TEST_CASE("a long value is shown by its beginning") {
  const std::string text(100'000, 'x');
  says([&] { (void)scheduler_of(text); }, "_class_name is xxxxxxxx");
  says([&] { (void)scheduler_of("DDIM", {{text, 1}}); }, "xxxxx... of DDIMScheduler is not known");
  says(
      [&] {
        (void)scheduler_of("DDIM", {{"beta_schedule", text}});
      },
      "xxxxx...\"; it must be one");
  says(
      [&] {
        (void)scheduler_of("DDIM", {{"beta_start", json::object({{"a", text}})}});
      },
      "beta_start is an object; it must be a number");
  says([&] { (void)scheduler_of("DDIM", {{"beta_schedule", "\xff"}}); }, "it must be one of");
}

TEST_CASE("a key that stands twice is refused by name") {
  says(
      [] {
        (void)Scheduler::from_text(
            R"({"_class_name": "DDIMScheduler", "beta_end": 0.02, "beta_end": 0.012})");
      },
      "the key beta_end stands twice in one object");
  says([] { (void)Scheduler::from_text(R"({"_class_name": "a", "_class_name": "b"})"); },
       "the key _class_name stands twice");
  CHECK_NOTHROW(Scheduler::from_text(R"({"_class_name": "DDIMScheduler", "beta_end": 0.02})"));
}

TEST_CASE("a table of another length than it should have never leaves the refusals") {
  const json betas{
      {"num_train_timesteps", 1}, {"trained_betas", {0.5, 0.5, 0.5}}, {"lambda_min_clipped", -0.1}};
  for (const char* name : {"SASolver", "DPMSolverMultistep", "DPMSolverMultistepInverse"}) {
    for (const char* spacing : {"trailing", "linspace", "leading"}) {
      INFO(name << " " << spacing);
      json config = betas;
      config["timestep_spacing"] = spacing;
      says([&] { (void)scheduler_of(name, config, Mode::compatible).make_plan(1); },
           "lambda_min_clipped is -0.1, which leaves no timestep of 1");
      says([&] { (void)scheduler_of(name, config); }, "");
    }
  }
}

TEST_CASE("options set by hand are checked as those of a file are") {
  // Twenty equal betas for a table of ten, cut to nothing.
  for (const Kind kind : {Kind::unipc, Kind::dpm_singlestep, Kind::dpm_multistep}) {
    Options o = options_of(kind);
    o.trained_betas = State(20, 0.05);
    o.num_train_timesteps = 10;
    o.timestep_spacing = "trailing";
    o.lambda_min_clipped = 0.9;
    INFO(class_name(kind));
    const auto sentence = sentence_of<dpm::InvalidArgument>(
        [&] { (void)Scheduler(o, Mode::compatible).make_plan(3); });
    // UniPC has no lambda_min_clipped, so that its run is the whole table's.
    CHECK(sentence.empty() == (kind == Kind::unipc));
  }
  Options o = options_of(Kind::dpm_multistep);
  o.algorithm_type = "dpmsolver+++";
  says([&] { (void)Scheduler(o); }, "algorithm_type is \"dpmsolver+++\"; it must be one of");
  o = options_of(Kind::dpm_multistep);
  o.timestep_spacing = "";
  says([&] { (void)Scheduler(o); }, "timestep_spacing is null; it must be one of linspace");
  o = options_of(Kind::euler);
  o.steps_offset = INT_MAX;
  says([&] { (void)Scheduler(o); },
       "steps_offset is 2147483647; it must be a whole number below 1e9");
  o = options_of(Kind::dpm_multistep);
  o.steps_offset = INT_MIN;
  says([&] { (void)Scheduler(o, Mode::compatible); }, "steps_offset is -2147483648");
  o = options_of(Kind::dpm_multistep);
  o.lambda_min_clipped = std::nan("");
  says([&] { (void)Scheduler(o); }, "lambda_min_clipped is nan; it must be a number");
  o.lambda_min_clipped = 0.0;
  o.flow_shift = -infinity;
  says([&] { (void)Scheduler(o); }, "flow_shift is -inf");
  o = options_of(Kind::unipc);
  o.sigma_min = std::nan("");
  says([&] { (void)Scheduler(o); }, "sigma_min is");
  o = options_of(Kind::edm_euler);
  o.sigma_data = 1e300;
  says([&] { (void)Scheduler(o); }, "sigma_data is 1e+300; it must be greater than 0 and less");
  o = Options{.kind = static_cast<Kind>(99)};
  says([&] { (void)Scheduler(o); }, "kind is number 99");

  // What the class does not have is forgotten, as in a file.
  o = options_of(Kind::ddim);
  o.use_karras_sigmas = true;
  CHECK(Scheduler(o).options() == options_of(Kind::ddim));
  // Infinity comes through, which a file has as text.
  o = options_of(Kind::dpm_multistep);
  o.sample_max_value = infinity;
  CHECK(Scheduler(o).options().sample_max_value == infinity);
}

}  // namespace diffusers_refusals_test
