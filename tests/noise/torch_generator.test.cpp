// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// PyTorch's CPU generator: recorded tensors of PyTorch, and how calls follow one another.
#include "dpm/noise/torch_generator.hpp"

#include <Eigen/Core>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "support/catch.hpp"
#include "support/torch_golden.hpp"

namespace torch_generator_test {

using dpm::TorchGenerator;
using dpm::TorchType;
using dpm_test::WithinAbs;
using dpm_test::WithinRel;

namespace {

constexpr std::uint64_t seed = 42;

/// The values of calls for tensors of these sizes, one after the other.
template <class Scalar>
std::vector<Scalar> calls_of(TorchGenerator generator, const std::vector<std::size_t>& sizes,
                             TorchType type) {
  std::vector<Scalar> values;
  for (const std::size_t size : sizes) {
    std::vector<Scalar> tensor(size);
    generator.randn(tensor, type);
    values.insert(values.end(), tensor.begin(), tensor.end());
  }
  return values;
}

}  // namespace

// Small tensors go through the standard library's log1p, sin and cos of double: within two units of
// its last place there, and so within one of float's.
TEST_CASE("float32 tensors are those of PyTorch, small and large, call after call") {
  for (const auto& calls : dpm_test::torch_float32) {
    CAPTURE(calls.seed, calls.sizes);
    const auto values =
        calls_of<float>(TorchGenerator(calls.seed), calls.sizes, TorchType::float32);
    REQUIRE(values.size() == calls.values.size());
    std::size_t i = 0;
    for (const std::size_t size : calls.sizes) {
      for (const std::size_t end = i + size; i < end; ++i) {
        CAPTURE(i);
        if (size >= 16) {
          REQUIRE(values[i] == calls.values[i]);
        } else {
          REQUIRE_THAT(values[i],
                       WithinRel(calls.values[i], std::numeric_limits<float>::epsilon()));
        }
      }
    }
  }
}

TEST_CASE("large float32 tensors have PyTorch's bits, call after call") {
  for (const auto& tensors : dpm_test::torch_fingerprints) {
    CAPTURE(tensors.seed, tensors.size);
    TorchGenerator generator(tensors.seed);
    for (const std::uint64_t fingerprint : tensors.calls) {
      REQUIRE(dpm_test::torch_fingerprint(generator, tensors.size) == fingerprint);
    }
  }
}

// Each is a product of four rounded factors: 2 ulp for log and cos, half of one for the others.
TEST_CASE("float64 tensors are those of PyTorch but for the last places") {
  for (const auto& calls : dpm_test::torch_float64) {
    CAPTURE(calls.seed, calls.sizes);
    const auto values =
        calls_of<double>(TorchGenerator(calls.seed), calls.sizes, TorchType::float64);
    REQUIRE(values.size() == calls.values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      REQUIRE_THAT(values[i],
                   WithinRel(calls.values[i], 8 * std::numeric_limits<double>::epsilon()));
    }
  }
}

TEST_CASE("PyTorch's CPU generator reads the lower 32 bits of its seed") {
  const std::uint64_t high = std::uint64_t{7} << 32;
  for (const std::size_t size : {5U, 40U}) {
    const auto values = calls_of<float>(TorchGenerator(seed), {size}, TorchType::float32);
    REQUIRE(values == calls_of<float>(TorchGenerator(seed + high), {size}, TorchType::float32));
    REQUIRE(values != calls_of<float>(TorchGenerator(seed + 1), {size}, TorchType::float32));
  }
}

TEST_CASE("the type of the state does not choose the numbers, the type of the tensor does") {
  for (const std::size_t size : {3U, 16U, 33U}) {
    const TorchGenerator generator(seed);
    for (const TorchType type : {TorchType::float32, TorchType::float64}) {
      const auto in_double = calls_of<double>(generator, {size, size}, type);
      const auto in_float = calls_of<float>(generator, {size, size}, type);
      for (std::size_t i = 0; i < in_double.size(); ++i) {
        REQUIRE(in_float[i] == static_cast<float>(in_double[i]));
      }
    }
  }
  REQUIRE(calls_of<double>(TorchGenerator(seed), {16}, TorchType::float32) !=
          calls_of<double>(TorchGenerator(seed), {16}, TorchType::float64));
}

TEST_CASE("PyTorch's order is sample after sample in every kind of state") {
  for (const int rows : {1, 3, 5, 16, 50}) {
    std::vector<float> flat(static_cast<std::size_t>(7 * rows));
    TorchGenerator(seed).randn(flat);
    Eigen::ArrayXXf columns(rows, 7);
    TorchGenerator(seed).randn(columns);
    REQUIRE(std::vector<float>(columns.data(), columns.data() + columns.size()) == flat);
    Eigen::Array<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> row_major(rows, 7);
    TorchGenerator(seed).randn(row_major);
    REQUIRE((row_major == columns).all());
    Eigen::ArrayXXf larger = Eigen::ArrayXXf::Zero(rows + 2, 9);
    TorchGenerator(seed).randn(larger.block(1, 1, rows, 7));
    REQUIRE((larger.block(1, 1, rows, 7) == columns).all());
    REQUIRE((larger == 0).count() == larger.size() - columns.size());
  }
}

TEST_CASE("skipping calls leaves the generator where the calls would") {
  for (const TorchType type : {TorchType::float32, TorchType::float64}) {
    for (const std::size_t size : {0U, 1U, 3U, 4U, 15U, 16U, 17U, 48U, 1000U}) {
      for (const std::size_t before : {0U, 1U, 16U}) {
        for (std::uint64_t calls = 0; calls < 4; ++calls) {
          CAPTURE(size, before, calls);
          TorchGenerator called(seed);
          std::vector<double> tensor(before);
          called.randn(tensor, type);
          TorchGenerator skipped = called;
          tensor.resize(size);
          for (std::uint64_t call = 0; call < calls; ++call) called.randn(tensor, type);
          skipped.skip(calls, size, type);
          const std::vector<std::size_t> after{3, 20};
          REQUIRE(calls_of<double>(called, after, type) == calls_of<double>(skipped, after, type));
        }
      }
    }
  }
}

TEST_CASE("an empty tensor takes no numbers") {
  TorchGenerator generator(seed);
  std::vector<float> none;
  generator.randn(none);
  Eigen::ArrayXXf without_rows(0, 5);
  generator.randn(without_rows);
  REQUIRE(calls_of<float>(generator, {20}, TorchType::float32) ==
          calls_of<float>(TorchGenerator(seed), {20}, TorchType::float32));
}

}  // namespace torch_generator_test
