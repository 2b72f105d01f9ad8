// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// `StopRequest`: asks a `std::stop_token`, or an object like it, whether a run is to stop.
#pragma once

#include <concepts>
#include <memory>
#include <utility>

#include "dpm/separate.hpp"

namespace dpm {

/// Whether a run is to stop: a `std::stop_token`, or an object of your own with a const
/// `stop_requested()`, such as one that points to an atomic flag. By default a run never stops.
/// (`<stop_token>` costs compile time and is not in every standard library.)
///
/// All copies of the request, on any thread, ask one copy of the object. Once that has said true it
/// must go on to say so, and it must not throw.
class StopRequest final {
 public:
  StopRequest() = default;
  /// Allocates.
  template <class Token>
  requires(!std::same_as<Token, StopRequest> &&
           requires(const Token& token) {
             { token.stop_requested() } -> std::convertible_to<bool>;
           })
      // NOLINTNEXTLINE(google-explicit-constructor): options.stop = source.get_token()
      StopRequest(Token token)
      : token_(std::make_shared<const Token>(std::move(token))), ask_([](const void* of) -> bool {
          return static_cast<const Token*>(of)->stop_requested();
        }) {}

  [[nodiscard]] bool stop_requested() const { return token_ != nullptr && ask_(token_.get()); }

 private:
  std::shared_ptr<const void> token_;
  bool (*ask_)(const void* token) = nullptr;
};

}  // namespace dpm
