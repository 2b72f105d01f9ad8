// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What a noise schedule is, and a type that holds any of them.
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

#include "dpm/error.hpp"
#include "dpm/schedule/level.hpp"

namespace dpm {

/// A noise schedule maps time to a `Level` and lambda back to time. A user's own type satisfies it
/// with four const members:
///
/// - `level(t)`: the level at time t, for t in [0, last_time()]; lambda falls strictly as t grows.
///   At t = 0 the data is clean: alpha = 1, sigma = 0.
/// - `time_of_lambda(lambda)`: the inverse, t such that `level(t).lambda() == lambda`.
/// - `first_time()`: the least time a model is usually asked at, where sampling ends by default.
/// - `last_time()`: the time of (nearly) pure noise, where sampling starts by default.
///
/// Three more are optional:
///
/// - `rate(t)`: the `LevelRate` at time t, for which only `RungeKutta` asks.
/// - `size()`: the number N of entries of its table, entry i at time (i + 1) / N, for spacings that
///   count in entries.
/// - `max_time()`: the greatest time that `level` takes, where that is above last_time().
///
/// Times outside the domain are refused with `InvalidArgument`. The members take and return double,
/// whatever a schedule computes in, because plans are written in double.
template <class S>
concept NoiseSchedule = requires(const S& schedule, double value) {
  { schedule.level(value) } -> std::same_as<Level>;
  { schedule.time_of_lambda(value) } -> std::convertible_to<double>;
  { schedule.first_time() } -> std::convertible_to<double>;
  { schedule.last_time() } -> std::convertible_to<double>;
};

/// Holds a copy of any noise schedule and is one itself. Copies share it, so they are cheap and
/// safe to use from any number of threads. Use it where the schedule is chosen at run time.
class AnySchedule {
 public:
  template <NoiseSchedule Schedule>
  requires(!std::same_as<Schedule, AnySchedule>)
      AnySchedule(Schedule schedule);  // NOLINT(google-explicit-constructor): it is one of any

  [[nodiscard]] Level level(double time) const { return held_->level(time); }
  [[nodiscard]] double time_of_lambda(double lambda) const { return held_->time_of_lambda(lambda); }
  [[nodiscard]] double first_time() const { return held_->first_time(); }
  [[nodiscard]] double last_time() const { return held_->last_time(); }
  /// How fast the level changes at `time`. Refuses a schedule that does not say.
  [[nodiscard]] LevelRate rate(double time) const { return held_->rate(time); }
  /// The number of entries of the schedule's table; 0 if it has none.
  [[nodiscard]] std::size_t size() const { return held_->size(); }
  /// The greatest time whose level is defined: `last_time()`, unless the schedule goes on.
  [[nodiscard]] double max_time() const { return held_->max_time(); }
  /// The level at `lambda`.
  [[nodiscard]] Level level_at_lambda(double lambda) const { return level(time_of_lambda(lambda)); }

 private:
  struct Interface {
    virtual ~Interface() = default;
    virtual Level level(double time) const = 0;
    virtual double time_of_lambda(double lambda) const = 0;
    virtual LevelRate rate(double time) const = 0;
    virtual double first_time() const = 0;
    virtual double last_time() const = 0;
    virtual std::size_t size() const = 0;
    virtual double max_time() const = 0;
  };

  template <class Schedule>
  struct Held final : Interface {
    explicit Held(Schedule s) : schedule(std::move(s)) {}
    Level level(double time) const override { return schedule.level(time); }
    double time_of_lambda(double lambda) const override { return schedule.time_of_lambda(lambda); }
    LevelRate rate(double time) const override {
      if constexpr (requires {
                      { schedule.rate(time) } -> std::same_as<LevelRate>;
                    }) {
        return schedule.rate(time);
      } else {
        detail::refuse(
            {"AnySchedule: the schedule has no member rate(t), which black-box "
             "Runge-Kutta methods need; give it one that returns a LevelRate"});
      }
    }
    double first_time() const override { return schedule.first_time(); }
    double last_time() const override { return schedule.last_time(); }
    std::size_t size() const override {
      if constexpr (requires {
                      { schedule.size() } -> std::convertible_to<std::size_t>;
                    }) {
        return static_cast<std::size_t>(schedule.size());
      } else {
        return 0;
      }
    }
    double max_time() const override {
      if constexpr (requires {
                      { schedule.max_time() } -> std::convertible_to<double>;
                    }) {
        return schedule.max_time();
      } else {
        return schedule.last_time();
      }
    }
    Schedule schedule;
  };

  std::shared_ptr<const Interface> held_;
};

template <NoiseSchedule Schedule>
requires(!std::same_as<Schedule, AnySchedule>) AnySchedule::AnySchedule(Schedule schedule)
    : held_(std::make_shared<const Held<Schedule>>(std::move(schedule))) {}

namespace detail {

/// Refuses a time outside [0, last_time]; `name` is that of the schedule.
inline void check_time(std::string_view name, double time, double last_time) {
  require(time >= 0 && time <= last_time, name, ": time must be in [0, ", last_time, "] and is ",
          time);
}

}  // namespace detail

}  // namespace dpm
