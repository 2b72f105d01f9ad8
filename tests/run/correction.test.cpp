// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Clipping and dynamic thresholding: by value on every kind of state, and within runs.
#include "dpm/run/correction.hpp"

#include <Eigen/Core>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/refused.hpp"
#include "support/thresholding.hpp"

namespace correction_test {

using namespace dpm_test;
using dpm::Clip;
using dpm::DynamicThresholding;
using dpm::Space;

namespace {

const dpm::Level level{};  // neither correction looks at it

template <class Correction>
Batch corrected(Correction correction, Batch x) {
  correction(x, level);
  return x;
}

}  // namespace

TEST_CASE("Clip keeps values within its range, in states of any kind") {
  const Batch x = values(5, 3);
  REQUIRE((x.abs() > 1.0).any());
  CHECK((corrected(Clip(), x) == x.max(-1.0).min(1.0)).all());
  CHECK((corrected(Clip(0.25), x) == x.max(-0.25).min(0.25)).all());
  CHECK((corrected(Clip(1e300), x) == x).all());
  std::vector<double> vector{-3.0, -1.0, -0.5, 0.0, 1.0, 1.5};
  Clip()(vector, level);
  CHECK(vector == std::vector<double>{-1.0, -1.0, -0.5, 0.0, 1.0, 1.0});
  std::array<float, 3> array{-0.75F, 0.25F, 7.0F};
  Clip(0.5)(array, level);
  CHECK(array == std::array<float, 3>{-0.5F, 0.25F, 0.5F});
  Eigen::VectorXf column = Eigen::VectorXf::LinSpaced(5, -2.0F, 2.0F);
  Clip()(column, level);
  CHECK(column == Eigen::VectorXf{{-1.0F, -1.0F, 0.0F, 1.0F, 1.0F}});
  std::vector<double> broken{not_a_number, 2.0};
  Clip()(broken, level);
  CHECK(std::isnan(broken[0]));  // left for the run to find
}

TEST_CASE("dynamic thresholding gives the values that are worked out by hand") {
  // The median of the absolute values is 2; between 2 and 3 the quantile is interpolated.
  const std::vector<double> x{-4.0, 1.0, 3.0, 0.0, -2.0};
  std::vector<double> half = x;
  DynamicThresholding(0.5)(half, level);
  CHECK(half == std::vector<double>{-1.0, 0.5, 1.0, 0.0, -1.0});
  std::vector<double> more = x;
  DynamicThresholding(0.625)(more, level);  // position 2.5: 2.5
  CHECK(more == std::vector<double>{-1.0, 0.4, 1.0, 0.0, -0.8});
  std::vector<double> all = x;
  DynamicThresholding(1.0)(all, level);
  CHECK(all == std::vector<double>{-1.0, 0.25, 0.75, 0.0, -0.5});
  std::vector<double> none = x;
  DynamicThresholding(0.0)(none, level);  // the quantile is 0, so s is the least, 1
  CHECK(none == std::vector<double>{-1.0, 1.0, 1.0, 0.0, -1.0});
}

TEST_CASE("dynamic thresholding agrees with quantiles by sorting") {
  for (const Eigen::Index rows : {1, 2, 7, 200}) {
    const Batch x = values(rows, 4);
    for (const double ratio : {0.0, 0.3, 0.5, 0.9, 0.995, 1.0}) {
      for (const double least : {0.01, 0.8, 1.0, 2.5}) {
        for (const double most : {2.5, infinity}) {
          CAPTURE(rows, ratio, least, most);
          const Batch expected = thresholded(x, ratio, least, most);
          CHECK(difference(corrected(DynamicThresholding(ratio, least, most), x), expected) <
                1e-15);
        }
      }
    }
  }
}

TEST_CASE("samples are columns, and in a range those that elements_per_sample cuts") {
  const Batch x = values(6, 5);
  const Batch expected = thresholded(x, 0.8, 0.1, infinity);
  std::vector<double> range(x.data(), x.data() + x.size());
  DynamicThresholding(0.8, 0.1, infinity, 6)(range, level);
  CHECK(difference(Eigen::Map<Batch>(range.data(), 6, 5), expected) < 1e-15);
  Eigen::Array<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> by_rows = x;
  DynamicThresholding(0.8, 0.1)(by_rows, level);
  CHECK(difference(by_rows, expected) < 1e-15);
  Eigen::ArrayXXf single = x.cast<float>();
  DynamicThresholding(0.8, 0.1)(single, level);
  // The values are rounded to float, then s, then the quotient: three halves of an epsilon each.
  CHECK(difference(single.cast<double>(), expected) < 4 * 1.2e-7);
  // Without elements_per_sample a range is one sample, whatever the user means by it.
  std::vector<double> as_one(x.data(), x.data() + x.size());
  DynamicThresholding(0.8, 0.1)(as_one, level);
  const Batch column_of_all = Eigen::Map<const Batch>(x.data(), 30, 1);
  CHECK(difference(Eigen::Map<Batch>(as_one.data(), 30, 1),
                   thresholded(column_of_all, 0.8, 0.1, infinity)) < 1e-15);
  CHECK(difference(Eigen::Map<Batch>(as_one.data(), 6, 5), expected) > 0.1);
}

TEST_CASE("a sample is thresholded as if it were alone") {
  const Batch x = values(30, 6);
  DynamicThresholding thresholding(0.9, 0.3);
  Batch batch = x;
  thresholding(batch, level);
  for (Eigen::Index c = 0; c < 6; ++c) {
    Batch alone = x.col(c);
    thresholding(alone, level);  // the same object, for another shape
    CHECK((alone == batch.col(c)).all());
  }
  std::vector<double> empty;
  thresholding(empty, level);
  CHECK(empty.empty());
}

TEST_CASE("with diffusers' default sample_max_value of 1 thresholding is clipping") {
  const Batch x = values(50, 4);
  for (const double ratio : {0.3, 0.995}) {
    CHECK((corrected(DynamicThresholding(ratio, 1.0, 1.0), x) == corrected(Clip(), x)).all());
    CHECK(difference(corrected(DynamicThresholding(ratio), x), corrected(Clip(), x)) > 0.1);
  }
  // With both at 2 it is clipping to 2, and division by it.
  CHECK((corrected(DynamicThresholding(0.3, 2.0, 2.0), x) == corrected(Clip(2.0), x) / 2.0).all());
}

TEST_CASE("the official code's thresholding divides by no less than its max_val") {
  const DynamicThresholding official(0.995, 1.5);
  const Batch small = 0.3 * values(40, 2);
  REQUIRE(small.abs().maxCoeff() < 1.5);
  CHECK((corrected(official, small) == small / 1.5).all());
  const Batch large = 100.0 * values(40, 2);
  CHECK(difference(corrected(official, large), thresholded(large, 0.995, 0.0, infinity)) < 1e-15);
}

TEST_CASE("corrections check their parameters") {
  refused([] { (void)Clip(0.0); }, "Clip: range = 0; it must be in (0, inf)");
  refused([] { (void)Clip(-1.0); }, "Clip: range = -1; it must be in (0, inf)");
  refused([] { (void)Clip(infinity); }, "Clip: range = inf; it must be in (0, inf)");
  refused([] { (void)Clip(not_a_number); }, "Clip: range = nan; it must be in (0, inf)");
  refused([] { (void)DynamicThresholding(-0.5); },
          "DynamicThresholding: ratio = -0.5; it must be in [0, 1]");
  refused([] { (void)DynamicThresholding(1.5); },
          "DynamicThresholding: ratio = 1.5; it must be in [0, 1]");
  refused([] { (void)DynamicThresholding(not_a_number); },
          "DynamicThresholding: ratio = nan; it must be in [0, 1]");
  const std::string must = "; they must be 0 < least <= most, and least below 1e300";
  refused([] { (void)DynamicThresholding(0.9, 0.0); },
          "DynamicThresholding: least = 0 and most = inf" + must);
  refused([] { (void)DynamicThresholding(0.9, 2.0, 1.0); },
          "DynamicThresholding: least = 2 and most = 1" + must);
  refused([] { (void)DynamicThresholding(0.9, 1e300); },
          "DynamicThresholding: least = 1e+300 and most = inf" + must);
  refused([] { (void)DynamicThresholding(0.9, not_a_number); },
          "DynamicThresholding: least = nan and most = inf" + must);
  refused([] { (void)DynamicThresholding(0.9, 1.0, not_a_number); },
          "DynamicThresholding: least = 1 and most = nan" + must);
}

TEST_CASE("corrections refuse a bound that is 0 or infinite in the type of the values") {
  const auto refuses_in = [](auto scalar, double bound, const std::string& there) {
    using Scalar = decltype(scalar);
    const std::vector<Scalar> before(5, Scalar(0.5F));
    const std::string sentence = " = " + dpm::detail::sentence(bound) + ", which is " + there +
                                 " in the type of the values; it must be positive and finite there";
    std::vector<Scalar> data = before;
    refused([&] { Clip{bound}(data, level); }, "Clip: range" + sentence);
    refused(
        [&] {
          DynamicThresholding{0.9, bound}(data, level);
        },
        "DynamicThresholding: least" + sentence);
    REQUIRE(data == before);
  };
  refuses_in(float{}, 1e-60, "0");
  refuses_in(float{}, 1e60, "inf");
  refuses_in(Eigen::half{}, 1e-9, "0");
  refuses_in(Eigen::half{}, 1e5, "inf");
  refuses_in(Eigen::bfloat16{}, 1e-60, "0");
  // What is small or great and a number there is not, nor is a `most` beyond the type.
  std::vector<float> data{-3.0F, 1e-30F, 2.0F};
  Clip(1e-30)(data, level);
  REQUIRE(data == std::vector<float>{-1e-30F, 1e-30F, 1e-30F});
  data = {-3.0F, 1.5F, 2.0F};
  DynamicThresholding(1.0, 1.0, 1e60)(data, level);
  REQUIRE(data == std::vector<float>{-1.0F, 0.5F, 2.0F / 3.0F});
}

TEST_CASE("elements_per_sample must divide a range, and is not for several columns") {
  const std::string must =
      "; it must divide the size of a state with one column, and be 0 for others";
  const std::vector<double> before{3.0, 1.0, 2.0, 4.0, 5.0};
  std::vector<double> range = before;
  refused([&] { DynamicThresholding(0.9, 1.0, 2.0, 2)(range, level); },
          "DynamicThresholding: elements_per_sample = 2 for a state of 5 x 1" + must);
  CHECK(range == before);
  const Batch columns = values(4, 2);
  Batch batch = columns;
  refused([&] { DynamicThresholding(0.9, 1.0, 2.0, 4)(batch, level); },
          "DynamicThresholding: elements_per_sample = 4 for a state of 4 x 2" + must);
  CHECK((batch == columns).all());
}

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();

/// Data of standard deviation 2, so that its predictions leave [-1, 1].
const dpm::Gaussian network({0.5}, {2.0});

}  // namespace

