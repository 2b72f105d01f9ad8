// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A line that says how far the work is, and how long the rest will take.
#pragma once

#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <string>

namespace study {

/// "42 s", "7 min" or "1 h 05 min".
inline std::string duration_text(double seconds) {
  const long minutes = std::lround(seconds / 60.0);
  if (seconds < 90.0) return std::to_string(std::lround(seconds)) + " s";
  if (minutes < 60) return std::to_string(minutes) + " min";
  const long rest = minutes % 60;
  return std::to_string(minutes / 60) + (rest < 10 ? " h 0" : " h ") + std::to_string(rest) +
         " min";
}

/// A progress bar on stderr if that is a terminal, else nothing.
class ProgressBar {
 public:
  explicit ProgressBar(double total) : total_(total), visible_(isatty(STDERR_FILENO) == 1) {}
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar() {
    if (drawn_) std::fputs("\r\033[K", stderr);  // back to the start, erase the line
  }

  /// Where the work turns out to be more, or less.
  void add_to_total(double work) { total_ += work; }

  /// Draws twice a second.
  void add(double work) {
    done_ += work;
    const Clock::time_point now = Clock::now();
    if (!visible_ || now - last_drawn_ < std::chrono::milliseconds(500)) return;
    last_drawn_ = now;
    drawn_ = true;
    const double share = std::fmin(done_ / total_, 1.0);
    const double elapsed = std::chrono::duration<double>(now - begin_).count();
    const std::string bar(static_cast<std::size_t>(50.0 * share), '#');
    std::fprintf(stderr, "\r\033[K[%-50s] %3.0f %%, %s left", bar.c_str(), std::floor(100 * share),
                 duration_text(elapsed * (1.0 - share) / share).c_str());
  }

 private:
  using Clock = std::chrono::steady_clock;

  double total_;
  bool visible_;
  bool drawn_ = false;
  double done_ = 0.0;
  Clock::time_point begin_ = Clock::now();
  Clock::time_point last_drawn_;
};

}  // namespace study
