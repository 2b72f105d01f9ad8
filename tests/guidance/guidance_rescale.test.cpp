// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Rescaled guidance, against the paper's formula.
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/refused.hpp"
#include "support/thresholding.hpp"

namespace guidance_rescale_test {

using namespace dpm_test;
using dpm::BatchedClassifierFreeGuidance;
using dpm::ClassifierFreeGuidance;
using State = std::vector<double>;

namespace {

const dpm::Level level = dpm::VpLinear().level(0.5);
const auto conditional = [](const auto& x, double, auto& out) { out = x.sin() + 0.2; };
const auto unconditional = [](const auto& x, double, auto& out) { out = 0.3 * x.cos(); };

/// arXiv 2305.08891, Eq. 14 to 16, with the unbiased standard deviation of the public codes.
Batch rescaled(const Batch& pos, const Batch& neg, double scale, double phi) {
  const Batch cfg = neg + scale * (pos - neg);
  Batch result = cfg;
  for (Eigen::Index s = 0; s < pos.cols(); ++s) {
    const auto deviation = [&](const Batch& of) {
      return std::sqrt((of.col(s) - of.col(s).mean()).square().sum() /
                       static_cast<double>(of.rows() - 1));
    };
    const Batch whole = cfg.col(s) * (deviation(pos) / deviation(cfg));
    result.col(s) = phi * whole + (1.0 - phi) * cfg.col(s);
  }
  return result;
}

Batch rescaled(const Batch& x, double scale, double phi) {
  return rescaled(x.sin() + 0.2, 0.3 * x.cos(), scale, phi);
}

template <class X>
X guided(const X& x, double scale, dpm::GuidanceRescale rescale) {
  X out = x;
  ClassifierFreeGuidance(conditional, unconditional, scale, rescale)(x, level, out);
  return out;
}

}  // namespace

TEST_CASE("rescaled guidance is the paper's formula, sample by sample") {
  const Batch x = values(12, 4);
  for (const double scale : {0.0, 0.5, 1.5, 7.5}) {
    for (const double phi : {0.25, 0.7, 1.0}) {
      CAPTURE(scale, phi);
      const Batch expected = rescaled(x, scale, phi);
      CHECK(difference(guided(x, scale, {.phi = phi}), expected) < 1e-14);
      const Eigen::Array<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> by_rows = x;
      CHECK(difference(guided(by_rows, scale, {.phi = phi}), expected) < 1e-14);
      // In float the outputs are combined in double and rounded once.
      const Eigen::ArrayXXf c = (x.sin() + 0.2).cast<float>();
      const Eigen::ArrayXXf u = (0.3 * x.cos()).cast<float>();
      ClassifierFreeGuidance constant([&](const Eigen::ArrayXXf&, double) { return c; },
                                      [&](const Eigen::ArrayXXf&, double) { return u; }, scale,
                                      {.phi = phi});
      Eigen::ArrayXXf out = c;
      constant(c, level, out);
      const Batch of_float = rescaled(c.cast<double>(), u.cast<double>(), scale, phi);
      CHECK(difference(out.cast<double>(), of_float) <= of_float.abs().maxCoeff() * 0x1p-24);
    }
  }
  // With phi = 1 each sample has the conditional output's deviation.
  const Batch full = guided(x, 7.5, {.phi = 1.0});
  const Batch plain = guided(x, 7.5, {});
  const auto spread = [](const Batch& of, Eigen::Index s) {
    return std::sqrt((of.col(s) - of.col(s).mean()).square().mean());
  };
  for (Eigen::Index s = 0; s < 4; ++s) {
    CHECK_THAT(spread(full, s), WithinRel(spread(x.sin(), s), 1e-14));
    CHECK(spread(plain, s) > 2.0 * spread(full, s));
  }
}

TEST_CASE("the samples of a range are those that elements_per_sample cuts") {
  const Batch x = values(6, 5);
  const State range(x.data(), x.data() + x.size());
  const auto map = [](auto& v) { return Eigen::Map<Batch>(v.data(), 1, std::ssize(v)); };
  const auto c = [&](const State& in, double, State& out) {
    for (std::size_t i = 0; i < in.size(); ++i) out[i] = std::sin(in[i]) + 0.2;
  };
  const auto u = [&](const State& in, double, State& out) {
    for (std::size_t i = 0; i < in.size(); ++i) out[i] = 0.3 * std::cos(in[i]);
  };
  const auto both = [&](const State& in, double timestep, State& out) {
    const auto half = static_cast<std::ptrdiff_t>(in.size() / 2);
    State first(in.begin(), in.begin() + half);
    State second(in.begin() + half, in.end());
    c(State(first), timestep, first);
    u(State(second), timestep, second);
    std::copy(first.begin(), first.end(), out.begin());
    std::copy(second.begin(), second.end(), out.begin() + half);
  };
  const auto check = [&](std::size_t elements_per_sample, const Batch& expected) {
    const dpm::GuidanceRescale rescale{0.7, elements_per_sample};
    State out = range;
    ClassifierFreeGuidance(c, u, 3.0, rescale)(range, level, out);
    CHECK(difference(map(out), Eigen::Map<const Batch>(expected.data(), 1, expected.size())) <
          1e-14);
    State other = range;
    BatchedClassifierFreeGuidance(both, 3.0, rescale)(range, level, other);
    CHECK(other == out);
  };
  check(6, rescaled(x, 3.0, 0.7));
  check(0, rescaled(Eigen::Map<const Batch>(x.data(), 30, 1), 3.0, 0.7));
  refused([&] { check(7, x); },
          "ClassifierFreeGuidance: elements_per_sample = 7 for a state of 30 x 1; it must divide "
          "the size of a state with one column, and be 0 for others");
}

TEST_CASE("a sample without contrast is guided and not rescaled") {
  for (const double value : {0.1, -3.7, 0.0}) {
    const Batch x = Batch::Constant(7, 2, value);
    CHECK(difference(guided(x, 7.5, {.phi = 0.7}), guided(x, 7.5, {})) < 1e-15 * 7.5);
  }
  const Batch single = values(1, 9);
  CHECK(difference(guided(single, 7.5, {.phi = 1.0}), guided(single, 7.5, {})) < 1e-15 * 7.5);
}

TEST_CASE("rescaled guidance of scale 1 is the conditional model bit for bit, whatever phi") {
  const auto both = [](const Batch& in, double, Batch& out) {
    out.leftCols(3) = in.leftCols(3).sin() + 0.2;
    out.rightCols(3) = 0.3 * in.rightCols(3).cos();
  };
  const Batch x = Batch::Random(7, 3);
  const Batch expected = x.sin() + 0.2;
  for (int i = 0; i <= 100; ++i) {
    CAPTURE(i);
    Batch out = x;
    BatchedClassifierFreeGuidance(both, 1.0, {.phi = i / 100.0})(x, level, out);
    REQUIRE((out == expected).all());
  }
}

}  // namespace guidance_rescale_test