TEST_CASE(
    "second-order steps use corrected data as worked out by hand, in noise space with the noise "
    "rederived") {
  const std::vector<double> times{0.7, 0.5, 0.35};
  const dpm::Grid grid = grid_of_times(schedule, times);
  const Batch start = 2.0 * values(8, 3);
  for (const Space space : {Space::noise, Space::data}) {
    for (const bool clips : {true, false}) {
      CAPTURE(static_cast<int>(space), clips);
      const auto prediction = [&](const Batch& x, const dpm::Level& at) -> Batch {
        Batch noise(x.rows(), x.cols());
        network(x, at, noise);
        Batch data = (x - at.sigma() * noise) / at.alpha();
        REQUIRE((data.abs() > 1.0).any());
        data = clips ? Batch(data.max(-1.0).min(1.0)) : thresholded(data, 0.9, 1.0, infinity);
        return space == Space::data ? data : Batch((x - at.alpha() * data) / at.sigma());
      };
      const dpm::Level s = grid[0];
      const dpm::Level m = grid[1];
      const dpm::Level t = grid[2];
      const double h0 = m.lambda() - s.lambda();
      const double h = t.lambda() - m.lambda();
      const Batch first = prediction(start, s);
      Batch expected;
      if (space == Space::noise) {
        const Batch middle = m.alpha() / s.alpha() * start - m.sigma() * (std::exp(h0) - 1) * first;
        const Batch second = prediction(middle, m);
        const Batch mix = second + h / (2 * h0) * (second - first);
        expected = t.alpha() / m.alpha() * middle - t.sigma() * (std::exp(h) - 1) * mix;
      } else {
        const Batch middle =
            m.sigma() / s.sigma() * start + m.alpha() * (1 - std::exp(-h0)) * first;
        const Batch second = prediction(middle, m);
        const Batch mix = second + h / (2 * h0) * (second - first);
        expected = t.sigma() / m.sigma() * middle + t.alpha() * (1 - std::exp(-h)) * mix;
      }
      const dpm::Plan plan = make_plan(dpm::DpmSolver{.order = 2, .space = space}, grid,
                                       dpm::Prediction::noise, dpm::Correction::data);
      dpm::RunOptions<Batch> options;
      if (clips) options.correction = Clip();
      if (!clips) options.correction = DynamicThresholding(0.9);
      Batch x = start;
      dpm::sample(plan, network, x, options);
      CHECK(difference(x, expected) < 2e-14);
    }
  }
}

