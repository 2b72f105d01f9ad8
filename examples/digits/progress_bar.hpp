// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A line that says how far the work is.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <string>

namespace digits {

/// A progress bar on stderr if that is a terminal, else nothing.
class ProgressBar {
 public:
  explicit ProgressBar(int total) : total_(total), visible_(isatty(STDERR_FILENO) == 1) {}
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar() {
    if (percent_ >= 0) std::fputs("\r\033[K", stderr);  // back to the start, erase the line
  }

  [[nodiscard]] int done() const { return done_; }

  /// Draws only when the percentage changes.
  void set_done(int done) {
    done_ = done;
    const int percent = static_cast<int>(100LL * done / total_);
    if (!visible_ || percent == percent_) return;
    percent_ = percent;
    const std::string bar(static_cast<std::size_t>(percent / 2), '#');
    std::fprintf(stderr, "\r[%-50s] %3d %% of %d model calls", bar.c_str(), percent, total_);
  }

 private:
  int total_;
  bool visible_;
  int done_ = 0;
  int percent_ = -1;
};

}  // namespace digits
