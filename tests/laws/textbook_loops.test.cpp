// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The textbook samplers checked on their own: exact cases, measured orders, reference results.
#include "support/textbook.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <fstream>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "dpm/schedule/variance_preserving.hpp"
#include "support/catch.hpp"

namespace textbook_loops_test {

namespace {

using namespace dpm_test;
using namespace dpm_test::textbook;

/// Variance preserving with beta(t) = 0.1 + 19.9 t (Song et al. 2021, arXiv 2011.13456); timestep =
/// t.
struct LinearBeta {
  static constexpr double b0 = 0.1;
  static constexpr double b1 = 20.0;
  dpm::Level level(double t) const {
    return dpm::detail::variance_preserving_level(t, -t * t * (b1 - b0) / 4 - t * b0 / 2, t);
  }
  double time_of_lambda(double lambda) const {
    const double A = std::log1p(std::exp(-2 * lambda)) / 2;
    return 4 * A / (b0 + std::sqrt(b0 * b0 + 4 * (b1 - b0) * A));
  }
  double first_time() const { return 1e-3; }
  double last_time() const { return 1.0; }
};

const dpm::AnySchedule schedule{LinearBeta{}};

enum class Spacing { uniform_time, quadratic_time, uniform_lambda };

/// `steps` + 1 levels from `from` to `to`, both met exactly.
Levels levels_between(Spacing spacing, const dpm::Level& from, const dpm::Level& to, int steps) {
  Levels grid = {from};
  for (int i = 1; i < steps; ++i) {
    const double part = static_cast<double>(i) / steps;
    const auto between = [part](double a, double b) { return a + part * (b - a); };
    double t = 0;
    if (spacing == Spacing::uniform_time) {
      t = between(from.time, to.time);
    } else if (spacing == Spacing::quadratic_time) {
      t = std::pow(between(std::sqrt(from.time), std::sqrt(to.time)), 2);
    } else {
      t = schedule.time_of_lambda(between(from.lambda(), to.lambda()));
    }
    grid.push_back(schedule.level(t));
  }
  grid.push_back(to);
  return grid;
}

double largest_difference(const Vec& a, const Vec& b) {
  REQUIRE(a.size() == b.size());
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    REQUIRE(std::isfinite(a[i]));
    largest = std::max(largest, std::abs(a[i] - b[i]));
  }
  return largest;
}

void require_close(const Vec& a, const Vec& b, double tolerance) {
  CHECK_THAT(largest_difference(a, b), WithinAbs(0.0, tolerance));
}

/// A sampler with all but grid and start bound.
using Sampler = std::function<Vec(const Levels& grid, const Vec& x)>;
struct Named {
  std::string name;
  int order;
  Sampler run;
};

/// Every deterministic sampler, for a network that predicts noise.
std::vector<Named> all_samplers(const Network& eps) {
  const Network x0 = data_network(eps);
  std::vector<Named> all;
  const auto add = [&all](std::string name, int order, Sampler run) {
    all.push_back({std::move(name), order, std::move(run)});
  };
  add("1", 1, [=](const Levels& g, const Vec& x) { return dpm_solver_1(eps, g, x); });
  add("++1", 1, [=](const Levels& g, const Vec& x) { return dpm_solver_pp_1(x0, g, x); });
  add("ddim", 1, [=](const Levels& g, const Vec& x) { return ddim(eps, g, x); });
  for (const Flavour f : {Flavour::midpoint, Flavour::taylor}) {
    const std::string name = f == Flavour::midpoint ? " midpoint" : " taylor";
    for (const double r1 : {0.5, 0.3}) {
      add("2S" + name, 2,
          [=](const Levels& g, const Vec& x) { return dpm_solver_2(eps, schedule, g, x, r1, f); });
      add("++2S" + name, 2, [=](const Levels& g, const Vec& x) {
        return dpm_solver_pp_2(x0, schedule, g, x, r1, f);
      });
    }
    add("3S" + name, 3, [=](const Levels& g, const Vec& x) {
      return dpm_solver_3(eps, schedule, g, x, 1.0 / 3, 2.0 / 3, f);
    });
    add("++3S" + name, 3, [=](const Levels& g, const Vec& x) {
      return dpm_solver_pp_3(x0, schedule, g, x, 1.0 / 3, 2.0 / 3, f);
    });
  }
  for (const Space space : {Space::noise, Space::data}) {
    const Network network = space == Space::noise ? eps : x0;
    const std::string name = space == Space::noise ? "" : "++";
    const auto add_multistep = [&](const std::string& what, int order, const Multistep& options) {
      add(name + what, order, [=](const Levels& g, const Vec& x) {
        return multistep(network, schedule, g, x, options);
      });
    };
    add_multistep("1M", 1, {.order = 1, .space = space});
    add_multistep("2M", 2, {.order = 2, .space = space});
    add_multistep("2M taylor", 2, {.order = 2, .space = space, .flavour = Flavour::taylor});
    add_multistep("3M full, singlestep start", 3,
                  {.order = 3, .space = space, .singlestep_start = true});
    add_multistep("3M halved", 2,
                  {.order = 3,
                   .space = space,
                   .second_difference = SecondDifference::halved,
                   .singlestep_start = true});
  }
  add("pndm", 2, [=](const Levels& g, const Vec& x) { return pndm(eps, schedule, g, x); });
  add("plms", 2, [=](const Levels& g, const Vec& x) { return plms(eps, g, x); });
  return all;
}

// Three independent one-dimensional Gaussians N(mean, deviation^2).
const Vec mean = {0.7, -1.2, 0.3};
const Vec deviation = {0.4, 0.9, 1.6};

double marginal_deviation(std::size_t i, const dpm::Level& at) {
  return std::hypot(at.alpha() * deviation[i], at.sigma());
}

/// eps = sigma (x - alpha mu) / (alpha^2 s^2 + sigma^2).
Vec gaussian_noise_prediction(const Vec& x, const dpm::Level& at) {
  Vec eps(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    eps[i] = at.sigma() * (x[i] - at.alpha() * mean[i]) / std::pow(marginal_deviation(i, at), 2);
  }
  return eps;
}

/// The diffusion ODE keeps (x - alpha mu) / sqrt(alpha^2 s^2 + sigma^2).
Vec gaussian_solution(const Vec& x, const dpm::Level& from, const dpm::Level& to) {
  Vec y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    y[i] = to.alpha() * mean[i] + marginal_deviation(i, to) / marginal_deviation(i, from) *
                                      (x[i] - from.alpha() * mean[i]);
  }
  return y;
}