TEST_CASE("a clipped run ends within its range, from pure noise and over EDM's levels too") {
  const auto check = [](const dpm::AnySchedule& process, dpm::Prediction prediction, auto model) {
    const dpm::Grid grid = make_grid(dpm::UniformTime{.end = 0.0}, process, 12);
    Batch x = 3.0 * grid.front().sigma() * values(8, 3);
    const Batch start = x;
    dpm::sample(make_plan(dpm::DpmSolver{}, grid, prediction), model, x);
    CHECK(x.abs().maxCoeff() > 1.5);
    x = start;
    const dpm::Plan plan = make_plan(dpm::DpmSolver{}, grid, prediction, dpm::Correction::data);
    dpm::sample(plan, model, x, {.correction = Clip()});
    CHECK(x.abs().maxCoeff() == 1.0);
  };
  check(schedule, dpm::Prediction::noise, network);
  // Networks that always say 2 in every value of x_0: of a flow, epsilon - x_0; of EDM, F.
  const auto flow = [](const Batch& x, const dpm::Level& at) -> Batch {
    return (x - 2.0) / at.sigma();
  };
  check(dpm::RectifiedFlow(3.0), dpm::Prediction::flow, flow);
  const auto edm = [](const Batch& u, const dpm::Level& at) -> Batch {
    const dpm::Conversion to_data = dpm::to_data(dpm::Prediction::edm, at);
    return (2.0 - to_data.input * u / at.input_scale()) / to_data.output;
  };
  check(dpm::Edm(), dpm::Prediction::edm, edm);
}

TEST_CASE(
    "a run with thresholding treats each sample as if it were alone, in every kind of state") {
  const Batch start = 2.0 * values(9, 4);
  for (const Space space : {Space::noise, Space::data}) {
    CAPTURE(static_cast<int>(space));
    const dpm::Plan plan = make_plan(dpm::DpmSolver{.order = 3, .space = space},
                                     make_grid(dpm::UniformLambda{}, schedule, 10),
                                     dpm::Prediction::noise, dpm::Correction::data);
    Batch batch = start;
    dpm::sample(plan, network, batch, {.correction = DynamicThresholding(0.8)});
    for (Eigen::Index c = 0; c < 4; ++c) {
      Batch alone = start.col(c);
      dpm::sample(plan, network, alone, {.correction = DynamicThresholding(0.8)});
      CHECK(difference(alone, batch.col(c)) < 1e-13);
    }
    std::vector<double> range(start.data(), start.data() + start.size());
    dpm::sample(plan, network, range, {.correction = DynamicThresholding(0.8, 1.0, infinity, 9)});
    CHECK(difference(Eigen::Map<Batch>(range.data(), 9, 4), batch) < 1e-13);
  }
}

}  // namespace correction_test
