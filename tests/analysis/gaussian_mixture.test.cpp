// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Gaussian mixtures, and what both analytic models share: scores, singular ends, layouts of
/// states.
#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/reference_data.hpp"
#include "support/refused.hpp"
#include "support/score.hpp"
#include "support/test_network.hpp"

namespace gaussian_mixture_test {

using namespace dpm_test;
using Component = dpm::GaussianMixture::Component;
using State = std::vector<double>;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();
const std::vector<double> some_times{1.0, 0.7, 0.3, 0.1, 0.02, 1e-3};

std::vector<Component> components() {
  return {{1.0, dpm::Gaussian({1.0, 0.0}, {0.4, 0.5})},
          {2.5, dpm::Gaussian({-1.0, 0.5}, {0.5, 0.3})},
          {0.2, dpm::Gaussian({0.3, -1.2}, {0.6, 1.6})}};
}

/// Places where one component rules, where several do, and between.
const std::vector<State> some_points{{0.0, 0.0},  {1.0, 0.1},  {-1.1, 0.4}, {0.1, 0.2},
                                     {0.3, -1.5}, {2.5, -2.0}, {-0.2, 3.0}};

}  // namespace

TEST_CASE("the mixture's noise prediction is -sigma times its score") {
  const dpm::GaussianMixture mixture(components());
  for (const double time : some_times) {
    for (const State& x : some_points) {
      require_score(mixture, components(), x, schedule.level(time));
    }
  }
}

TEST_CASE("a mixture of one component, or of equal ones, is that Gaussian") {
  const dpm::GaussianMixture one({{3.0, gaussian()}});
  const dpm::GaussianMixture same({{0.5, gaussian()}, {2.0, gaussian()}, {1.0, gaussian()}});
  for (const double time : {1.0, 0.3, 0.01, 0.0}) {
    const dpm::Level at = schedule.level(time);
    const State x{1.2, -2.0, 0.4, 0.0, 0.0, 0.0, -5.0, 7.0, 0.1};  // three samples
    const State expected = noise_at(gaussian(), x, at);
    for (const dpm::GaussianMixture& mixture : {one, same}) {
      REQUIRE(relative_difference(noise_at(mixture, x, at), expected) < 1e-15);
    }
  }
}

TEST_CASE("a mixture's weights count relative to each other") {
  std::vector<Component> scaled = components();
  for (Component& c : scaled) c.weight *= 1e-30;
  std::vector<Component> other = components();
  other[0].weight *= 2.0;
  const dpm::Level at = schedule.level(0.3);
  for (const State& x : some_points) {
    const State expected = noise_at(dpm::GaussianMixture(components()), x, at);
    REQUIRE(relative_difference(noise_at(dpm::GaussianMixture(scaled), x, at), expected) < 1e-13);
    REQUIRE(relative_difference(noise_at(dpm::GaussianMixture(other), x, at), expected) > 1e-6);
  }
}

TEST_CASE("far from all data the nearest component speaks alone") {
  const dpm::GaussianMixture mixture(components());
  for (const double time : {1.0, 0.1, 1e-3, 0.0}) {
    const dpm::Level at = schedule.level(time);
    // In the second dimension the third component is the widest, and so the nearest far out.
    for (const double far : {1e3, 1e6, 1e100, -1e100}) {
      CAPTURE(time, far);
      const State noise = noise_at(mixture, State{0.0, far}, at);
      const State alone = noise_at(components()[2].gaussian, State{0.0, far}, at);
      for (std::size_t i = 0; i < 2; ++i) {
        REQUIRE(std::isfinite(noise[i]));
        REQUIRE_THAT(noise[i], WithinRel(alone[i], 1e-12));
      }
    }
  }
}

TEST_CASE("the models exist at both singular ends") {
  const dpm::AnySchedule table =
      dpm::DiscreteSchedule(dpm::rescale_zero_terminal_snr(dpm::linear_betas(1000)));
  const State x{0.4, -1.3};
  // Pure noise is all noise; in clean data there is none.
  const dpm::GaussianMixture mixture(components());
  REQUIRE(relative_difference(noise_at(mixture, x, table.level(1.0)), x) < 1e-15);
  REQUIRE(noise_at(mixture, x, table.level(0.0)) == State{0.0, 0.0});
  const dpm::Gaussian single({1.0, 0.0}, {0.4, 0.5});
  REQUIRE(relative_difference(noise_at(single, x, table.level(1.0)), x) < 1e-15);
  REQUIRE(noise_at(single, x, table.level(0.0)) == State{0.0, 0.0});
}