/// Observed order between two runs, the second with twice the steps.
double observed_order(const Sampler& sampler, Spacing spacing, const dpm::Level& from,
                      const dpm::Level& to, int steps) {
  const Vec x = {0.8, -0.4, 1.1};
  const Vec exact = gaussian_solution(x, from, to);
  const double coarse =
      largest_difference(sampler(levels_between(spacing, from, to, steps), x), exact);
  const double fine =
      largest_difference(sampler(levels_between(spacing, from, to, 2 * steps), x), exact);
  return std::log2(coarse / fine);
}

/// The official code's reference problem: a network of a tau that is the timestep, samples of d
/// = 4.
Vec reference_output(const Vec& x, const dpm::Level& at) {
  constexpr std::size_t d = 4;
  const double tau = at.timestep;
  Vec out(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::size_t next = i / d * d + (i + 1) % d;
    out[i] = 0.8 * std::tanh(x[i]) + 0.3 * std::sin(x[next] + 2 * tau) + 0.1 * tau;
  }
  return out;
}

Vec reference_start() {
  Vec x;
  for (int i = 0; i < 8; ++i)
    x.push_back(std::sqrt(2.0) * std::cos(0.9 * (i + 1) + 0.2 * (i + 1) * (i + 1)));
  return x;
}

Network reference_noise(const std::string& model_type) {
  if (model_type == "noise") return reference_output;
  if (model_type == "x_start") return noise_network(reference_output);
  if (model_type == "v") {
    return [](const Vec& x, const dpm::Level& at) {
      return noise_from_velocity(x, reference_output(x, at), at);
    };
  }
  REQUIRE(model_type == "score");
  return [](const Vec& x, const dpm::Level& at) {
    return noise_from_score(reference_output(x, at), at);
  };
}

