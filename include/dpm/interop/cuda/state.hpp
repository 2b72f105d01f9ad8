// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Memory of a CUDA device as a state.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <utility>

#include "dpm/error.hpp"
#include "dpm/interop/cuda/device.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/run/options.hpp"
#include "dpm/run/stepper.hpp"
#include "dpm/state/dense.hpp"
#include "dpm/state/many_values.hpp"
#include "dpm/state/weights.hpp"

namespace dpm {

/// Where a run takes its memory on the device, if not from cudaMallocAsync. It must outlive what it
/// has handed out.
struct CudaAllocator {
  /// Returns `bytes` of memory that work in `stream` may use; null if there is none. It must be
  /// aligned to 16 bytes, and to what the network asks of its inputs: TensorRT wants 256.
  void* (*allocate)(void* context, std::size_t bytes, CudaStream stream) = nullptr;
  /// Takes it back once the work is done that is in `stream` now. Must not throw.
  void (*release)(void* context, void* memory, CudaStream stream) = nullptr;
  void* context = nullptr;
};

class CudaState;

/// A batch in the memory of a device, which stays the caller's, and the stream that works on it.
///
///     dpm::CudaView x{.data = pointer, .size = 4 * 64 * 64, .stream = stream};
///     dpm::CudaNoise{.seed = 42}.fill(x);
///     dpm::sample(plan, model, x);   // the samples are where x points, once the stream is done
///
/// A run has the view's stream, whose device must be current while the run works. The stream must
/// outlive the states in it, whose memory is given back there. A state that is made while the
/// stream is captured is refused; none may be destroyed then.
struct CudaView {
  void* data = nullptr;
  std::size_t size = 0;  ///< in values, not bytes
  CudaType type = CudaType::float32;
  CudaStream stream = nullptr;
  const CudaAllocator* allocator = nullptr;  ///< for the memory of runs; null: cudaMallocAsync

  /// Copies the values of a state, of the same size and type, to where the view points.
  CudaView& operator=(const CudaState& state);
};

namespace detail {

/// Throws `std::runtime_error` with what CUDA says of a failure, if there is one.
inline void require_success(const char* failure, const char* what) {
  if (failure != nullptr) [[unlikely]] {
    fail<std::runtime_error>(sentence("CUDA: ", what, " has failed: ", failure));
  }
}

inline const char* name_of(CudaType type) {
  if (type == CudaType::float32) return "float32";
  return type == CudaType::float16 ? "float16" : "bfloat16";
}

/// Memory of a device that has one owner.
class CudaMemory {
 public:
  CudaMemory() = default;
  CudaMemory(std::size_t bytes, CudaStream stream, const CudaAllocator* allocator)
      : stream_(stream), allocator_(allocator) {
    if (allocator_ == nullptr) {
      require_success(device_allocate(memory_, bytes, stream), "cudaMallocAsync");
    } else {
      memory_ = allocator_->allocate(allocator_->context, bytes, stream);
      require_success(memory_ == nullptr ? "it returned null" : nullptr, "the allocator");
    }
  }
  CudaMemory(CudaMemory&& other) noexcept
      : memory_(std::exchange(other.memory_, nullptr)),
        stream_(other.stream_),
        allocator_(other.allocator_) {}
  CudaMemory& operator=(CudaMemory&& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(stream_, other.stream_);
    std::swap(allocator_, other.allocator_);
    return *this;
  }
  CudaMemory(const CudaMemory&) = delete;
  CudaMemory& operator=(const CudaMemory&) = delete;
  ~CudaMemory() {
    if (memory_ == nullptr) return;
    if (allocator_ != nullptr) {
      allocator_->release(allocator_->context, memory_, stream_);
    } else {
      static_cast<void>(device_release(memory_, stream_));
    }
  }

  [[nodiscard]] void* get() const { return memory_; }

