// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The noise source on states: a sample's noise, and so a stochastic run, is its own.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <Eigen/Core>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"

namespace noise_test {

using namespace dpm_test;
using Eigen::Dynamic;
using Eigen::RowMajor;

namespace {

constexpr std::uint64_t seed = 0x9E3779B97F4A7C15;

/// What the format says element `element` of sample `sample` is (noise/normal.hpp).
double number(std::uint64_t sample, std::uint32_t draw, std::size_t element) {
  const auto block = static_cast<std::uint32_t>(element / 4);
  return dpm::normal_draws(seed, sample, draw, block)[element % 4];
}

dpm::NoiseRequest request(std::uint32_t draw) { return {draw, {}, {}}; }

/// Requires of an Eigen object that its column c is what `sample` first_sample + c should get.
template <class State>
void require_noise_of(const State& z, std::uint64_t first_sample, std::uint32_t draw) {
  using Scalar = typename State::Scalar;
  for (int c = 0; c < z.cols(); ++c) {
    for (int r = 0; r < z.rows(); ++r) {
      const auto sample = first_sample + static_cast<std::uint64_t>(c);
      REQUIRE(z(r, c) == static_cast<Scalar>(number(sample, draw, static_cast<std::size_t>(r))));
    }
  }
}

/// Starts and draws in a state of each kind, at several numbers of the first sample.
template <class State>
void require_keyed_noise(State z) {
  for (const std::uint64_t first : {std::uint64_t{0}, std::uint64_t{7}, std::uint64_t{1} << 40}) {
    const dpm::NormalNoise noise{.seed = seed, .first_sample = first};
    z.setZero();
    noise.fill(z);
    require_noise_of(z, first, 0);
    for (const std::uint32_t draw : {0U, 1U, 30U}) {
      z.setZero();
      noise(z, request(draw));
      require_noise_of(z, first, draw + 1);
    }
  }
}

std::string refusal(const dpm::NormalNoise& noise, auto&& x) {
  try {
    noise.fill(x);
  } catch (const dpm::InvalidArgument& error) {
    return error.what();
  }
  return {};
}

}  // namespace

TEST_CASE("each value of a batch is a function of seed, sample, draw and element") {
  require_keyed_noise(Eigen::ArrayXXd(6, 5));
  require_keyed_noise(Eigen::ArrayXXf(6, 5));
  require_keyed_noise(Eigen::MatrixXf(1, 9));
  require_keyed_noise(Eigen::ArrayXd(13));
  require_keyed_noise(Eigen::Array<double, 3, 4>());
  require_keyed_noise(Eigen::Array<float, Dynamic, Dynamic, RowMajor>(6, 5));
  require_keyed_noise(Eigen::Array<double, 2, 7, RowMajor>());
  for (const int length : {63, 64, 65, 128, 200}) {
    require_keyed_noise(Eigen::ArrayXXf(length, 2));
    require_keyed_noise(Eigen::ArrayXd(length));
    require_keyed_noise(Eigen::Array<float, Dynamic, Dynamic, RowMajor>(length, 3));
  }
}

TEST_CASE("sample k of a batch is sample k alone, in batches of any size") {
  Eigen::ArrayXXd batch(10, 12);
  dpm::NormalNoise{.seed = seed}.fill(batch);
  for (int k = 0; k < 12; ++k) {
    const dpm::NormalNoise from_k{.seed = seed, .first_sample = static_cast<std::uint64_t>(k)};
    Eigen::ArrayXd alone(10);
    from_k.fill(alone);
    REQUIRE((alone == batch.col(k)).all());
    Eigen::ArrayXXd rest(10, 12 - k);
    from_k.fill(rest);
    REQUIRE((rest == batch.rightCols(12 - k)).all());
    std::vector<double> flat(10);
    from_k.fill(flat);
    for (int r = 0; r < 10; ++r) REQUIRE(flat[static_cast<std::size_t>(r)] == batch(r, k));
  }
}

TEST_CASE("a range may hold samples one after the other") {
  for (const std::size_t elements : {1U, 3U, 4U, 10U, 70U}) {
    const dpm::NormalNoise noise{.seed = seed, .first_sample = 2, .elements_per_sample = elements};
    std::vector<float> x(elements * 6);
    Eigen::ArrayXXf batch(static_cast<int>(elements), 6);
    noise.fill(x);
    dpm::NormalNoise{.seed = seed, .first_sample = 2}.fill(batch);
    REQUIRE(x == std::vector<float>(batch.data(), batch.data() + batch.size()));
    noise(x, request(4));
    dpm::NormalNoise{.seed = seed, .first_sample = 2}(batch, request(4));
    REQUIRE(x == std::vector<float>(batch.data(), batch.data() + batch.size()));
    Eigen::ArrayXf column(static_cast<int>(elements) * 6);
    noise(column, request(4));
    REQUIRE((column == batch.reshaped()).all());
  }
  // Left 0, the range is one sample.
  std::vector<double> one(20);
  dpm::NormalNoise{.seed = seed}.fill(one);
  for (std::size_t i = 0; i < one.size(); ++i) REQUIRE(one[i] == number(0, 0, i));
}

TEST_CASE("batches of every small shape have the noise of their samples") {
  for (int rows = 1; rows <= 13; ++rows) {
    for (const int cols : {1, 2, 3, 9, 40}) {
      Eigen::ArrayXXf x(rows, cols);
      dpm::NormalNoise{.seed = seed, .first_sample = 9}.fill(x);
      require_noise_of(x, 9, 0);
    }
  }
}

// Of the sizes that OpenMP shares among threads, where the tests are built with it.
TEST_CASE("the noise of large states is the same") {
  const int large = int(2 * dpm::detail::parallel_size) + 77;
  Eigen::ArrayXf one(large);
  dpm::NormalNoise{.seed = seed, .first_sample = 9}.fill(one);
  require_noise_of(one, 9, 0);
  Eigen::ArrayXXd batch(70, large / 70);
  dpm::NormalNoise{.seed = seed, .first_sample = 9}(batch, request(3));
  require_noise_of(batch, 9, 4);
  Eigen::Array<float, Dynamic, Dynamic, RowMajor> rows(3, large / 3);
  dpm::NormalNoise{.seed = seed, .first_sample = 9}.fill(rows);
  require_noise_of(rows, 9, 0);
}

TEST_CASE("states without values are left alone") {
  std::vector<float> none;
  dpm::NormalNoise{.seed = seed}.fill(none);
  Eigen::ArrayXXf without_rows(0, 5);
  dpm::NormalNoise{.seed = seed}.fill(without_rows);
  Eigen::ArrayXXf without_columns(5, 0);
  dpm::NormalNoise{.seed = seed}.fill(without_columns);
}

TEST_CASE("noise fills views, also those that are temporaries") {
  std::vector<double> x(12);
  dpm::NormalNoise{.seed = seed}.fill(std::span<double>(x).subspan(2, 8));
  REQUIRE(x[0] == 0.0);
  REQUIRE(x[1] == 0.0);
  for (std::size_t i = 0; i < 8; ++i) REQUIRE(x[2 + i] == number(0, 0, i));
  REQUIRE(x[10] == 0.0);
  dpm::NormalNoise{.seed = seed}.fill(Eigen::Map<Eigen::ArrayXXd>(x.data(), 4, 3));
  for (std::size_t i = 0; i < 12; ++i) REQUIRE(x[i] == number(i / 4, 0, i % 4));
}

namespace {

/// Requires of a view into `whole` that filling it fills its own places and no others.
template <class Whole, class View>
void require_fills_only(Whole& whole, View view) {
  whole.setConstant(7);
  dpm::NormalNoise{.seed = seed, .first_sample = 5}.fill(view);
  require_noise_of(view, 5, 0);
  REQUIRE((whole == 7).count() == whole.size() - view.size());
}

}  // namespace

TEST_CASE("noise fills views with gaps, and not the gaps") {
  Eigen::ArrayXXf columns(70, 6);
  require_fills_only(columns, columns.topRows(66));
  require_fills_only(columns, columns.middleCols(1, 3));
  require_fills_only(columns, columns.block(1, 2, 5, 3));
  require_fills_only(columns, columns.row(3));
  require_fills_only(columns, columns.col(3));
  Eigen::Array<double, Dynamic, Dynamic, RowMajor> rows(70, 6);
  require_fills_only(rows, rows.topRows(66));
  require_fills_only(rows, rows.middleCols(1, 3));
  require_fills_only(rows, rows.col(3));
  Eigen::ArrayXd line(30);
  using Stride = Eigen::InnerStride<>;
  require_fills_only(line, Eigen::Map<Eigen::ArrayXd, 0, Stride>(line.data(), 10, Stride(3)));
}

TEST_CASE("noise in float is the noise in double, rounded") {
  Eigen::ArrayXXd in_double(33, 8);
  Eigen::ArrayXXf in_float(33, 8);
  const dpm::NormalNoise noise{.seed = seed};
  noise.fill(in_double);
  noise.fill(in_float);
  REQUIRE((in_float == in_double.cast<float>()).all());
  REQUIRE((in_float.cast<double>() != in_double).any());
}

TEST_CASE("seeds, draws, samples and elements all differ, and fill is none of a run's draws") {
  const auto draw_of = [](std::uint64_t the_seed, int draw) {
    std::vector<double> z(64);
    const dpm::NormalNoise noise{.seed = the_seed, .elements_per_sample = 8};
    if (draw < 0) {
      noise.fill(z);
    } else {
      noise(z, request(static_cast<std::uint32_t>(draw)));
    }
    return z;
  };
  std::vector<double> all;
  for (const std::uint64_t the_seed : {std::uint64_t{1}, std::uint64_t{2}}) {
    for (int draw = -1; draw < 4; ++draw) {
      const std::vector<double> z = draw_of(the_seed, draw);
      REQUIRE(z == draw_of(the_seed, draw));
      all.insert(all.end(), z.begin(), z.end());
    }
  }
  // 640 values of 26 bits each: two that are equal would be a repeated key, not chance.
  std::sort(all.begin(), all.end());
  REQUIRE(std::adjacent_find(all.begin(), all.end()) == all.end());
}

TEST_CASE("noise has mean 0 and variance 1") {
  Eigen::ArrayXXd z(1000, 100);
  dpm::NormalNoise{.seed = seed}.fill(z);
  // Five standard errors of 10^5 values.
  REQUIRE_THAT(z.mean(), WithinAbs(0.0, 5.0 / std::sqrt(1e5)));
  REQUIRE_THAT(z.square().mean(), WithinAbs(1.0, 5.0 * std::sqrt(2.0 / 1e5)));
}

TEST_CASE("samples that do not fit the state are refused") {
  const dpm::NormalNoise of_five{.seed = seed, .elements_per_sample = 5};
  const std::string message = refusal(of_five, std::vector<double>(12));
  REQUIRE_THAT(message, mentions("elements_per_sample = 5"));
  REQUIRE_THAT(message, mentions("12 x 1"));
  REQUIRE_THAT(message, mentions("must divide"));
  REQUIRE_THAT(refusal(of_five, std::vector<float>(4)), mentions("4 x 1"));
  REQUIRE_THAT(refusal(of_five, Eigen::ArrayXXf(5, 3)), mentions("5 x 3"));
  REQUIRE_THAT(refusal(of_five, Eigen::ArrayXXf(5, 3)), mentions("be 0 for others"));
  REQUIRE(refusal(of_five, std::vector<double>(15)).empty());
  REQUIRE(refusal(of_five, Eigen::ArrayXf(15)).empty());

  std::vector<double> untouched(12, 3.0);
  REQUIRE_THROWS_AS(of_five.fill(untouched), dpm::InvalidArgument);
  REQUIRE_THROWS_AS(of_five(untouched, dpm::NoiseRequest{}), dpm::InvalidArgument);
  REQUIRE(untouched == std::vector<double>(12, 3.0));
}

TEST_CASE("a run whose samples do not fit is refused at its first draw, and x is untouched") {
  std::vector<double> x(12, 0.5);
  const auto model = [](const auto& in, double, auto& out) { out = in; };
  REQUIRE_THROWS_AS(dpm::sample(dpm::Ddpm{}, dpm::VpLinear(), 4, model, x, dpm::Prediction::noise,
                                {.noise = dpm::NormalNoise{.elements_per_sample = 5}}),
                    dpm::InvalidArgument);
  REQUIRE(x == std::vector<double>(12, 0.5));
}

namespace {

/// A model that mixes the values of a sample, but not samples: for flat samples of `rows` values.
template <class Scalar>
void mix(const Scalar* x, Scalar* out, int rows, std::ptrdiff_t stride, double timestep) {
  for (int r = 0; r < rows; ++r) {
    const double here = static_cast<double>(x[r * stride]);
    const double next = static_cast<double>(x[(r + 1) % rows * stride]);
    out[r * stride] = static_cast<Scalar>(here / (1.0 + next * next) + 0.1 * timestep);
  }
}

struct Mix {
  template <class State>
  void operator()(const State& x, double timestep, State& out) const {
    const int rows = static_cast<int>(x.rows());
    for (int c = 0; c < x.cols(); ++c) {
      const auto stride = State::IsRowMajor ? x.cols() : 1;
      const auto first = State::IsRowMajor ? c : c * x.rows();
      mix(x.data() + first, out.data() + first, rows, stride, timestep);
    }
  }
};

/// The stochastic run of a batch of five samples of 70 values, the first of them number 3.
template <class State>
State run_of_batch(const dpm::Plan& plan) {
  const dpm::NormalNoise noise{.seed = seed, .first_sample = 3};
  State x(70, 5);
  noise.fill(x);
  dpm::sample(plan, Mix{}, x, {.noise = noise});
  return x;
}

template <class State>
void require_columns_run_alone(const dpm::Plan& plan) {
  using Scalar = typename State::Scalar;
  const State batch = run_of_batch<State>(plan);
  for (int c = 0; c < 5; ++c) {
    const dpm::NormalNoise noise{.seed = seed, .first_sample = static_cast<std::uint64_t>(3 + c)};
    Eigen::Array<Scalar, Dynamic, 1> alone(70);
    noise.fill(alone);
    dpm::sample(plan, Mix{}, alone, {.noise = noise});
    REQUIRE((alone == batch.col(c)).all());
  }
}

}  // namespace

TEST_CASE("a column of a stochastic run is the run of that column alone, bit for bit") {
  const dpm::AnySchedule schedule = dpm::VpLinear();
  for (const dpm::Plan& plan :
       {make_plan(dpm::Ddpm{}, schedule, 12), make_plan(dpm::Ddim{.eta = 0.5}, schedule, 12)}) {
    REQUIRE(plan.draws() == 12);
    require_columns_run_alone<Eigen::ArrayXXd>(plan);
    require_columns_run_alone<Eigen::ArrayXXf>(plan);
    require_columns_run_alone<Eigen::Array<float, Dynamic, Dynamic, RowMajor>>(plan);

    // The same batch in a flat range.
    const Eigen::ArrayXXf batch = run_of_batch<Eigen::ArrayXXf>(plan);
    const dpm::NormalNoise noise{.seed = seed, .first_sample = 3, .elements_per_sample = 70};
    std::vector<float> x(70 * 5);
    noise.fill(x);
    const auto model = [](const std::vector<float>& in, double timestep, std::vector<float>& out) {
      for (std::size_t c = 0; c < 5; ++c)
        mix(in.data() + 70 * c, out.data() + 70 * c, 70, 1, timestep);
    };
    dpm::sample(plan, model, x, {.noise = noise});
    REQUIRE(x == std::vector<float>(batch.data(), batch.data() + batch.size()));
  }
}

TEST_CASE("a run takes its noise from the seed") {
  const dpm::Plan plan = make_plan(dpm::Ddpm{}, dpm::VpLinear(), 12);
  const auto run = [&](std::uint64_t the_seed) {
    std::vector<double> x{0.1, 0.2};
    const auto model = [](const auto& in, double, auto& out) { out = in; };
    dpm::sample(plan, model, x, {.noise = dpm::NormalNoise{.seed = the_seed}});
    return x;
  };
  REQUIRE(run(1) == run(1));
  REQUIRE(run(1) != run(2));
}

}  // namespace noise_test
