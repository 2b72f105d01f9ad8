// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Dense states: Eigen arrays and matrices, and contiguous ranges of real numbers.
#pragma once

#include <concepts>
#include <cstddef>
#include <iterator>
#include <limits>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "dpm/error.hpp"

namespace dpm {

/// An Eigen array or matrix, fixed or dynamic, or a map of one. Recognised by its members, so that
/// this header does not need Eigen.
template <class State>
concept EigenState = requires(State& state) {
  typename std::remove_cvref_t<State>::PlainObject;
  { state.data() } -> std::convertible_to<const typename std::remove_cvref_t<State>::Scalar*>;
  { state.rows() } -> std::convertible_to<std::ptrdiff_t>;
  { state.cols() } -> std::convertible_to<std::ptrdiff_t>;
  { state.outerStride() } -> std::convertible_to<std::ptrdiff_t>;
  { state.innerStride() } -> std::convertible_to<std::ptrdiff_t>;
};

/// float, double, and types whose `std::numeric_limits` says so, such as Eigen's half types.
template <class Scalar>
concept RealScalar = std::floating_point<Scalar> ||
    (std::numeric_limits<Scalar>::is_specialized && !std::numeric_limits<Scalar>::is_integer);

/// `std::vector`, `std::array`, `std::span` and other contiguous ranges of real numbers.
template <class State>
concept RangeState = !EigenState<State> && requires(State & state) {
  { std::size(state) } -> std::convertible_to<std::size_t>;
  { std::begin(state) } -> std::contiguous_iterator;
  requires RealScalar<std::remove_cvref_t<decltype(*std::begin(state))>>;
};

template <class State>
concept DenseState = EigenState<State> || RangeState<State>;

/// No state: a pointer does not know how many values there are.
template <class X>
concept PointerToNumbers = std::is_pointer_v<std::remove_cvref_t<X>> && std::numeric_limits<
    std::remove_cv_t<std::remove_pointer_t<std::remove_cvref_t<X>>>>::is_specialized;

/// The values of a dense state. Samples are the columns of an Eigen object; a range is one sample.
template <class Scalar>
struct DenseView {
  Scalar* data = nullptr;
  std::size_t elements = 0;
  std::size_t samples = 1;
  std::size_t element_stride = 1;
  std::size_t sample_stride = 0;

  [[nodiscard]] std::size_t size() const { return elements * samples; }
  [[nodiscard]] Scalar& at(std::size_t element, std::size_t sample) const {
    return data[element * element_stride + sample * sample_stride];
  }
  /// Whether the values fill one block of memory, in the order of either storage.
  [[nodiscard]] bool contiguous() const {
    return (element_stride == 1 && (samples == 1 || sample_stride == elements)) ||
           (sample_stride == 1 && (elements == 1 || element_stride == samples));
  }
  [[nodiscard]] bool same_shape(const auto& other) const {
    return elements == other.elements && samples == other.samples;
  }
};

template <DenseState State>
[[nodiscard]] auto dense_view(State& state) {
  if constexpr (EigenState<State>) {
    const auto rows = static_cast<std::size_t>(state.rows());
    const auto cols = static_cast<std::size_t>(state.cols());
    const auto inner = static_cast<std::size_t>(state.innerStride());
    const auto outer = static_cast<std::size_t>(state.outerStride());
    constexpr bool row_major = bool(std::remove_cvref_t<State>::IsRowMajor);
    using Scalar = std::remove_pointer_t<decltype(state.data())>;
    return DenseView<Scalar>{state.data(), rows, cols, row_major ? outer : inner,
                             row_major ? inner : outer};
  } else {
    auto* const data = std::to_address(std::begin(state));
    return DenseView<std::remove_pointer_t<decltype(data)>>{data, std::size(state)};
  }
}

/// The type of a dense state's values; const if the state is.
template <DenseState State>
using ScalarOf = std::remove_pointer_t<decltype(dense_view(std::declval<State&>()).data)>;

/// The view of a range that holds several samples of `elements_per_sample` values one after the
/// other; 0 leaves the view as it is. Refuses, in the name of `who`, a number that does not divide
/// the size, and a state that has several samples already.
template <class Scalar>
[[nodiscard]] DenseView<Scalar> split_samples(const char* who, DenseView<Scalar> view,
                                              std::size_t elements_per_sample) {
  if (elements_per_sample == 0) return view;
  detail::require(view.samples == 1 && view.elements % elements_per_sample == 0, who,
                  ": elements_per_sample = ", elements_per_sample, " for a state of ",
                  view.elements, " x ", view.samples,
                  "; it must divide the size of a state with one column, and be 0 for others");
  view.samples = view.elements / elements_per_sample;
  view.elements = elements_per_sample;
  view.sample_stride = elements_per_sample * view.element_stride;
  return view;
}

namespace detail {

/// Tells who hands over a pointer what to hand over instead.
template <class X>
constexpr bool refuse_pointer() {
  static_assert(!PointerToNumbers<X>,
                "dpm: x is a pointer, which does not say how many values there are: hand over "
                "std::span<float>(p, n). Where a state must own its values, as in Stepper, hand "
                "over std::vector<float>(p, p + n).");
  return true;
}

/// The size of a state if its type fixes it, else 0.
template <class State>
constexpr std::size_t fixed_size() {
  if constexpr (EigenState<State>) {
    constexpr int size = State::SizeAtCompileTime;  // -1 if the size is dynamic
    return size > 0 ? static_cast<std::size_t>(size) : 0;
  } else if constexpr (requires { std::tuple_size<State>::value; }) {
    return std::tuple_size_v<State>;
  } else {
    return 0;
  }
}

/// Whether the type of a state says that it holds 1 to 16 values.
template <class State>
inline constexpr bool has_few_values = fixed_size<State>() > 0 && fixed_size<State>() <= 16;

template <class State>
struct Owned {
  using type = State;
};
template <EigenState State>
struct Owned<State> {
  using type = typename State::PlainObject;
};
/// A built-in array, or a range that owns nothing: its values can be written as well where it is
/// const, or never.
template <RangeState State>
requires(std::is_array_v<State> ||
         std::same_as<decltype(std::begin(std::declval<State&>())),
                      decltype(std::begin(std::declval<const State&>()))>) struct Owned<State> {
  using type = std::vector<std::remove_cvref_t<decltype(*std::begin(std::declval<State&>()))>>;
};

/// A copy of `x` that owns its values.
template <class X>
typename Owned<X>::type own(const X& x) {
  using State = typename Owned<X>::type;
  if constexpr (RangeState<X> && !std::same_as<State, X>) {
    return State(std::begin(x), std::end(x));
  } else {
    return State(x);
  }
}

}  // namespace detail

/// The type that owns a copy of a state: itself, the plain object of an Eigen map, or a vector for
/// a span or a built-in array. A run keeps its registers in it.
template <class State>
using OwnedState = typename detail::Owned<std::remove_cvref_t<State>>::type;

}  // namespace dpm
