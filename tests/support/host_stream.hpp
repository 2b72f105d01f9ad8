// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The one stream of a device that is the host: work is done at once, or kept while it is captured.
#pragma once

#include <functional>
#include <utility>
#include <vector>

namespace dpm_test {

using HostWork = std::vector<std::function<void()>>;

struct HostStream {
  HostWork* captured = nullptr;  ///< where work is kept, if it is not null
  bool spoilt = false;           ///< whether a capture was asked for what none can hold
};

inline HostStream host_stream;

/// Whether the stream is captured, which is asked before what no capture can hold: waits, and
/// memory that outlives the graph. The capture is spoilt then.
inline bool is_captured() {
  if (host_stream.captured != nullptr) host_stream.spoilt = true;
  return host_stream.captured != nullptr;
}

template <class Work>
void put_into_stream(Work work) {
  if (host_stream.captured == nullptr) return work();
  host_stream.captured->emplace_back(std::move(work));
}

}  // namespace dpm_test
