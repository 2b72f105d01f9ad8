// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Images with noise added: where image-to-image starts, and what inpainting keeps.
#include <Eigen/Core>
#include <cmath>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "dpm/run/edit.hpp"
#include "dpm/run/inpaint.hpp"
#include "support/catch.hpp"
#include "support/test_network.hpp"

namespace add_noise_test {

using namespace dpm_test;
using State = std::vector<double>;
using Batch = Eigen::ArrayXXd;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();
const auto model = test_model(dpm::Prediction::noise);

dpm::Grid grid_of(int steps) { return make_grid(dpm::UniformLambda{}, schedule, steps); }

void refused(const std::function<void()>& call, const std::string& part) {
  INFO(part);
  REQUIRE_THROWS_AS(call(), dpm::InvalidArgument);
  REQUIRE_THROWS_WITH(call(), mentions(part));
}

}  // namespace

TEST_CASE("add_noise is alpha x + sigma z") {
  State x{1.0, -2.0};
  const dpm::Level at = schedule.level(0.4);
  dpm::add_noise(
      x, at,
      [](State& z, const dpm::NoiseRequest& request) {
        REQUIRE(request.draw == 5);
        z = {0.5, 3.0};
      },
      5);
  REQUIRE_THAT(x[0], WithinRel(at.alpha() + 0.5 * at.sigma(), 1e-15));
  REQUIRE_THAT(x[1], WithinRel(-2.0 * at.alpha() + 3.0 * at.sigma(), 1e-15));
  refused([&] { dpm::add_noise(x, at, {}); }, "noise is empty");
  refused([&] { dpm::add_noise(x, at, [](State& z, const auto&) { z.resize(1); }); },
          "add_noise: the noise (draw 4294967295) is 1 x 1; it must have the shape of x, 2 x 1");
}

TEST_CASE("add_noise refuses levels that are no points of a process") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  const dpm::NormalNoise noise{.seed = 3};
  State x{1.0, -2.0};
  for (const dpm::Level& level : {dpm::Level{0.5, nan, 0.0, 0.0}, dpm::Level{0.5, 0.0, nan, 0.0},
                                  dpm::Level{0.5, 800.0, 0.0, 0.0}}) {
    refused([&] { dpm::add_noise(x, level, noise); }, "add_noise: the level at time 0.5 has alpha");
  }
  std::vector<float> small{1.0F};
  refused(
      [&] {
        dpm::add_noise(small, dpm::Level{0.5, 0.0, 200.0, 0.0}, noise);
      },
      "both must be finite in the type of x");
  REQUIRE(x == State{1.0, -2.0});
  REQUIRE(small[0] == 1.0F);
}

TEST_CASE("add_noise works through views as on what they view") {
  State x{1.0, -2.0, 0.5};
  State y = x;
  const dpm::Level level = schedule.level(0.4);
  dpm::add_noise(x, level, dpm::NormalNoise{.seed = 3});
  dpm::add_noise(std::span<double>(y), level, dpm::NormalNoise{.seed = 3});
  REQUIRE(x == y);
  Eigen::ArrayXd z(3);
  z << 1.0, -2.0, 0.5;
  dpm::add_noise(Eigen::Map<Eigen::ArrayXd>(z.data(), 3), level, dpm::NormalNoise{.seed = 3});
  for (std::size_t i = 0; i < 3; ++i) REQUIRE(z[static_cast<Eigen::Index>(i)] == x[i]);
}

TEST_CASE("image-to-image starts anywhere, and from little noise comes back to the image") {
  const dpm::Gaussian data({0.5, -1.0}, {0.4, 0.8});
  Eigen::ArrayXXd x = Eigen::ArrayXXd::Constant(2, 3000, 0.9);
  const dpm::Plan plan =
      dpm::make_plan(dpm::default_method, schedule, 10, dpm::UniformTime{.start = 0.05});
  dpm::add_noise(x, plan.start(), dpm::NormalNoise{.seed = 5});
  dpm::sample(plan, data, x);
  // The ODE is linear, so it carries the mean along.
  const std::vector<double> mean(2, 0.9 * plan.start().alpha());
  const auto expected = data.solve_ode(mean, plan.start(), plan.end());
  REQUIRE_THAT(x.row(0).mean(), WithinAbs(expected[0], 0.01));
  REQUIRE(std::abs(expected[0] - 0.9) < 0.1);
}

