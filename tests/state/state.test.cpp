// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The arithmetic on states: combine against a plain loop, and what counts as a state.
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <list>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include <Eigen/Core>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"

namespace state_test {

using namespace dpm_test;
using Eigen::Dynamic;
using Eigen::RowMajor;

namespace {

/// Numbers without a pattern in [-1, 1).
class Numbers {
 public:
  double next() {
    bits_ = bits_ * 6364136223846793005U + 1442695040888963407U;
    return static_cast<double>(bits_ >> 11) * 0x1p-52 - 1.0;
  }
  template <class Scalar>
  std::vector<Scalar> vector(std::size_t size) {
    std::vector<Scalar> values(size);
    for (Scalar& value : values) value = static_cast<Scalar>(next());
    return values;
  }

 private:
  unsigned long long bits_ = 20260101;
};

/// `dpm::combine` on pointers, for states of any type.
template <class State>
void combine(const std::vector<double>& weights, const std::vector<State*>& targets,
             const std::vector<const State*>& operands) {
  REQUIRE(weights.size() == targets.size() * operands.size());
  dpm::combine(dpm::Weights(weights.data(), operands.size()),
               std::span<State* const>(targets.data(), targets.size()),
               std::span<const State* const>(operands.data(), operands.size()));
}

template <class State>
std::vector<State*> pointers_to(std::vector<State>& states) {
  std::vector<State*> pointers;
  for (State& state : states) pointers.push_back(&state);
  return pointers;
}
template <class State>
std::vector<const State*> const_pointers_to(const std::vector<State>& states) {
  std::vector<const State*> pointers;
  for (const State& state : states) pointers.push_back(&state);
  return pointers;
}

/// Whether each target is the sum that its row of weights says, to the rounding of `Scalar`.
template <class Scalar>
bool is_combination(const std::vector<std::vector<Scalar>>& results,
                    const std::vector<double>& weights,
                    const std::vector<std::vector<Scalar>>& operands) {
  constexpr double epsilon = std::numeric_limits<Scalar>::epsilon();
  for (std::size_t i = 0; i < results.size(); ++i) {
    for (std::size_t k = 0; k < results[i].size(); ++k) {
      double sum = 0.0;
      double size = 0.0;
      for (std::size_t j = 0; j < operands.size(); ++j) {
        const double weight = static_cast<Scalar>(weights[i * operands.size() + j]);
        const double product = weight * static_cast<double>(operands[j][k]);
        sum += product;
        size += std::abs(product);
      }
      const double tolerance = static_cast<double>(operands.size()) * epsilon * size;
      if (!(std::abs(static_cast<double>(results[i][k]) - sum) <= tolerance)) return false;
    }
  }
  return true;
}

template <class Scalar>
void require_combines_like_a_loop(std::size_t targets, std::size_t operands, std::size_t size) {
  using State = std::vector<Scalar>;
  Numbers numbers;
  const std::vector<double> weights = numbers.vector<double>(targets * operands);
  std::vector<State> from;
  for (std::size_t j = 0; j < operands; ++j) from.push_back(numbers.vector<Scalar>(size));
  const State sentinel(size, std::numeric_limits<Scalar>::quiet_NaN());

  // Targets that are no operands.
  std::vector<State> to(targets, sentinel);
  combine(weights, pointers_to(to), const_pointers_to(from));
  REQUIRE(is_combination(to, weights, from));

  // Target i is operand (i + shift) mod operands: for as many as there are.
  for (std::size_t shift = 0; shift < operands && targets <= operands; ++shift) {
    std::vector<State> shared = from;
    std::vector<State*> overwritten;
    for (std::size_t i = 0; i < targets; ++i) {
      overwritten.push_back(&shared[(i + shift) % operands]);
    }
    combine(weights, overwritten, const_pointers_to(shared));
    for (std::size_t i = 0; i < targets; ++i) REQUIRE(*overwritten[i] == to[i]);
    for (std::size_t j = 0; j < operands; ++j) {
      const bool is_target = (j + operands - shift) % operands < targets;
      REQUIRE((is_target || shared[j] == from[j]));
    }
  }
}

}  // namespace

TEST_CASE("combine forms what a plain loop forms, in every size and at every length") {
  for (std::size_t targets = 1; targets <= 3; ++targets) {
    for (std::size_t operands = 1; operands <= 8; ++operands) {
      for (std::size_t size = 1; size <= 100; ++size) {
        INFO(targets << " targets, " << operands << " operands, " << size << " values");
        require_combines_like_a_loop<float>(targets, operands, size);
        require_combines_like_a_loop<double>(targets, operands, size);
      }
    }
  }
}

TEST_CASE("one state may be several operands") {
  std::vector<double> x{1.0, 2.0};
  combine<std::vector<double>>({1.0, 10.0, 100.0}, {&x}, {&x, &x, &x});
  REQUIRE(x == std::vector<double>{111.0, 222.0});
}

TEST_CASE("combine of nothing writes nothing") {
  std::vector<float> empty;
  combine<std::vector<float>>({2.0}, {&empty}, {&empty});
  REQUIRE(empty.empty());
}

namespace {

/// The bits of an element's result, wherever it stands in a state of whatever length.
template <class Scalar>
void require_place_does_not_matter(std::size_t targets, std::size_t operands) {
  constexpr std::size_t length = 100;
  Numbers numbers;
  const std::vector<double> weights = numbers.vector<double>(targets * operands);
  std::vector<std::vector<Scalar>> from;
  for (std::size_t j = 0; j < operands; ++j) from.push_back(numbers.vector<Scalar>(length));
  std::vector<std::vector<Scalar>> whole(targets, std::vector<Scalar>(length));
  combine(weights, pointers_to(whole), const_pointers_to(from));

  using View = std::span<Scalar>;
  for (std::size_t offset = 0; offset < 34; ++offset) {
    for (std::size_t size = 1; size <= length - offset; size = size < 40 ? size + 1 : size + 13) {
      std::vector<std::vector<Scalar>> part(targets, std::vector<Scalar>(length));
      std::vector<View> to;
      std::vector<View> parts;
      for (std::vector<Scalar>& values : part) to.push_back(View(values).subspan(1, size));
      for (std::vector<Scalar>& values : from) parts.push_back(View(values).subspan(offset, size));
      combine(weights, pointers_to(to), const_pointers_to(parts));
      bool same = true;
      for (std::size_t i = 0; i < targets; ++i) {
        for (std::size_t k = 0; k < size; ++k) same = same && to[i][k] == whole[i][offset + k];
        same = same && part[i][0] == 0;
        if (size + 1 < length) same = same && part[i][size + 1] == 0;
      }
      INFO(targets << " x " << operands << ", " << size << " values from " << offset);
      REQUIRE(same);
    }
  }
}

}  // namespace

TEST_CASE("an element's result does not depend on its place") {
  for (std::size_t targets = 1; targets <= 3; ++targets) {
    for (std::size_t operands = 1; operands <= 8; ++operands) {
      require_place_does_not_matter<float>(targets, operands);
      require_place_does_not_matter<double>(targets, operands);
    }
  }
}

TEST_CASE("weights become the state's scalar before they are used") {
  const double weight = 1.0 + 0x1p-30;  // rounds to 1 in float
  std::vector<float> x{3.0F};
  combine<std::vector<float>>({weight}, {&x}, {&x});
  REQUIRE(x[0] == 3.0F);
  std::vector<double> y{3.0};
  combine<std::vector<double>>({weight}, {&y}, {&y});
  REQUIRE(y[0] == 3.0 * weight);
}

TEST_CASE("weights are rows of operands") {
  const double values[] = {1.0, 2.0, 3.0, 4.0, 5.0, 6.0};
  const dpm::Weights weights(values, 3);
  REQUIRE(weights(0, 0) == 1.0);
  REQUIRE(weights(0, 2) == 3.0);
  REQUIRE(weights(1, 0) == 4.0);
  REQUIRE(weights(1, 2) == 6.0);
}

namespace {

template <class State>
void require_combines_in_place(State x) {
  using Scalar = typename State::Scalar;
  for (int c = 0; c < x.cols(); ++c) {
    for (int r = 0; r < x.rows(); ++r) x(r, c) = static_cast<Scalar>(r + 10 * c);
  }
  State y = x;
  y.array() += Scalar{1000};
  combine<State>({2.0, 1.0, 0.0, -1.0}, {&x, &y}, {&x, &y});
  for (int c = 0; c < x.cols(); ++c) {
    for (int r = 0; r < x.rows(); ++r) {
      REQUIRE(x(r, c) == static_cast<Scalar>(1000 + 3 * (r + 10 * c)));
      REQUIRE(y(r, c) == -static_cast<Scalar>(1000 + r + 10 * c));
    }
  }
}

}  // namespace

TEST_CASE("combine works on Eigen objects of every kind") {
  require_combines_in_place(Eigen::ArrayXXf(5, 7));
  require_combines_in_place(Eigen::MatrixXd(5, 7));
  require_combines_in_place(Eigen::VectorXf(40));
  require_combines_in_place(Eigen::Array<double, 4, 3>());
  require_combines_in_place(Eigen::Array<float, Dynamic, Dynamic, RowMajor>(5, 7));
  require_combines_in_place(Eigen::Array<float, Dynamic, Dynamic, 0, 8, 8>(5, 7));
}

namespace {

template <class Scalar>
void require_finds_each_bad_value() {
  using Limits = std::numeric_limits<Scalar>;
  for (std::size_t size = 1; size <= 100; ++size) {
    std::vector<Scalar> x(size, Limits::max());
    REQUIRE(dpm::all_finite(x));
    for (std::size_t i = 0; i < size; ++i) {
      const Scalar good = x[i];
      for (const Scalar bad : {Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity()}) {
        x[i] = bad;
        if (dpm::all_finite(x)) FAIL("missed " << bad << " at " << i << " of " << size);
      }
      x[i] = good;
    }
  }
  REQUIRE(dpm::all_finite(std::vector<Scalar>{Limits::max(), -Limits::max(), Limits::lowest(),
                                              Limits::denorm_min(), Limits::min(), Scalar{0},
                                              -Scalar{0}}));
  const Scalar infinity = Limits::infinity();
  REQUIRE_FALSE(dpm::all_finite(std::vector<Scalar>{infinity, -infinity}));
  REQUIRE(dpm::all_finite(std::vector<Scalar>{}));
}

}  // namespace

TEST_CASE("all_finite finds a NaN or an infinity wherever it stands") {
  require_finds_each_bad_value<float>();
  require_finds_each_bad_value<double>();
  Eigen::ArrayXXf x = Eigen::ArrayXXf::Constant(3, 4, 1.0F);
  REQUIRE(dpm::all_finite(x));
  x(2, 3) = std::numeric_limits<float>::infinity();
  REQUIRE_FALSE(dpm::all_finite(x));
}

namespace {

/// Requires that the view of an Eigen object finds element r of sample c where Eigen has it.
template <class State>
void require_view(State x, std::size_t elements, std::size_t samples) {
  const auto view = dpm::dense_view(x);
  REQUIRE(view.elements == elements);
  REQUIRE(view.samples == samples);
  REQUIRE(view.size() == elements * samples);
  for (std::size_t c = 0; c < samples; ++c) {
    for (std::size_t r = 0; r < elements; ++r) {
      const auto* const element = view.data + r * view.element_stride + c * view.sample_stride;
      REQUIRE(element == &x(static_cast<int>(r), static_cast<int>(c)));
    }
  }
  const State& constant = x;
  STATIC_REQUIRE(std::is_const_v<std::remove_pointer_t<decltype(dpm::dense_view(constant).data)>>);
  STATIC_REQUIRE(!std::is_const_v<std::remove_pointer_t<decltype(view.data)>>);
  REQUIRE(view.same_shape(dpm::dense_view(constant)));
}

}  // namespace

TEST_CASE("a dense view is the state's values, samples in columns") {
  require_view(Eigen::ArrayXXf(4, 3), 4, 3);
  require_view(Eigen::MatrixXd(1, 6), 1, 6);
  require_view(Eigen::ArrayXd(5), 5, 1);
  require_view(Eigen::RowVectorXf(5), 1, 5);
  require_view(Eigen::Array2d(), 2, 1);
  require_view(Eigen::Array<float, 4, 3>(), 4, 3);
  require_view(Eigen::Array<float, 4, 3, RowMajor>(), 4, 3);
  require_view(Eigen::Array<double, Dynamic, Dynamic, RowMajor>(2, 7), 2, 7);
  std::array<float, 12> values{};
  require_view(Eigen::Map<Eigen::ArrayXXf>(values.data(), 4, 3), 4, 3);
  REQUIRE(dpm::dense_view(values).data == values.data());
  REQUIRE(dpm::dense_view(values).elements == 12);
  REQUIRE(dpm::dense_view(values).samples == 1);
}

TEST_CASE("a range is one sample") {
  std::vector<double> vector(6);
  const std::vector<double>& constant = vector;
  std::span<double> span(vector);
  REQUIRE(dpm::dense_view(vector).data == vector.data());
  REQUIRE(dpm::dense_view(constant).data == vector.data());
  REQUIRE(dpm::dense_view(span).data == vector.data());
  REQUIRE(dpm::dense_view(span).elements == 6);
  REQUIRE(dpm::dense_view(span).samples == 1);
  REQUIRE(dpm::dense_view(span).element_stride == 1);
  STATIC_REQUIRE(std::is_same_v<decltype(dpm::dense_view(constant).data), const double*>);
}

TEST_CASE("shapes are the same when elements and samples are") {
  const Eigen::ArrayXXf a(4, 3);
  const Eigen::ArrayXXf transposed(3, 4);
  const Eigen::ArrayXXf flat(12, 1);
  const std::vector<double> range(12);
  REQUIRE(dpm::dense_view(a).same_shape(dpm::dense_view(a)));
  REQUIRE_FALSE(dpm::dense_view(a).same_shape(dpm::dense_view(transposed)));
  REQUIRE_FALSE(dpm::dense_view(a).same_shape(dpm::dense_view(flat)));
  REQUIRE(dpm::dense_view(flat).same_shape(dpm::dense_view(range)));
}

namespace {

template <class State, class Expected>
constexpr bool owned_is = std::is_same_v<dpm::OwnedState<State>, Expected>;

struct NoCombine {
  double value = 0.0;
};

}  // namespace

namespace elsewhere {

struct WithCombine {
  double value = 0.0;
};
void combine(const dpm::Weights& weights, std::span<WithCombine* const> targets,
             std::span<const WithCombine* const> operands);

}  // namespace elsewhere

TEST_CASE("a copy of a state has the type that owns such values") {
  STATIC_REQUIRE(owned_is<Eigen::ArrayXXf, Eigen::ArrayXXf>);
  STATIC_REQUIRE(owned_is<const Eigen::MatrixXd&, Eigen::MatrixXd>);
  STATIC_REQUIRE(owned_is<Eigen::Map<Eigen::ArrayXXf>&, Eigen::ArrayXXf>);
  STATIC_REQUIRE(owned_is<Eigen::Map<const Eigen::Vector3d>, Eigen::Vector3d>);
  STATIC_REQUIRE(owned_is<Eigen::Ref<Eigen::MatrixXf>, Eigen::MatrixXf>);
  STATIC_REQUIRE(owned_is<std::vector<float>&, std::vector<float>>);
  STATIC_REQUIRE(owned_is<std::array<double, 3>, std::array<double, 3>>);
  STATIC_REQUIRE(owned_is<std::span<double>, std::vector<double>>);
  STATIC_REQUIRE(owned_is<std::span<float, 4>&, std::vector<float>>);
  STATIC_REQUIRE(owned_is<std::span<const float>, std::vector<float>>);
  STATIC_REQUIRE(owned_is<float(&)[4], std::vector<float>>);
  STATIC_REQUIRE(owned_is<elsewhere::WithCombine&, elsewhere::WithCombine>);
}

TEST_CASE("views are dense states, but a run works on types that own their values") {
  STATIC_REQUIRE(dpm::EigenState<Eigen::ArrayXXf>);
  STATIC_REQUIRE(dpm::EigenState<Eigen::Map<Eigen::MatrixXf>>);
  STATIC_REQUIRE(!dpm::RangeState<Eigen::VectorXd>);
  STATIC_REQUIRE(dpm::RangeState<std::vector<double>>);
  STATIC_REQUIRE(dpm::RangeState<const std::array<float, 2>>);
  STATIC_REQUIRE(dpm::RangeState<std::span<float>>);
  STATIC_REQUIRE(!dpm::DenseState<std::vector<int>>);
  STATIC_REQUIRE(!dpm::DenseState<std::list<float>>);
  STATIC_REQUIRE(!dpm::DenseState<std::string>);
  STATIC_REQUIRE(!dpm::DenseState<double>);
  STATIC_REQUIRE(!dpm::DenseState<elsewhere::WithCombine>);

  STATIC_REQUIRE(dpm::RunnableState<Eigen::ArrayXXf>);
  STATIC_REQUIRE(dpm::RunnableState<std::vector<float>>);
  STATIC_REQUIRE(dpm::RunnableState<std::array<double, 3>>);
  STATIC_REQUIRE(dpm::RunnableState<elsewhere::WithCombine>);
  STATIC_REQUIRE(!dpm::RunnableState<NoCombine>);
  STATIC_REQUIRE(!dpm::RunnableState<int>);
  STATIC_REQUIRE(!dpm::RunnableState<std::list<float>>);
  STATIC_REQUIRE(!dpm::RunnableState<std::vector<int>>);
  STATIC_REQUIRE(!dpm::RunnableState<std::span<float>>);
  STATIC_REQUIRE(!dpm::RunnableState<Eigen::Map<Eigen::ArrayXf>>);
  STATIC_REQUIRE(!dpm::RunnableState<Eigen::Ref<Eigen::ArrayXf>>);
}

}  // namespace state_test