Spacing spacing_named(const std::string& skip_type) {
  if (skip_type == "time_uniform") return Spacing::uniform_time;
  if (skip_type == "time_quadratic") return Spacing::quadratic_time;
  REQUIRE(skip_type == "logSNR");
  return Spacing::uniform_lambda;
}

/// What a 'singlestep' run of the official code does with `steps` model calls.
std::vector<int> official_orders(int order, int steps) {
  if (order == 3) return dpm_solver_fast_orders(steps);
  std::vector<int> orders(static_cast<std::size_t>(steps / order), order);
  if (steps % order != 0) orders.push_back(steps % order);
  return orders;
}

/// The official singlestep method takes the inner points from the same spacing between the outer
/// ones, so r1 and r2 are those that fall out.
Vec official_singlestep(const Network& network, Space space, Flavour flavour, Spacing spacing,
                        const Levels& outer, const std::vector<int>& orders, Vec x) {
  REQUIRE(outer.size() == orders.size() + 1);
  for (std::size_t i = 0; i < orders.size(); ++i) {
    const dpm::Level& s = outer[i];
    const dpm::Level& t = outer[i + 1];
    const Levels inner = levels_between(spacing, s, t, orders[i]);
    const auto r = [&](std::size_t k) {
      return (inner[k].lambda() - s.lambda()) / (t.lambda() - s.lambda());
    };
    const bool noise = space == Space::noise;
    if (orders[i] == 1) {
      x = noise ? dpm_solver_1_step(network, s, t, x) : dpm_solver_pp_1_step(network, s, t, x);
    } else if (orders[i] == 2) {
      x = noise ? dpm_solver_2_step(network, schedule, s, t, x, r(1), flavour)
                : dpm_solver_pp_2_step(network, schedule, s, t, x, r(1), flavour);
    } else {
      x = noise ? dpm_solver_3_step(network, schedule, s, t, x, r(1), r(2), flavour)
                : dpm_solver_pp_3_step(network, schedule, s, t, x, r(1), r(2), flavour);
    }
  }
  return x;
}

Vec official_result(const nlohmann::json& c) {
  const Network eps = reference_noise(c.at("model_type"));
  const Space space = c.at("algorithm_type") == "dpmsolver" ? Space::noise : Space::data;
  const Network network = space == Space::noise ? eps : data_network(eps);
  const Flavour flavour = c.at("solver_type") == "dpmsolver" ? Flavour::midpoint : Flavour::taylor;
  const Spacing spacing = spacing_named(c.at("skip_type"));
  const int order = c.at("order");
  const int steps = c.at("steps");
  const dpm::Level from = schedule.level(1.0);
  const dpm::Level to = schedule.level(c.at("t_end"));

  Vec x = reference_start();
  if (c.at("method") == "multistep") {
    const Multistep options = {.order = order,
                               .space = space,
                               .flavour = flavour,
                               .second_difference = SecondDifference::halved,
                               .lower_order_final = c.at("lower_order_final") && steps < 10};
    x = multistep(network, schedule, levels_between(spacing, from, to, steps), x, options);
  } else if (c.at("method") == "singlestep_fixed") {
    const int blocks = steps / order;
    const std::vector<int> orders(static_cast<std::size_t>(blocks), order);
    x = official_singlestep(network, space, flavour, spacing,
                            levels_between(spacing, from, to, blocks), orders, x);
  } else {
    const std::vector<int> orders = official_orders(order, steps);
    if (spacing == Spacing::uniform_lambda) {
      const Levels outer = levels_between(spacing, from, to, static_cast<int>(orders.size()));
      x = dpm_solver_fast(network, schedule, outer, orders, x, space, flavour);
    } else {
      const Levels all = levels_between(spacing, from, to, steps);
      Levels outer = {all[0]};
      std::size_t at = 0;
      for (const int o : orders) outer.push_back(all[at += static_cast<std::size_t>(o)]);
      x = official_singlestep(network, space, flavour, spacing, outer, orders, x);
    }
  }
  if (c.at("denoise_to_zero")) x = data_network(eps)(x, to);
  return x;
}

}  // namespace