 private:
  void* memory_ = nullptr;
  CudaStream stream_ = nullptr;
  const CudaAllocator* allocator_ = nullptr;
};

/// Refuses a view that no run can work on.
inline void check_view(const char* who, const CudaView& x) {
  require(x.data != nullptr && x.size > 0, who, ": the view has ",
          x.data == nullptr ? "no memory" : "0 values", "; give data and size, at least one value");
  require(x.size <= std::uint64_t{1} << 60, who, ": the view has ", x.size,
          " values; it may have 2^60 at most");
  require(x.type <= CudaType::bfloat16, who, ": type = ", static_cast<int>(x.type),
          "; it must be float32, float16 or bfloat16");
  const auto address = reinterpret_cast<std::uintptr_t>(x.data);
  require(address % size_of(x.type) == 0, who, ": data is not aligned to the ", size_of(x.type),
          " bytes of a value of type ", name_of(x.type), "; it must be");
  require(x.allocator == nullptr ||
              (x.allocator->allocate != nullptr && x.allocator->release != nullptr),
          who, ": the allocator lacks a function; give both allocate and release");
}

inline void require_like(const char* who, const CudaView& is, const CudaView& must_be) {
  require(is.size == must_be.size && is.type == must_be.type && is.stream == must_be.stream, who,
          ": the values are ", is.size, " of type ", name_of(is.type),
          is.stream == must_be.stream ? "" : " in another stream", "; they must be like those of ",
          "the target, ", must_be.size, " of type ", name_of(must_be.type), " in its stream");
}

}  // namespace detail

/// The state of a run on a `CudaView`: memory of its own on the device, with the view's type and
/// stream. Models, noise sources, corrections and observers are handed it:
///
///     const auto model = [&](const dpm::CudaState& x, double timestep, dpm::CudaState& out) {
///       engine.enqueue(x.data(), timestep, out.data(), x.stream());
///     };
///
/// What a callable puts into `stream()` the run waits for on the device, and not on the host. A run
/// allocates when it is made; its steps only launch kernels, so they can be captured in a graph.
class CudaState {
 public:
  /// A copy of the values of x. Refuses a view without memory, and data that are not aligned to
  /// the size of a value. Throws `std::runtime_error` where CUDA fails.
  CudaState(const CudaView& x) : view_(checked(x)), memory_(bytes(), x.stream, x.allocator) {
    view_.data = memory_.get();
    copy_from(x.data);
  }
  CudaState(const CudaState& other) : CudaState(other.view()) {}
  /// Memory for `size` values, of the type and in the stream of x, which are not filled.
  [[nodiscard]] static CudaState unfilled(const CudaView& x, std::size_t size) {
    CudaView sized = checked(x);
    sized.size = size;
    checked(sized);
    return {sized, detail::CudaMemory(size * detail::size_of(x.type), x.stream, x.allocator)};
  }
  CudaState(CudaState&& other) noexcept
      : view_(std::exchange(other.view_, CudaView{})), memory_(std::move(other.memory_)) {}
  /// Copies the values, in the stream. Refuses values of another size, type or stream.
  CudaState& operator=(const CudaView& x) {
    if (view_.data == nullptr) return *this = CudaState(x);
    detail::check_view("CudaState", x);
    detail::require_like("CudaState", x, view_);
    if (x.data != view_.data) copy_from(x.data);
    return *this;
  }
  CudaState& operator=(const CudaState& other) { return *this = other.view(); }
  CudaState& operator=(CudaState&& other) noexcept {
    std::swap(view_, other.view_);
    memory_ = std::move(other.memory_);
    return *this;
  }
  ~CudaState() = default;

  /// The values, in the memory of the device.
  [[nodiscard]] void* data() { return view_.data; }
  [[nodiscard]] const void* data() const { return view_.data; }
  [[nodiscard]] std::size_t size() const { return view_.size; }  ///< in values
  [[nodiscard]] std::size_t bytes() const { return view_.size * detail::size_of(view_.type); }
  [[nodiscard]] CudaType type() const { return view_.type; }
  [[nodiscard]] CudaStream stream() const { return view_.stream; }
  [[nodiscard]] const CudaView& view() const { return view_; }

