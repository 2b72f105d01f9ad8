// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// References on disk, so that a calibration that was killed goes on where it was.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "problem.hpp"

namespace calibrate {

/// A file to which each batch's states are added as soon as they are there: a header of a
/// fingerprint and of how many values follow, then for each batch a checksum and its values.
class KeptReferences {
 public:
  /// Reads what is there. A file of another calibration is renamed to FILE.old, FILE.old2 and so
  /// on, and batches that are damaged or cut off are dropped; `said` then says so.
  KeptReferences(std::string file, std::uint64_t fingerprint, std::vector<std::size_t> shape);

  /// The states of each batch that is there: one for each node.
  [[nodiscard]] const std::vector<std::vector<State>>& batches() const { return batches_; }
  [[nodiscard]] const std::string& said() const { return said_; }
  void add(std::vector<State> states);

 private:
  [[nodiscard]] std::size_t bytes_of_batch() const;
  void read();

  std::string file_;
  std::uint64_t fingerprint_;
  std::size_t nodes_;
  Eigen::Index elements_;
  Eigen::Index samples_;
  std::vector<std::vector<State>> batches_;
  std::string said_;
};

}  // namespace calibrate