TEST_CASE("textbook conversions invert each other") {
  const dpm::Level at = schedule.level(0.4);
  const Vec x0 = {0.3, -1.1};
  const Vec eps = {-0.7, 0.2};
  const Vec x = at.alpha() * x0 + at.sigma() * eps;
  require_close(data_from_noise(x, eps, at), x0, 1e-14);
  require_close(noise_from_data(x, x0, at), eps, 1e-14);
  require_close(noise_from_velocity(x, velocity(eps, x0, at), at), eps, 1e-14);
  require_close(data_from_velocity(x, velocity(eps, x0, at), at), x0, 1e-14);
  require_close(noise_from_score(score(eps, at), at), eps, 1e-14);
}

TEST_CASE("textbook samplers are exact when the data is one point") {
  const Vec mu = {0.7, -1.2, 0.3};
  const Network eps = [mu](const Vec& x, const dpm::Level& at) {
    return noise_from_data(x, mu, at);
  };
  const dpm::Level from = schedule.level(1.0);
  const dpm::Level to = schedule.level(1e-3);
  const Vec x_T = {0.8, -0.4, 1.1};
  const Vec exact = to.alpha() * mu + to.sigma() / from.sigma() * (x_T - from.alpha() * mu);
  const Levels grid = levels_between(Spacing::quadratic_time, from, to, 7);
  for (const Named& sampler : all_samplers(eps)) {
    INFO(sampler.name);
    require_close(sampler.run(grid, x_T), exact, 1e-12);
  }

  SECTION("and end at it where sigma = 0") {
    Levels to_zero = grid;
    to_zero.back() = dpm::Level{};
    const std::vector<Vec> draws(grid.size() - 2, Vec{1.3, -0.6, 0.2});
    const Network x0 = data_network(eps);
    require_close(ddim(eps, to_zero, x_T), mu, 1e-12);
    require_close(ddim(eps, to_zero, x_T, 0.5, draws), mu, 1e-12);
    for (const DdpmVariance variance : {DdpmVariance::posterior, DdpmVariance::beta}) {
      require_close(ddpm(eps, to_zero, x_T, variance, draws), mu, 1e-12);
      require_close(ddpm_from_data(x0, to_zero, x_T, variance, draws), mu, 1e-12);
    }
    Levels from_pure_noise = to_zero;
    from_pure_noise.front().log_alpha = -std::numeric_limits<double>::infinity();
    from_pure_noise.front().log_sigma = 0;
    const Network constant = [mu](const Vec&, const dpm::Level&) { return mu; };
    require_close(ddpm_from_data(constant, from_pure_noise, x_T, DdpmVariance::posterior, draws),
                  mu, 1e-12);
    require_close(pndm(eps, schedule, to_zero, x_T), mu, 1e-12);
    require_close(plms(eps, to_zero, x_T), mu, 1e-12);
    require_close(dpm_solver_pp_1(x0, to_zero, x_T), mu, 1e-12);
    const Multistep options = {.order = 3, .lower_order_final = true, .singlestep_start = true};
    require_close(multistep(x0, schedule, to_zero, x_T, options), mu, 1e-12);
  }
}

TEST_CASE("textbook samplers have their order on Gaussian data") {
  const dpm::Level noisy = schedule.level(1.0);
  const dpm::Level clean = schedule.level(1e-3);
  const Spacing spacing = Spacing::quadratic_time;
  for (const Named& sampler : all_samplers(gaussian_noise_prediction)) {
    INFO(sampler.name);
    CHECK_THAT(observed_order(sampler.run, spacing, noisy, clean, 640),
               WithinAbs(sampler.order, 0.05));
    INFO("inverted");
    CHECK_THAT(observed_order(sampler.run, spacing, clean, noisy, 640),
               WithinAbs(sampler.order, 0.05));
  }
}