namespace {

template <class Scalar>
using Columns = Eigen::Array<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::ColMajor>;

template <class Scalar>
using Rows = Eigen::Array<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Value `e` of sample `s` in every layout below; exact in float.
double value(std::size_t s, std::size_t e) {
  return static_cast<double>(e) * 0.75 - static_cast<double>(s) * 0.3125 - 0.5;
}

/// An Eigen object of `samples` columns, filled with `value`.
template <class Dense>
Dense filled(std::size_t elements, std::size_t samples) {
  Dense x(static_cast<Eigen::Index>(elements), static_cast<Eigen::Index>(samples));
  for (Eigen::Index r = 0; r < x.rows(); ++r) {
    for (Eigen::Index c = 0; c < x.cols(); ++c) {
      x(r, c) = static_cast<typename Dense::Scalar>(
          value(static_cast<std::size_t>(c), static_cast<std::size_t>(r)));
    }
  }
  return x;
}

/// Requires that each sample in each layout gets the numbers that it gets alone in a vector.
template <class Scalar, class Function>
void require_same_in_all_layouts(std::size_t elements, std::size_t samples, Function function) {
  CAPTURE(elements, samples, sizeof(Scalar));
  const auto columns = function(filled<Columns<Scalar>>(elements, samples));
  const auto rows = function(filled<Rows<Scalar>>(elements, samples));
  const auto matrix =
      function(filled<Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic>>(elements, samples));
  std::vector<Scalar> all;
  for (std::size_t s = 0; s < samples; ++s) {
    for (std::size_t e = 0; e < elements; ++e) all.push_back(static_cast<Scalar>(value(s, e)));
  }
  const std::vector<Scalar> range = function(all);
  for (std::size_t s = 0; s < samples; ++s) {
    State sample;
    for (std::size_t e = 0; e < elements; ++e) sample.push_back(value(s, e));
    const State expected = function(sample);
    for (std::size_t e = 0; e < elements; ++e) {
      const auto wanted = static_cast<Scalar>(expected[e]);
      const auto r = static_cast<Eigen::Index>(e);
      const auto c = static_cast<Eigen::Index>(s);
      REQUIRE(columns(r, c) == wanted);
      REQUIRE(rows(r, c) == wanted);
      REQUIRE(matrix(r, c) == wanted);
      REQUIRE(range[s * elements + e] == wanted);
    }
  }
}

}  // namespace

TEST_CASE("the models give every layout and scalar the same numbers") {
  const dpm::Level at = schedule.level(0.3);
  const dpm::Level to = schedule.level(0.01);
  const dpm::Gaussian gaussian_2({0.4, -1.0}, {0.5, 0.7});
  const dpm::GaussianMixture mixture(components());
  const auto with = [&](const auto& function) {
    for (const auto& [elements, samples] :
         {std::pair<std::size_t, std::size_t>{2, 1}, {2, 5}, {6, 3}, {4, 1}}) {
      require_same_in_all_layouts<double>(elements, samples, function);
      require_same_in_all_layouts<float>(elements, samples, function);
    }
  };
  with([&](const auto& x) { return noise_at(gaussian_2, x, at); });
  with([&](const auto& x) { return noise_at(mixture, x, at); });
  with([&](const auto& x) { return gaussian_2.solve_ode(x, at, to); });
}

TEST_CASE("states of fixed size and views are states too") {
  const dpm::Level at = schedule.level(0.3);
  const dpm::GaussianMixture mixture(components());
  const State x{0.3, -0.8};
  const State expected = noise_at(mixture, x, at);
  const auto array = noise_at(mixture, std::array<double, 2>{0.3, -0.8}, at);
  REQUIRE(State(array.begin(), array.end()) == expected);
  const Eigen::Vector2d vector = noise_at(mixture, Eigen::Vector2d(0.3, -0.8), at);
  REQUIRE(State{vector[0], vector[1]} == expected);
  State from = x;
  State to(2);
  const std::span<double> from_view(from);
  std::span<double> to_view(to);
  mixture(from_view, at, to_view);
  REQUIRE(to == expected);
}

