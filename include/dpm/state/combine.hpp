// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The arithmetic of a run on dense states.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

#include "dpm/error.hpp"
#include "dpm/separate.hpp"
#include "dpm/state/combine_kernel.hpp"
#include "dpm/state/dense.hpp"
#include "dpm/state/finite.hpp"
#include "dpm/state/parallel.hpp"
#include "dpm/state/weights.hpp"

namespace dpm {
namespace detail {

/// The kernel for a few values, as many as the type says, from number `At` on: in the largest packs
/// that they fill. The last target reads `in_last` operands.
template <std::size_t Size, std::size_t Targets, std::size_t At = 0, class Job>
DPM_KERNEL void combine_few_kernel(Job job, std::size_t in_last) {
  using Wide = WideOf<typename Job::Scalar>;
  using Whole = KernelPack<Wide>;
  using Half = typename PackOf<Wide, sizeof(Whole) / 2>::type;
  using Piece = std::conditional_t<
      pack_size<Whole> <= Size - At, Whole,
      std::conditional_t<pack_size<Half> <= Size - At, Half, PackArray<Wide, 1>>>;
  const Weights weights = job.weights();
  const std::size_t operands = job.operands();
  Piece sums[Targets];
  Piece weight;
  Piece x;
  load(x, job.operand(0) + At);
  DPM_UNROLL
  for (std::size_t i = 0; i < Targets; ++i) {
    fill_pack(weight, static_cast<Wide>(weights(i, 0)));
    sums[i] = weight * x;
  }
  for (std::size_t j = 1; j < operands; ++j) {
    load(x, job.operand(j) + At);
    DPM_UNROLL
    for (std::size_t i = 0; i < Targets; ++i) {
      if (i > 0 && i + 1 == Targets && j >= in_last) break;
      fill_pack(weight, static_cast<Wide>(weights(i, j)));
      add_product(sums[i], weight, x);
    }
  }
  DPM_UNROLL
  for (std::size_t i = 0; i < Targets; ++i) store(sums[i], job.target(i) + At);
  if constexpr (At + pack_size<Piece> < Size) {
    combine_few_kernel<Size, Targets, At + pack_size<Piece>>(job, in_last);
  }
}

/// The same where kernels do not run.
template <std::size_t Size, class Job>
void combine_few_one_by_one(Job job) {
  using Scalar = typename Job::Scalar;
  Scalar* to[3];
  const Scalar* from[8];
  for (std::size_t i = 0; i < job.targets(); ++i) to[i] = job.target(i);
  for (std::size_t j = 0; j < job.operands(); ++j) from[j] = job.operand(j);
  combine_one_by_one(job.weights(), std::span<Scalar* const>(to, job.targets()),
                     std::span<const Scalar* const>(from, job.operands()), 0, Size);
}

/// `combine` for a few values, as many as the type says. The job has `weights()`, numbers of
/// `targets()` and `operands()`, and pointers to the values of each, `target(i)` and `operand(j)`:
/// it may have to look for them.
template <std::size_t Size, class Job>
void combine_few(Job job) {
  if constexpr (has_kernel_scalar<typename Job::Scalar>) {
    if (has_kernels()) {
      if (job.targets() == 1) return combine_few_kernel<Size, 1>(job, job.operands());
      const std::size_t in_last = terms_of_last(job.weights(), job.targets(), job.operands());
      if (job.targets() == 2) return combine_few_kernel<Size, 2>(job, in_last);
      return combine_few_kernel<Size, 3>(job, in_last);
    }
  }
  combine_few_one_by_one<Size>(job);
}

/// The arguments of `combine` as a job for `combine_few`.
template <class State>
struct StatesJob {
  using Scalar = std::remove_pointer_t<decltype(dense_view(std::declval<State&>()).data)>;
  const Weights& matrix;
  std::span<State* const> to;
  std::span<const State* const> from;