 private:
  CudaState(const CudaView& x, detail::CudaMemory memory) : view_(x), memory_(std::move(memory)) {
    view_.data = memory_.get();
  }
  static const CudaView& checked(const CudaView& x) {
    detail::check_view("CudaState", x);
    return x;
  }
  void copy_from(const void* values) {
    detail::require_success(detail::device_copy(view_.data, values, bytes(), view_.stream),
                            "a copy on the device");
  }

  CudaView view_;
  detail::CudaMemory memory_;
};

inline CudaView& CudaView::operator=(const CudaState& state) {
  detail::check_view("CudaView", *this);
  detail::require_like("CudaView", state.view(), *this);
  detail::require_success(detail::device_copy(data, state.data(), state.bytes(), stream),
                          "a copy on the device");
  return *this;
}

template <>
struct detail::Owned<CudaView> {
  using type = CudaState;
};

// So that `Stepper stepper(plan, x)` takes a view.
Stepper(const Plan&, const CudaView&)->Stepper<CudaState>;
Stepper(const Plan&, const CudaView&, RunOptions<CudaState>)->Stepper<CudaState>;
Stepper(std::shared_ptr<const Plan>, const CudaView&)->Stepper<CudaState>;
Stepper(std::shared_ptr<const Plan>, const CudaView&, RunOptions<CudaState>)->Stepper<CudaState>;

namespace detail {

/// Whether values from there on may be read and written as `FourValues`.
inline bool takes_fours(const CudaView& x) {
  return reinterpret_cast<std::uintptr_t>(x.data) % (4 * size_of(x.type)) == 0;
}

/// `combine` of views: one launch. Refuses views that differ in size, type or stream.
inline void combine_views(const Weights& weights, std::span<const CudaView> targets,
                          std::span<const CudaView> operands) {
  const CudaView& like = targets[0];
  check_view("combine", like);
  CombineJob job{};
  job.size = like.size;
  job.fours = like.size / 4;
  job.target_count = static_cast<unsigned>(targets.size());
  job.operand_count = static_cast<unsigned>(operands.size());
  for (const auto all : {targets, operands}) {
    for (const CudaView& x : all) {
      require_like("combine", x, like);
      if (!takes_fours(x)) job.fours = 0;
    }
  }
  for (std::size_t i = 0; i < targets.size(); ++i) {
    job.targets[i] = targets[i].data;
    for (std::size_t j = 0; j < operands.size(); ++j) {
      job.weights[i][j] = static_cast<float>(weights(i, j));
    }
  }
  for (std::size_t j = 0; j < operands.size(); ++j) job.operands[j] = operands[j].data;
  job.in_last = static_cast<unsigned>(terms_of_last(weights, targets.size(), operands.size()));
  require_success(device_combine(like.type, job, like.stream), "the launch of a sum");
}

}  // namespace detail

/// `combine` on a device (see `Weights`): one launch in the states' stream. Weights become floats,
/// and values of the half types are rounded once. The bits are those of `combine` on the CPU.
inline void combine(const Weights& weights, std::span<CudaState* const> targets,
                    std::span<const CudaState* const> operands) {
  CudaView to[Combine::max_targets];
  CudaView from[Combine::max_operands];
  for (std::size_t i = 0; i < targets.size(); ++i) to[i] = targets[i]->view();
  for (std::size_t j = 0; j < operands.size(); ++j) from[j] = operands[j]->view();
  detail::combine_views(weights, std::span<const CudaView>(to, targets.size()),
                        std::span<const CudaView>(from, operands.size()));
}

/// Whether two states have the same size, type and stream.
[[nodiscard]] inline bool is_like(const CudaState& a, const CudaState& b) {
  return a.size() == b.size() && a.type() == b.type() && a.stream() == b.stream();
}

/// Whether every value is finite. One launch, after which it waits for the stream. A run asks it of
/// its result, unless `RunOptions::check_finite` is false.
[[nodiscard]] inline bool all_finite(const CudaState& x) {
  detail::check_view("all_finite", x.view());
  const detail::CudaMemory flag(sizeof(int), x.stream(), x.view().allocator);
  bool finite = false;
  detail::require_success(
      detail::device_is_finite(x.type(), x.data(), x.size(), flag.get(), x.stream(), finite),
      "the search for NaN");
  return finite;
}

}  // namespace dpm