TEST_CASE("GaussianMixture refuses what is no mixture") {
  const auto made = [](std::vector<Component> list) {
    return [=] { (void)dpm::GaussianMixture(list); };
  };
  refused(made({}), "GaussianMixture: it was given no components; it must have at least one");
  const dpm::Gaussian flat({0.0}, {1.0});
  for (const auto& [weight, text] : std::vector<std::pair<double, std::string>>{
           {0.0, "0"}, {-1.0, "-1"}, {not_a_number, "nan"}, {infinity, "inf"}}) {
    refused(made({{1.0, flat}, {weight, flat}}), "GaussianMixture: component 1 has weight " + text +
                                                     "; weights must be positive and finite");
  }
  refused(made({{1.0, flat}, {1.0, flat}, {1.0, gaussian()}}),
          "GaussianMixture: component 2 has 3 dimensions and component 0 has 1; all must have the "
          "same");
}

TEST_CASE("the models refuse samples that are no multiple of their dimensions") {
  const dpm::Level at = schedule.level(0.3);
  const State four(4, 1.0);
  refused([&] { (void)noise_at(gaussian(), four, at); },
          "Gaussian: a sample of 4 values; it must be a multiple of the 3 dimensions");
  refused([&] { (void)gaussian().solve_ode(four, at, at); },
          "Gaussian: a sample of 4 values; it must be a multiple of the 3 dimensions");
  refused([&] { (void)noise_at(dpm::GaussianMixture(components()), State(3, 1.0), at); },
          "GaussianMixture: a sample of 3 values; it must be a multiple of the 2 dimensions");
  // Rows are what counts, not all values: 3 rows of 2 samples are 6 values.
  const Eigen::ArrayXXd turned = Eigen::ArrayXXd::Zero(3, 2);
  REQUIRE_THROWS_AS(noise_at(dpm::GaussianMixture(components()), turned, at), dpm::InvalidArgument);
}

TEST_CASE("fine runs reach the exact ends of the reference problems") {
  // x_exact is the exact end of the ODE to 1e-11 relative, computed in another language. 8000 steps
  // of third order leave 2e-10 on the mixture and 8e-12 on the Gaussian; the order is the law's
  // matter, and this bound leaves room for rounding only.
  const nlohmann::json problems = reference_data("problems.json");
  REQUIRE(problems.size() == 2);
  const auto flat = [](const nlohmann::json& rows) {
    State values;
    for (const auto& row : rows) {
      for (const double v : row) values.push_back(v);
    }
    return values;
  };
  for (const auto& [name, problem] : problems.items()) {
    INFO(name);
    std::vector<Component> list;
    for (std::size_t k = 0; k < problem["weights"].size(); ++k) {
      list.push_back({problem["weights"][k], dpm::Gaussian(problem["means"][k].get<State>(),
                                                           problem["stds"][k].get<State>())});
    }
    const State start = flat(problem["x_T"]);
    const State exact = flat(problem["x_exact"]);
    REQUIRE(start.size() == 32 * list[0].gaussian.dimensions());
    if (list.size() == 1) {
      const State closed =
          list[0].gaussian.solve_ode(start, schedule.level(1.0), schedule.level(1e-3));
      REQUIRE(relative_difference(closed, exact) < 1e-11);
    }
    const dpm::Grid grid = make_grid(dpm::UniformLambda{}, schedule, 8000);
    for (const auto space : {dpm::Space::noise, dpm::Space::data}) {
      const dpm::DpmSolver fine{
          .order = 3, .form = dpm::DpmSolver::Form::singlestep, .space = space};
      State x = start;
      dpm::sample(make_plan(fine, grid), dpm::GaussianMixture(list), x);
      REQUIRE(relative_difference(x, exact) < 5e-10);
    }
  }
}

TEST_CASE("analytic models refuse an output of another shape") {
  const dpm::Gaussian gaussian({0.0, 1.0}, {1.0, 2.0});
  const dpm::GaussianMixture mixture({{1.0, gaussian}});
  const std::vector<double> x(6, 0.5);
  std::vector<double> out(4, 7.0);
  const dpm::Level at = dpm::VpLinear().level(0.5);
  REQUIRE_THROWS_WITH(gaussian(x, at, out),
                      "Gaussian: the output is 4 x 1; it must have the shape of x, 6 x 1");
  REQUIRE_THROWS_WITH(mixture(x, at, out),
                      "GaussianMixture: the output is 4 x 1; it must have the shape of x, 6 x 1");
  REQUIRE(out == std::vector<double>(4, 7.0));
}

}  // namespace gaussian_mixture_test