TEST_CASE("textbook DPM-Solver-fast uses up the model calls it is given") {
  CHECK(dpm_solver_fast_orders(12) == std::vector<int>{3, 3, 3, 2, 1});
  CHECK(dpm_solver_fast_orders(13) == std::vector<int>{3, 3, 3, 3, 1});
  CHECK(dpm_solver_fast_orders(14) == std::vector<int>{3, 3, 3, 3, 2});
  for (int nfe = 3; nfe <= 30; ++nfe) {
    int calls = 0;
    const Network eps = [&calls](const Vec& x, const dpm::Level& at) {
      ++calls;
      return gaussian_noise_prediction(x, at);
    };
    const std::vector<int> orders = dpm_solver_fast_orders(nfe);
    const Levels grid = levels_between(Spacing::uniform_lambda, schedule.level(1.0),
                                       schedule.level(1e-3), static_cast<int>(orders.size()));
    dpm_solver_fast(eps, schedule, grid, orders, {0.8, -0.4, 1.1});
    CHECK(calls == nfe);
  }
}

TEST_CASE("textbook multistep can start with a singlestep step") {
  const Levels grid =
      levels_between(Spacing::uniform_time, schedule.level(1.0), schedule.level(1e-3), 6);
  const Vec x = reference_start();
  for (const Flavour flavour : {Flavour::midpoint, Flavour::taylor}) {
    const Network eps = reference_output;
    const Network x0 = data_network(eps);
    Multistep options = {.order = 3, .singlestep_start = true, .start_flavour = flavour};
    const auto full = SecondDifference::full;

    options.space = Space::noise;
    Vec x1 = dpm_solver_2_step(eps, schedule, grid[0], grid[1], x, 0.5, flavour);
    Vec x2 = multistep_noise_step({{grid[0], eps(x, grid[0])}, {grid[1], eps(x1, grid[1])}},
                                  grid[2], x1, 2, Flavour::taylor, full);
    require_close(multistep(eps, schedule, grid, x, options),
                  multistep_from({x, x1, x2}, eps, schedule, grid, options), 1e-12);

    options.space = Space::data;
    x1 = dpm_solver_pp_2_step(x0, schedule, grid[0], grid[1], x, 0.5, flavour);
    x2 = multistep_data_step({{grid[0], x0(x, grid[0])}, {grid[1], x0(x1, grid[1])}}, grid[2], x1,
                             2, Flavour::taylor, full);
    require_close(multistep(x0, schedule, grid, x, options),
                  multistep_from({x, x1, x2}, x0, schedule, grid, options), 1e-12);
  }
}

TEST_CASE("textbook PNDM starts with the classical Runge-Kutta weights") {
  const dpm::Level t = schedule.level(0.6);
  const dpm::Level p = schedule.level(0.5);
  const Vec weights = {1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6};
  for (int counted = 0; counted < 4; ++counted) {
    int call = 0;
    const Network one_at_one_call = [&call, counted](const Vec&, const dpm::Level&) {
      return Vec{call++ == counted ? 1.0 : 0.0};
    };
    const Vec mix = {weights[static_cast<std::size_t>(counted)]};
    require_close(pndm(one_at_one_call, schedule, {t, p}, {0.3}), pndm_transfer({0.3}, mix, t, p),
                  1e-15);
    CHECK(call == 4);
  }
}

TEST_CASE("textbook UniP-3 is third-order multistep with the full second difference") {
  for (const Space space : {Space::noise, Space::data}) {
    const Network network =
        space == Space::noise ? reference_output : data_network(reference_output);
    for (const Spacing spacing : {Spacing::uniform_time, Spacing::uniform_lambda}) {
      const Levels grid = levels_between(spacing, schedule.level(1.0), schedule.level(1e-3), 12);
      std::vector<Vec> start = {reference_start()};
      for (std::size_t i = 0; i < 2; ++i)
        start.push_back(dpm_solver_1_step(reference_output, grid[i], grid[i + 1], start[i]));
      const Vec expected =
          multistep_from(start, network, schedule, grid, {.order = 3, .space = space});
      double size = 1;
      for (const double value : expected) size = std::max(size, std::abs(value));
      for (const UniPForm form : {UniPForm::bh1, UniPForm::varying})
        require_close(unip_3_from(start, network, grid, space, form), expected, 1e-12 * size);
    }
  }
}

