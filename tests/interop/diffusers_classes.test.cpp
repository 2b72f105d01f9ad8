// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// diffusers' classes without recorded results against loops written from their formulas, the
/// schedules that only these classes have, and options that no recorded case has.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>
#include <string>
#include <vector>

#include "dpm/interop/diffusers.hpp"
#include "support/catch.hpp"
#include "support/refused.hpp"
#include "support/test_network.hpp"

namespace diffusers_classes_test {

using namespace dpm_test;
using dpm::diffusers::Kind;
using dpm::diffusers::Mode;
using dpm::diffusers::Options;
using dpm::diffusers::options_of;
using dpm::diffusers::Run;
using dpm::diffusers::Scheduler;
using State = std::vector<double>;

namespace {

State network(const State& x, double tau) {
  State out(x.size());
  test_network(x, tau, out);
  return out;
}

State draw(int k) {
  State z(8);
  test_draw(z, {static_cast<std::uint32_t>(k), {}, {}});
  return z;
}

State run_plan(const dpm::Plan& plan, const Scheduler& scheduler, double tau_scale = 0.001) {
  State x = test_start();
  dpm::RunOptions<State> options;
  options.noise = [](State& z, const dpm::NoiseRequest& request) { test_draw(z, request); };
  if (scheduler.corrects()) options.correction = scheduler.correction(4);
  dpm::sample(
      plan,
      [&](const State& at, double timestep, State& out) {
        test_network(at, tau_scale * timestep, out);
      },
      x, options);
  return x;
}

/// CogVideoX' alphas_cumprod: the scaled linear table, its SNR divided by `scale`.
State cogvideox_table(double scale, bool zero_snr) {
  State table;
  double product = 1.0;
  for (int i = 0; i < 1000; ++i) {
    const double root = std::lerp(std::sqrt(0.00085), std::sqrt(0.012), i / 999.0);
    product *= 1.0 - root * root;
    table.push_back(product / (scale + (1.0 - scale) * product));
  }
  if (!zero_snr) return table;
  const double first = std::sqrt(table.front());
  const double last = std::sqrt(table.back());
  for (double& entry : table) {
    entry = std::pow((std::sqrt(entry) - last) * first / (first - last), 2);
  }
  return table;
}

/// The data prediction of a v_prediction.
State data_of(const State& x, const State& v, double cumprod) {
  State data(x.size());
  for (std::size_t k = 0; k < x.size(); ++k) {
    data[k] = std::sqrt(cumprod) * x[k] - std::sqrt(1.0 - cumprod) * v[k];
  }
  return data;
}

Options cogvideox(Kind kind, double scale, bool zero_snr) {
  Options o = options_of(kind);
  o.prediction_type = "v_prediction";
  o.timestep_spacing = "trailing";
  o.snr_shift_scale = scale;
  o.rescale_betas_zero_snr = zero_snr;
  return o;
}

}  // namespace

TEST_CASE("CogVideoXDDIM divides the SNR and takes DDIM's step") {
  for (const bool zero_snr : {false, true}) {
    for (const double scale : {1.0, 3.0}) {
      const Scheduler scheduler(cogvideox(Kind::cogvideox_ddim, scale, zero_snr));
      const State table = cogvideox_table(scale, zero_snr);
      State x = test_start();
      for (int t = 999; t >= 0; t -= 200) {
        const double from = table[static_cast<std::size_t>(t)];
        const double to = t >= 200 ? table[static_cast<std::size_t>(t - 200)] : 1.0;
        const State data = data_of(x, network(x, t / 1000.0), from);
        const double a = std::sqrt((1.0 - to) / (1.0 - from));
        const double b = std::sqrt(to) - std::sqrt(from) * a;
        for (std::size_t k = 0; k < x.size(); ++k) x[k] = a * x[k] + b * data[k];
      }
      CAPTURE(zero_snr, scale);
      REQUIRE(relative_difference(run_plan(scheduler.make_plan(5), scheduler), x) < 1e-12);
    }
  }
}

TEST_CASE("CogVideoXDPM is SDE-DPM-Solver++ with two draws in most steps") {
  for (const bool zero_snr : {false, true}) {
    const Scheduler scheduler(cogvideox(Kind::cogvideox_dpm, 3.0, zero_snr));
    const State table = cogvideox_table(3.0, zero_snr);
    const auto lambda = [](double cumprod) { return 0.5 * std::log(cumprod / (1.0 - cumprod)); };
    State x = test_start();
    State before;
    int draws = 0;
    for (int t = 999; t >= 0; t -= 200) {
      const double from = table[static_cast<std::size_t>(t)];
      const double to = t >= 200 ? table[static_cast<std::size_t>(t - 200)] : 1.0;
      const double h = lambda(to) - lambda(from);
      const State data = data_of(x, network(x, t / 1000.0), from);
      const bool second = !before.empty() && t >= 200;
      State mix = data;
      if (second) {
        const double r = (lambda(from) - lambda(table[static_cast<std::size_t>(t + 200)])) / h;
        for (std::size_t k = 0; k < x.size(); ++k) {
          mix[k] = (1.0 + 1.0 / (2.0 * r)) * data[k] - 1.0 / (2.0 * r) * before[k];
        }
      }
      State z = draw(draws++);
      if (second) z = draw(draws++);
      for (std::size_t k = 0; k < x.size(); ++k) {
        x[k] = std::sqrt((1.0 - to) / (1.0 - from)) * std::exp(-h) * x[k] -
               std::expm1(-2.0 * h) * std::sqrt(to) * mix[k] +
               std::sqrt(1.0 - to) * std::sqrt(1.0 - std::exp(-2.0 * h)) * z[k];
      }
      before = data;
    }
    const dpm::Plan plan = scheduler.make_plan(5);
    CAPTURE(zero_snr);
    REQUIRE(plan.draws() == draws);
    REQUIRE(relative_difference(run_plan(plan, scheduler), x) < 1e-12);
  }
}

TEST_CASE("DDPMWuerstchen takes DDPM's posterior along its own cosine") {
  for (const double scaler : {0.5, 1.0, 2.0}) {
    Options o = options_of(Kind::ddpm_wuerstchen);
    o.scaler = scaler;
    const Scheduler scheduler(o);
    const auto cumprod = [&](double t) {
      const double u = scaler > 1.0 ? 1.0 - std::pow(1.0 - t, scaler) : std::pow(t, scaler);
      const auto squared = [](double angle) { return std::pow(std::cos(angle), 2); };
      const double quarter = std::numbers::pi / 2.0;
      const double value =
          squared((u + 0.008) / 1.008 * quarter) / squared(0.008 / 1.008 * quarter);
      return std::clamp(value, 0.0001, 0.9999);
    };
    State x = test_start();
    for (int i = 0; i < 6; ++i) {
      const double t = 1.0 - i / 6.0;
      const double next = i == 5 ? 0.0 : 1.0 - (i + 1) / 6.0;
      const double alpha = cumprod(t) / cumprod(next);
      const State m = network(x, t);
      const State z = draw(i);
      const double stddev = std::sqrt((1.0 - alpha) * (1.0 - cumprod(next)) / (1.0 - cumprod(t)));
      for (std::size_t k = 0; k < x.size(); ++k) {
        x[k] = (x[k] - (1.0 - alpha) * m[k] / std::sqrt(1.0 - cumprod(t))) / std::sqrt(alpha) +
               (i < 5 ? stddev * z[k] : 0.0);
      }
    }
    CAPTURE(scaler);
    const dpm::Plan plan = scheduler.make_plan(6);
    REQUIRE(scheduler.timesteps(6)[0] == 1.0);
    REQUIRE(plan.draws() == 6);
    REQUIRE(relative_difference(run_plan(plan, scheduler, 1.0), x) < 1e-10);
  }
}

TEST_CASE(
    "schedules that only diffusers has are inverted by time_of_lambda and rise at their rate") {
  Options inverted = options_of(Kind::flow_match_euler);
  inverted.invert_sigmas = true;
  Options wide = options_of(Kind::ddpm_wuerstchen);
  wide.scaler = 2.0;
  for (const Options& o : {inverted, wide, options_of(Kind::ddpm_wuerstchen),
                           options_of(Kind::ipndm), options_of(Kind::cosine_dpm_multistep)}) {
    INFO(class_name(o.kind));
    const dpm::AnySchedule schedule = Scheduler(o, Mode::compatible).schedule();
    const double first = schedule.first_time();
    const double last = schedule.last_time();
    for (const double part : {0.1, 0.4, 0.7, 0.9}) {
      const double time = first + part * (last - first);
      const dpm::Level level = schedule.level(time);
      CHECK(level.time == time);
      CHECK_THAT(schedule.time_of_lambda(level.lambda()), WithinRel(time, 1e-9));
      const double step = 1e-5 * time;
      const dpm::Level above = schedule.level(time + step);
      const dpm::Level below = schedule.level(time - step);
      CHECK_THAT(schedule.rate(time).d_log_alpha,
                 WithinAbs((above.log_alpha - below.log_alpha) / (2.0 * step), 1e-6));
      CHECK_THAT(schedule.rate(time).d_log_sigma,
                 WithinRel((above.log_sigma - below.log_sigma) / (2.0 * step), 1e-6));
    }
  }
  const auto cosine = Scheduler(options_of(Kind::cosine_dpm_multistep));
  REQUIRE_THAT(cosine.schedule().level(2.0).timestep,
               WithinRel(std::atan(2.0) / std::numbers::pi * 2.0, 1e-15));
}

TEST_CASE("one-step classes with a begin index run the last steps of the whole run") {
  for (const Kind kind :
       {Kind::euler, Kind::edm_euler, Kind::euler_ancestral, Kind::heun, Kind::kdpm2,
        Kind::kdpm2_ancestral, Kind::dpm_sde, Kind::ddim, Kind::ddpm, Kind::flow_match_euler,
        Kind::flow_match_heun, Kind::flow_match_lcm, Kind::ltx_euler_ancestral,
        Kind::cogvideox_ddim, Kind::ddpm_wuerstchen, Kind::lcm, Kind::tcd}) {
    INFO(class_name(kind));
    const Scheduler scheduler(options_of(kind));
    const Run run{.steps = 10, .begin = 7};
    const dpm::Plan whole = scheduler.make_plan(10);
    const dpm::Plan part = scheduler.make_plan(run);
    const std::size_t calls = scheduler.timesteps(run).size();
    CHECK(part.steps.size() == calls);
    CHECK(calls == (whole.steps.size() == 10 ? 3U : 5U));
    const std::size_t before = whole.steps.size() - calls;
    CHECK(part.start() == whole.steps[before].from);
    CHECK(part.end() == whole.end());
    CHECK(scheduler.timesteps(run).back() == scheduler.timesteps(10).back());
    // The same combinations of x and the model's outputs, with draws counted anew.
    for (std::size_t i = 0; i < part.steps.size(); ++i) {
      const auto& ours = part.steps[i].instructions;
      const auto& theirs = whole.steps[before + i].instructions;
      REQUIRE(ours.size() == theirs.size());
      for (std::size_t k = 0; k < ours.size(); ++k) {
        if (std::holds_alternative<dpm::Draw>(ours[k])) continue;
        CHECK(ours[k] == theirs[k]);
      }
    }
  }
}

TEST_CASE("strength keeps as many steps as the pipelines of diffusers keep") {
  const auto start = [](Kind kind, const Run& run, bool karras = false) {
    Options o = options_of(kind);
    o.use_karras_sigmas = karras;
    const Scheduler scheduler(o);
    const dpm::Plan plan = scheduler.make_plan(run);
    CHECK(plan.model_calls() == static_cast<int>(scheduler.timesteps(run).size()));
    CHECK(scheduler.grid(run).front() == plan.start());
    return plan;
  };
  const Run run{.steps = 30, .strength = 0.35};
  CHECK(start(Kind::ddim, run).model_calls() == 10);
  CHECK(start(Kind::dpm_multistep, run).model_calls() == 10);
  CHECK(start(Kind::dpm_multistep, run, true).model_calls() == 10);
  CHECK(start(Kind::euler, run, true).model_calls() == 10);
  CHECK(start(Kind::flow_match_euler, run).model_calls() == 11);
  CHECK(start(Kind::heun, run).model_calls() == 19);
  CHECK(start(Kind::ddim, {.steps = 30, .strength = 0.34}).start().timestep == 297.0);
  const State karras = [] {
    Options o = options_of(Kind::euler);
    o.use_karras_sigmas = true;
    return Scheduler(o).sigmas(30);
  }();
  CHECK(start(Kind::euler, run, true).start().sigma() == karras[20]);
  CHECK_THAT(start(Kind::flow_match_euler, {.steps = 10, .strength = 0.5}).start().sigma(),
             WithinRel(Scheduler(options_of(Kind::flow_match_euler)).sigmas(10)[5], 1e-15));

  // The whole run's number of steps decides whether orders are lowered at the end.
  Options third = options_of(Kind::dpm_multistep);
  third.solver_order = 3;
  third.final_sigmas_type = "sigma_min";
  third.prediction_type = "v_prediction";
  const dpm::Plan of_20 = Scheduler(third).make_plan(Run{.steps = 20, .strength = 0.5});
  third.lower_order_final = false;
  CHECK(of_20 == Scheduler(third).make_plan(Run{.steps = 20, .strength = 0.5}));
  const dpm::Plan of_14 = Scheduler(third).make_plan(Run{.steps = 14, .strength = 0.75});
  third.lower_order_final = true;
  CHECK(of_14 != Scheduler(third).make_plan(Run{.steps = 14, .strength = 0.75}));

  // UniPC's steps without a corrector are counted in the whole run.
  Options unipc = options_of(Kind::unipc);
  unipc.disable_corrector = {6};
  const dpm::Plan off = Scheduler(unipc).make_plan(Run{.steps = 10, .begin = 5});
  unipc.disable_corrector = {1};
  CHECK(off != Scheduler(unipc).make_plan(Run{.steps = 10, .begin = 5}));
  unipc.disable_corrector = {};
  CHECK(off != Scheduler(unipc).make_plan(Run{.steps = 10, .begin = 5}));
}

TEST_CASE("DPMSolverSinglestep begun within a block goes on with the orders that it can") {
  Options o = options_of(Kind::dpm_singlestep);
  o.solver_order = 3;
  o.final_sigmas_type = "sigma_min";
  const Scheduler scheduler(o);
  // Orders 1 2 3 | 1 2 3 | 1 2 3 of nine steps, the last lowered to 1. From the second on: 1, and
  // with two predictions 2, then the next blocks.
  const dpm::Plan part = scheduler.make_plan(Run{.steps = 9, .begin = 1});
  CHECK(part.model_calls() == 8);
  CHECK(std::isfinite(run_plan(part, scheduler)[0]));
  CHECK_THROWS_WITH(scheduler.method(Run{.steps = 9, .begin = 1}),
                    mentions("begins within a block"));
  CHECK_NOTHROW(scheduler.method(Run{.steps = 9, .begin = 3}));
  CHECK(scheduler.make_plan(Run{.steps = 9, .begin = 3}).steps.back() ==
        scheduler.make_plan(9).steps.back());
}

TEST_CASE("parts of a run that are none are refused") {
  const Scheduler ddim(options_of(Kind::ddim));
  const auto says = [](const Scheduler& scheduler, const Run& run, const std::string& part) {
    CHECK_THAT(sentence_of<dpm::InvalidArgument>([&] { (void)scheduler.make_plan(run); }),
               mentions(part));
  };
  says(ddim, {.steps = 10, .strength = 0.0}, "strength = 0; it must be greater than 0");
  says(ddim, {.steps = 10, .strength = 1.5}, "strength = 1.5");
  says(ddim, {.steps = 10, .strength = std::nan("")}, "strength = nan");
  says(ddim, {.steps = 10, .strength = 0.05}, "strength = 0.05 of 10 steps leaves none");
  says(ddim, {.steps = 10, .begin = 10}, "begin = 10 of 10 steps leaves none");
  says(ddim, {.steps = 10, .begin = -1}, "begin = -1");
  says(ddim, {.steps = 10, .strength = 0.5, .begin = 2}, "one of the two left out");
  says(Scheduler(options_of(Kind::pndm)), {.steps = 10, .strength = 0.5}, "or use DDIMScheduler");
  says(Scheduler(options_of(Kind::ddim_inverse)), {.steps = 10, .begin = 1}, "runs as a whole");
  says(Scheduler(options_of(Kind::lcm)), {.steps = 8, .begin = 99},
       "begin = 99 of 8 steps leaves none");
  CHECK_THROWS_WITH(ddim.init_noise_sigma(Run{.steps = 10, .strength = 0.5}),
                    mentions("dpm::add_noise(image, plan.start(), noise)"));
  // Timesteps of LCM and TCD are made for the strength, and a flow may have a step for it to spare.
  for (const Kind kind : {Kind::lcm, Kind::tcd, Kind::flow_match_euler}) {
    INFO(class_name(kind));
    const Scheduler scheduler(options_of(kind));
    const Run run{.steps = 8, .strength = 0.95};
    CHECK(scheduler.make_plan(run).steps.size() == 8);
    CHECK_THROWS_WITH(scheduler.init_noise_sigma(run), mentions("starts from the image"));
  }
}

TEST_CASE("distilled models take eta, and how many timesteps they were distilled with") {
  const Scheduler tcd(options_of(Kind::tcd));
  CHECK(tcd.make_plan(4) == tcd.make_plan(Run{.steps = 4, .eta = 0.3}));
  CHECK(tcd.make_plan(Run{.steps = 4, .eta = 0.0}).draws() == 0);
  const auto says = [](const Scheduler& scheduler, const Run& run, const std::string& part) {
    CHECK_THAT(sentence_of<dpm::InvalidArgument>([&] { (void)scheduler.make_plan(run); }),
               mentions(part));
  };
  says(tcd, {.steps = 4, .eta = 1.5}, "eta = 1.5 for TCDScheduler; it must lie between 0 and 1");
  const Scheduler lcm(options_of(Kind::lcm));
  CHECK(lcm.timesteps(4) == State{999.0, 759.0, 499.0, 259.0});
  says(lcm, {.steps = 51}, "there are 50 timesteps that the model was distilled with");
  says(lcm, {.steps = 4, .original_inference_steps = 0},
       "original_inference_steps of LCMScheduler is 0");
  says(lcm, {.steps = 4, .eta = 0.5}, "only DDIMScheduler and TCDScheduler have it");
  says(Scheduler(options_of(Kind::ddim)), {.steps = 4, .original_inference_steps = 50},
       "only LCMScheduler and TCDScheduler have it");
  Options o = options_of(Kind::lcm);
  o.clip_sample = true;
  const Scheduler clipped(o);
  CHECK(clipped.make_plan(4).corrections() == 4);
  CHECK(relative_difference(run_plan(clipped.make_plan(4), clipped),
                            run_plan(lcm.make_plan(4), lcm)) > 1e-3);
}

TEST_CASE("noise that diffusers adds after it has called the model is refused unless compatible") {
  const Run run{.steps = 5, .s_churn = 2.0};
  for (const Kind kind : {Kind::euler, Kind::edm_euler}) {
    CHECK_THROWS_WITH(Scheduler(options_of(kind)).make_plan(run),
                      mentions("adds noise after the model was called"));
    const Scheduler theirs(options_of(kind), Mode::compatible);
    CHECK(theirs.make_plan(run).draws() == 5);
    CHECK(theirs.make_plan(Run{.steps = 5, .s_churn = 2.0, .s_tmax = 1.0}).draws() < 5);
    CHECK_THROWS_WITH(theirs.method(run), mentions("with s_churn has no method"));
    CHECK_THROWS_WITH(theirs.make_plan(Run{.steps = 5, .s_churn = -1.0}), mentions("s_churn = -1"));
    CHECK_THROWS_WITH(theirs.make_plan(Run{.steps = 5, .s_churn = 1.0, .s_noise = -1.0}),
                      mentions("s_noise = -1"));
  }
  CHECK_THROWS_WITH(Scheduler(options_of(Kind::heun)).make_plan(run),
                    mentions("s_churn = 2 for HeunDiscrete"));
  CHECK_THROWS_WITH(Scheduler(options_of(Kind::ddim)).make_plan(Run{.steps = 5, .s_noise = 2.0}),
                    mentions("s_noise = 2 for DDIMScheduler; it must be 1"));
  CHECK(Scheduler(options_of(Kind::dpm_sde)).make_plan(Run{.steps = 5, .s_noise = 1.1}) !=
        Scheduler(options_of(Kind::dpm_sde)).make_plan(5));
}

TEST_CASE("churn with a v_prediction or a data prediction is diffusers' own arithmetic") {
  for (const std::string prediction : {"epsilon", "v_prediction", "sample"}) {
    Options o = options_of(Kind::euler);
    o.prediction_type = prediction;
    const Scheduler scheduler(o, Mode::compatible);
    const State sigmas = scheduler.sigmas(4);
    const State timesteps = scheduler.timesteps(4);
    State x = test_start();
    for (std::size_t i = 0; i < 4; ++i) {
      const double s = sigmas[i];
      const double hat = s * (1.0 + std::min(2.0 / 4.0, std::numbers::sqrt2 - 1.0));
      State input = x;
      for (double& value : input) value /= std::sqrt(s * s + 1.0);
      const State m = network(input, timesteps[i] / 1000.0);
      const State z = draw(static_cast<int>(i));
      for (std::size_t k = 0; k < x.size(); ++k) {
        const double noisy = x[k] + z[k] * 1.1 * std::sqrt(hat * hat - s * s);
        const double data = prediction == "epsilon" ? noisy - hat * m[k]
                            : prediction == "sample"
                                ? m[k]
                                : -s / std::sqrt(s * s + 1.0) * m[k] + noisy / (s * s + 1.0);
        x[k] = noisy + (noisy - data) / hat * (sigmas[i + 1] - hat);
      }
    }
    const dpm::Plan plan = scheduler.make_plan(Run{.steps = 4, .s_churn = 2.0, .s_noise = 1.1});
    CAPTURE(prediction);
    CHECK(relative_difference(run_plan(plan, scheduler), x) < 1e-11);
  }
}

TEST_CASE("LTXEulerAncestralRF takes sigmas of one's own as they are, with their end") {
  const Scheduler scheduler(options_of(Kind::ltx_euler_ancestral));
  const Run run{.sigmas = {1.0, 0.9, 0.4, 0.0}};
  CHECK(scheduler.timesteps(run) == State{1000.0, 900.0, 400.0});
  CHECK(scheduler.make_plan(run).draws() == 2);
  CHECK(scheduler.make_plan(run).end().sigma() == 0.0);
  CHECK_THROWS_WITH(scheduler.make_plan(Run{.sigmas = {1.0}}), mentions("it needs at least two"));
  CHECK_THROWS_WITH(scheduler.make_plan(Run{.sigmas = {1.0, 0.2, 0.4, 0.0}}),
                    mentions("sigmas must fall"));
  Options o = options_of(Kind::ltx_euler_ancestral);
  o.eta = 0.0;
  CHECK(Scheduler(o).make_plan(run).draws() == 0);
  o.eta = 2.0;
  CHECK_THROWS_WITH(Scheduler(o), mentions("eta is 2; it must lie between 0 and 1"));
}

TEST_CASE("IPNDM and options that change what a plan cannot are refused") {
  CHECK_THROWS_WITH(Scheduler(options_of(Kind::ipndm)),
                    mentions("takes the data for 0 whatever the model says"));
  const auto read = [](const std::string& text) {
    return sentence_of<dpm::InvalidArgument>(
        [&] { (void)Scheduler::from_text(text, Mode::compatible); });
  };
  CHECK_THAT(read(R"({"_class_name": "IPNDMScheduler", "trained_betas": [0.1]})"),
             mentions("trained_betas of IPNDMScheduler"));
  CHECK_THAT(read(R"({"_class_name": "FlowMatchLCMScheduler", "scale_factors": [1, 2]})"),
             mentions("scale_factors resizes the sample"));
  CHECK(read(R"({"_class_name": "FlowMatchLCMScheduler", "scale_factors": null})").empty());
  CHECK_THAT(read(R"({"_class_name": "CogVideoXDDIMScheduler", "snr_shift_scale": 0})"),
             mentions("snr_shift_scale is 0"));
  CHECK_THAT(read(R"({"_class_name": "CosineDPMSolverMultistepScheduler", "solver_order": 3})"),
             mentions("it must be 1 to 2"));
  // What the network predicts at alpha = 0 is used by the library's own methods.
  const Scheduler theirs(options_of(Kind::ipndm), Mode::compatible);
  const dpm::Plan own = make_plan(dpm::UniPc{}, theirs.grid(10), theirs.prediction());
  CHECK(own.model_calls() == 10);
}

}  // namespace diffusers_classes_test