TEST_CASE("inpainting keeps what is known and fits the rest to it") {
  // Two values that are always equal: where one is known, the other must become it.
  const auto equal_pair = [](const Eigen::ArrayXXd& x, const dpm::Level& at, Eigen::ArrayXXd& out) {
    // x_0 = (v, v) with v ~ N(0, 1): the data prediction is alpha (x1 + x2) / (2 alpha^2 +
    // sigma^2).
    const double alpha = at.alpha();
    const double sigma = at.sigma();
    const double factor = alpha / (2.0 * alpha * alpha + sigma * sigma);
    const Eigen::ArrayXXd v = (factor * (x.row(0) + x.row(1))).replicate(2, 1);
    out = (x - alpha * v) / sigma;
  };
  Batch known = Batch::Constant(2, 200, std::numeric_limits<double>::quiet_NaN());
  known.row(0) = 1.3;
  Batch mask = Batch::Zero(2, 200);
  mask.row(0) = 1.0;
  Batch x(2, 200);
  dpm::NormalNoise{.seed = 9}.fill(x);
  dpm::RunOptions<Batch> options;
  options.noise = dpm::NormalNoise{.seed = 9};
  const auto report =
      dpm::sample_with_edits(dpm::Ddim{.eta = 1.0}, grid_of(200).then(0.0), equal_pair, x,
                             dpm::Inpaint<Batch>(known, mask, dpm::NormalNoise{.seed = 9}),
                             dpm::Prediction::noise, options);
  REQUIRE(report.model_calls == 201);
  REQUIRE((x.row(0) == 1.3).all());
  REQUIRE_THAT(x.row(1).mean(), WithinAbs(1.3, 0.15));
}

TEST_CASE("the noise of a start is another than that of the run") {
  Eigen::ArrayXXd start = Eigen::ArrayXXd::Zero(2, 3);
  dpm::add_noise(start, schedule.level(1.0), dpm::NormalNoise{.seed = 3});
  Eigen::ArrayXXd filled(2, 3);
  dpm::NormalNoise{.seed = 3}.fill(filled);
  REQUIRE((start - schedule.level(1.0).sigma() * filled).abs().maxCoeff() < 1e-15);
}

TEST_CASE("Inpaint refuses masks and shapes that do not fit") {
  const dpm::NoiseSource<State> noise = dpm::NormalNoise{.seed = 1};
  refused([&] { dpm::Inpaint<State>(State(3), State(4), noise); }, "shape of known");
  refused([&] { dpm::Inpaint<State>(State(2), State{0.5, 1.5}, noise); }, "mask holds 1.5");
  refused([&] { dpm::Inpaint<State>(State(2), State{0.5, NAN}, noise); }, "mask holds nan");
  refused([&] { dpm::Inpaint<State>(State(2), State(2), {}); }, "noise is empty");
  refused(
      [&] {
        dpm::Inpaint<State>(State{NAN, 1.0}, State{0.5, 1.0}, noise);
      },
      "known holds nan where the mask is 0.5");
  State x = test_start();
  refused(
      [&] {
        dpm::sample_with_edits(dpm::Ddim{}, grid_of(3), model, x,
                               dpm::Inpaint<State>(State(2), State(2), noise));
      },
      "x is 8 x 1; it must have the shape of the mask, 2 x 1");
  REQUIRE(x == test_start());
}

TEST_CASE("add_noise refuses views with gaps, and leaves what they view alone") {
  const Batch before = Batch::Constant(3, 4, 0.5);
  Batch x = before;
  const dpm::Level at = schedule.level(0.4);
  const dpm::NormalNoise noise{.seed = 3};
  const std::string must = "; it must be contiguous";
  refused([&] { dpm::add_noise(x.topRows(2), at, noise); },
          "add_noise: x is a view of 2 x 4 values with strides 1 and 3" + must);
  refused([&] { dpm::add_noise(x.row(1), at, noise); },
          "add_noise: x is a view of 1 x 4 values with strides 1 and 3" + must);
  using Inner = Eigen::Map<Eigen::ArrayXd, 0, Eigen::InnerStride<2>>;
  refused([&] { dpm::add_noise(Inner(x.data(), 6), at, noise); },
          "add_noise: x is a view of 6 x 1 values with strides 2 and ");
  REQUIRE((x == before).all());
  // Whole columns have no gaps.
  dpm::add_noise(x.middleCols(1, 2), at, noise);
  Batch columns = before.middleCols(1, 2);
  dpm::add_noise(columns, at, noise);
  REQUIRE((x.middleCols(1, 2) == columns).all());
  REQUIRE((x.col(0) == 0.5).all());
  REQUIRE((x.col(3) == 0.5).all());
}

TEST_CASE("add_noise refuses noise that is not finite, in Inpaint too") {
  State x = test_start();
  for (const double bad : {NAN, INFINITY}) {
    const auto noise = [&](State& z, const dpm::NoiseRequest&) { z.back() = bad; };
    const auto call = [&] { dpm::add_noise(x, schedule.level(0.4), noise, 7); };
    REQUIRE_THROWS_AS(call(), dpm::NonFinite);
    REQUIRE_THROWS_WITH(call(), "add_noise: the noise (draw 7) holds a NaN or an infinity");
    const auto inpaints = [&] {
      dpm::sample_with_edits(dpm::Ddim{}, grid_of(3), model, x,
                             dpm::Inpaint<State>(State(8, 0.5), State(8, 0.5), noise));
    };
    REQUIRE_THROWS_WITH(inpaints(),
                        "add_noise: the noise (draw 2147483649) holds a NaN or an infinity");
    REQUIRE(x == test_start());
  }
}

}  // namespace add_noise_test