TEST_CASE("textbook DDIM with eta 1 is DDPM with the posterior variance") {
  const Levels grid =
      levels_between(Spacing::uniform_time, schedule.level(1.0), schedule.level(1e-3), 9);
  std::vector<Vec> draws;
  for (int k = 0; k < 9; ++k) {
    draws.emplace_back();
    for (int i = 0; i < 8; ++i)
      draws.back().push_back(std::sqrt(2.0) * std::sin(1.7 * k + 2.3 * i));
  }
  const Vec x_T = reference_start();
  const Network eps = reference_output;
  const Vec posterior = ddpm(eps, grid, x_T, DdpmVariance::posterior, draws);
  require_close(ddim(eps, grid, x_T, 1.0, draws), posterior, 1e-12);
  for (const DdpmVariance variance : {DdpmVariance::posterior, DdpmVariance::beta}) {
    require_close(ddpm_from_data(data_network(eps), grid, x_T, variance, draws),
                  ddpm(eps, grid, x_T, variance, draws), 1e-12);
  }
}

TEST_CASE("textbook stochastic samplers reach the Gaussian's moments at weak order 1") {
  using Stochastic = std::function<Vec(const Levels&, const Vec&, const std::vector<Vec>&)>;
  const Network eps = gaussian_noise_prediction;
  const auto with_eta = [eps](double eta) -> Stochastic {
    return [=](const Levels& g, const Vec& x, const std::vector<Vec>& draws) {
      return ddim(eps, g, x, eta, draws);
    };
  };
  const auto with_variance = [eps](DdpmVariance variance) -> Stochastic {
    return [=](const Levels& g, const Vec& x, const std::vector<Vec>& draws) {
      return ddpm(eps, g, x, variance, draws);
    };
  };
  const dpm::Level from = schedule.level(1.0);
  const dpm::Level to = schedule.level(1e-3);
  // The samplers are affine in x_T and in each draw, so a run for each gives the exact moments.
  const auto variance_error = [&](const Stochastic& sampler, int steps) {
    const Levels grid = levels_between(Spacing::quadratic_time, from, to, steps);
    const Vec zero(mean.size(), 0.0);
    std::vector<Vec> draws(static_cast<std::size_t>(steps), zero);
    const Vec center = from.alpha() * mean;
    const Vec end = sampler(grid, center, draws);
    Vec spread;
    Vec expected;
    for (std::size_t i = 0; i < mean.size(); ++i) {
      spread.push_back(marginal_deviation(i, from));
      expected.push_back(std::pow(marginal_deviation(i, to), 2));
    }
    const auto squared = [](Vec v) {
      for (double& value : v) value *= value;
      return v;
    };
    Vec variance = squared(sampler(grid, center + spread, draws) - end);
    for (Vec& draw : draws) {
      draw = Vec(mean.size(), 1.0);
      variance = variance + squared(sampler(grid, center, draws) - end);
      draw = zero;
    }
    require_close(end, to.alpha() * mean, 1e-12);
    return largest_difference(variance, expected);
  };
  for (const Stochastic& sampler :
       {with_eta(0.5), with_eta(1.0), with_variance(DdpmVariance::posterior),
        with_variance(DdpmVariance::beta)}) {
    const double coarse = variance_error(sampler, 160);
    const double fine = variance_error(sampler, 320);
    CAPTURE(coarse, fine);
    CHECK_THAT(std::log2(coarse / fine), WithinAbs(1.0, 0.1));
  }
}

TEST_CASE("textbook samplers repeat the official DPM-Solver code's results") {
  std::ifstream file(DPM_TEST_DATA "/dpm_solver.json");
  REQUIRE(file.good());
  const nlohmann::json cases = nlohmann::json::parse(file);
  int noise_cases = 0;
  int other_cases = 0;
  for (const nlohmann::json& c : cases) {
    if (c.at("schedule") != "vp_linear" || c.at("method") == "adaptive" ||
        c.contains("thresholding_max_val"))
      continue;
    CAPTURE(c.dump());
    const Vec expected = c.at("x_0");
    double size = 1;
    for (const double value : expected) size = std::max(size, std::abs(value));
    const double error = largest_difference(official_result(c), expected) / size;
    CHECK_THAT(error, WithinAbs(0.0, 1e-9));
    ++(c.at("model_type") == "noise" ? noise_cases : other_cases);
  }
  CHECK(noise_cases == 120);
  CHECK(other_cases == 22);
}

}  // namespace textbook_loops_test