  [[nodiscard]] Weights weights() const { return matrix; }
  [[nodiscard]] std::size_t targets() const { return to.size(); }
  [[nodiscard]] std::size_t operands() const { return from.size(); }
  [[nodiscard]] Scalar* target(std::size_t i) const { return dense_view(*to[i]).data; }
  [[nodiscard]] const Scalar* operand(std::size_t j) const { return dense_view(*from[j]).data; }
};

/// `combine` for arrays of any size, in kernels.
template <class Scalar>
void combine_in_kernels(const Weights& weights, std::span<Scalar* const> targets,
                        std::span<const Scalar* const> operands, std::size_t size) {
  const auto kernel = combine_kernel<Scalar>(weights, targets.size(), operands.size());
  constexpr std::size_t block = kernel_block<Scalar>;
  const std::size_t whole = size - size % block;
  in_chunks(whole, [&](std::size_t begin, std::size_t end) {
    kernel(weights, targets, operands, begin, end);
    return true;
  });
  const std::size_t rest = size - whole;
  if (rest == 0) return;
  // The rest goes through the same code, padded, so that an element's result does not depend on
  // where it stands.
  std::array<std::array<Scalar, block>, 8> padded{};
  std::array<std::array<Scalar, block>, 3> results;
  std::array<Scalar*, 3> to;
  std::array<const Scalar*, 8> from;
  for (std::size_t i = 0; i < targets.size(); ++i) to[i] = results[i].data();
  for (std::size_t j = 0; j < operands.size(); ++j) {
    std::copy_n(operands[j] + whole, rest, padded[j].data());
    from[j] = padded[j].data();
  }
  kernel(weights, std::span<Scalar* const>(to.data(), targets.size()),
         std::span<const Scalar* const>(from.data(), operands.size()), 0, block);
  for (std::size_t i = 0; i < targets.size(); ++i) {
    std::copy_n(results[i].data(), rest, targets[i] + whole);
  }
}

/// `combine` for arrays of any size.
template <class Scalar>
void combine_arrays(const Weights& weights, std::span<Scalar* const> targets,
                    std::span<const Scalar* const> operands, std::size_t size) {
  if constexpr (has_kernel_scalar<Scalar>) {
    combine_in_kernels(weights, targets, operands, size);
  } else {
    in_chunks(size, [&](std::size_t begin, std::size_t end) {
      combine_one_by_one(weights, targets, operands, begin, end);
      return true;
    });
  }
}

#if !DPM_DEFINE
extern template void combine_arrays<float>(const Weights&, std::span<float* const>,
                                           std::span<const float* const>, std::size_t);
extern template void combine_arrays<double>(const Weights&, std::span<double* const>,
                                            std::span<const double* const>, std::size_t);
#endif

}  // namespace detail

/// `combine` for dense states (see `Weights`). Weights become the state's scalar here and nowhere
/// else; half types are summed in float and rounded once. One pass: each operand is read once, each
/// target written once; an element's result depends on its operands alone, not on its place, nor on
/// how many threads OpenMP has (of float, double and half types; of others as far as the compiler
/// contracts no products). All states must have the same size.
template <DenseState State>
void combine(const Weights& weights, std::span<State* const> targets,
             std::span<const State* const> operands) {
  using Scalar = std::remove_pointer_t<decltype(dense_view(*targets[0]).data)>;
  if constexpr (!std::same_as<State, OwnedState<State>>) {
    const auto require_whole = [](const auto& view) {
      detail::require(view.contiguous(),
                      "combine: a state is a view with gaps; it must be contiguous");
    };
    for (const State* state : targets) require_whole(dense_view(*state));
    for (const State* state : operands) require_whole(dense_view(*state));
  }
  if constexpr (detail::has_few_values<State>) {
    detail::combine_few<detail::fixed_size<State>()>(
        detail::StatesJob<State>{weights, targets, operands});
  } else {
    Scalar* to[3] = {};
    const Scalar* from[8] = {};
    for (std::size_t i = 0; i < targets.size(); ++i) to[i] = dense_view(*targets[i]).data;
    for (std::size_t j = 0; j < operands.size(); ++j) from[j] = dense_view(*operands[j]).data;
    detail::combine_arrays(weights, std::span<Scalar* const>(to, targets.size()),
                           std::span<const Scalar* const>(from, operands.size()),
                           dense_view(*targets[0]).size());
  }
}

namespace detail {
template <DenseState State>
[[nodiscard]] bool combine_and_check(const Weights& weights, std::span<State* const> targets,
                                     std::span<const State* const> operands, std::size_t checked) {
  const bool finite = all_finite(*operands[checked]);
  combine(weights, targets, operands);
  return finite;
}
}  // namespace detail

/// What a run can work on: a type that owns its values and has `combine`, the library's or its own.
/// Views (spans, maps) are not: a copy of one would share the values (see `OwnedState`).
template <class State>
concept RunnableState = std::copyable<State> && std::same_as<State, OwnedState<State>> &&
    requires(const Weights& weights, std::span<State* const> targets,
             std::span<const State* const> operands) {
  combine(weights, targets, operands);
};

}  // namespace dpm
