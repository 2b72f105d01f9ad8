// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Inpainting of every kind of dense state, with every kind of schedule end.
#include <Eigen/Core>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"

namespace inpaint_states_test {

namespace {

template <class Batch>
double number(const Batch& batch, std::size_t i) {
  return static_cast<double>(dpm::dense_view(batch).data[i]);
}
template <class Batch>
void set(Batch& batch, std::size_t i, double value) {
  using Scalar = std::remove_pointer_t<decltype(dpm::dense_view(batch).data)>;
  dpm::dense_view(batch).data[i] = static_cast<Scalar>(value);
}

/// Inpaints a batch like `known` over `grid` with the mask 1, 1/2, 0, 1, ...: what Inpaint makes of
/// each value after each step, and what comes out.
template <class Batch>
void require_inpaints(Batch known, const dpm::Grid& grid, dpm::Prediction prediction) {
  using Scalar = std::remove_pointer_t<decltype(dpm::dense_view(known).data)>;
  const double epsilon = std::ldexp(1.0, 1 - std::numeric_limits<Scalar>::digits);
  const std::size_t size = dpm::dense_view(known).size();
  Batch mask = known;
  for (std::size_t i = 0; i < size; ++i) {
    // Where the mask is 0, nothing need be known.
    set(known, i, i % 3 == 2 ? std::nan("") : 0.7 - 0.11 * static_cast<double>(i));
    set(mask, i, 1.0 - 0.5 * static_cast<double>(i % 3));
  }
  const dpm::NormalNoise noise{.seed = 21};
  const dpm::Inpaint inpaint(known, mask, dpm::NormalNoise{.seed = 21});
  static_assert(std::is_same_v<decltype(inpaint), const dpm::Inpaint<Batch>>);
  Batch last = known;
  std::size_t steps = 0;
  const auto edit = [&](Batch& at, const dpm::Progress<Batch>& p) {
    const Batch before = at;
    const bool changed = inpaint(at, p);
    Batch z = at;
    noise(z, {0x8000'0000U + static_cast<std::uint32_t>(++steps), p.level, p.level});
    for (std::size_t i = 0; i < size; ++i) {
      const double m = number(mask, i);
      const double signal = m == 0.0 ? 0.0 : m * p.level.alpha() * number(known, i);
      const double fresh = m * p.level.sigma() * number(z, i);
      const double rest = (1.0 - m) * number(before, i);
      // Alpha or sigma, a product and two sums are rounded, each by half an epsilon at most.
      const double bound = 2.0 * epsilon * (std::abs(signal) + std::abs(fresh) + std::abs(rest));
      REQUIRE(std::abs(number(at, i) - (signal + fresh + rest)) <= bound);
      if (m == 0.0) REQUIRE(number(at, i) == number(before, i));
    }
    last = at;
    return changed;
  };
  const auto network = [prediction](const Batch& x, const dpm::Level& at, Batch& out) {
    const dpm::Conversion c = dpm::to_data(prediction, at);  // its data prediction is 0.8 tanh(x)
    for (std::size_t i = 0; i < dpm::dense_view(x).size(); ++i) {
      set(out, i, (0.8 * std::tanh(number(x, i)) - c.input * number(x, i)) / c.output);
    }
  };
  Batch x = known;
  noise.fill(x);
  Batch plain = x;
  const dpm::DpmSolver method{.order = 2, .form = dpm::DpmSolver::Form::singlestep};
  dpm::sample_with_edits(method, grid, network, x, edit, prediction);
  dpm::sample(make_plan(method, grid, prediction), network, plain);
  REQUIRE(steps == grid.steps());
  for (std::size_t i = 0; i < size; ++i) {
    REQUIRE(number(x, i) == number(last, i));
    if (i % 3 == 0 && grid.back().sigma() == 0.0) REQUIRE(number(x, i) == number(known, i));
    // A method without a history and a network value by value: the rest does not notice.
    if (i % 3 == 2) REQUIRE(number(x, i) == number(plain, i));
  }
}

template <class Batch>
void require_inpaints(const Batch& shape) {
  const dpm::Grid vp = make_grid(dpm::UniformTime{.end = 0.05}, dpm::VpLinear(), 4);
  const dpm::Grid flow = make_grid(dpm::UniformTime{.end = 0.1}, dpm::RectifiedFlow(3.0), 4);
  for (const dpm::Grid& grid : {vp, vp.then(0.0), flow, flow.then(0.0)}) {
    require_inpaints(shape, grid, dpm::Prediction::velocity);
    require_inpaints(shape, grid, dpm::Prediction::flow);
  }
}

}  // namespace

TEST_CASE("inpainting ends at the known values for vectors and for Eigen arrays of any scalar") {
  using Eigen::Dynamic;
  require_inpaints(std::vector<float>(7));
  require_inpaints(Eigen::ArrayXXf(3, 4));
  require_inpaints(Eigen::Array<double, Dynamic, Dynamic, Eigen::RowMajor>(2, 3));
  require_inpaints(Eigen::Array<Eigen::half, Dynamic, Dynamic>(3, 2));
}

}  // namespace inpaint_states_test
