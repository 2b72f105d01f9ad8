// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// References on disk.
#include "kept_references.hpp"

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace calibrate {
namespace {

constexpr std::uint64_t format = 0x3143'4d50'4400'0001U;  // "DPMC1", version 1

template <class Value>
std::string bytes_of(const Value* values, std::size_t count) {
  return {reinterpret_cast<const char*>(values), count * sizeof(Value)};
}

}  // namespace

KeptReferences::KeptReferences(std::string file, std::uint64_t fingerprint,
                               std::vector<std::size_t> shape)
    : file_(std::move(file)),
      fingerprint_(fingerprint),
      nodes_(shape.at(0)),
      elements_(static_cast<Eigen::Index>(shape.at(1))),
      samples_(static_cast<Eigen::Index>(shape.at(2))) {
  if (std::filesystem::exists(file_)) read();
  if (!std::filesystem::exists(file_)) {
    const std::array<std::uint64_t, 2> header{format, fingerprint_};
    std::ofstream out(file_, std::ios::binary);
    out << bytes_of(header.data(), header.size());
    if (!out.flush()) throw std::runtime_error("cannot write " + file_);
  }
}

std::size_t KeptReferences::bytes_of_batch() const {
  return nodes_ * static_cast<std::size_t>(elements_ * samples_) * sizeof(float);
}

void KeptReferences::read() {
  std::ifstream in(file_, std::ios::binary);
  std::array<std::uint64_t, 2> header{};
  in.read(reinterpret_cast<char*>(header.data()), sizeof header);
  if (!in || header[0] != format || header[1] != fingerprint_) {
    in.close();
    std::string aside = file_ + ".old";
    for (int n = 2; std::filesystem::exists(aside); ++n) aside = file_ + ".old" + std::to_string(n);
    std::filesystem::rename(file_, aside);
    said_ = file_ + " is not of this calibration: it is now " + aside +
            ", and all references are made anew";
    return;
  }
  std::uint64_t checksum = 0;
  std::string bytes(bytes_of_batch(), '\0');
  std::uintmax_t good = sizeof header;
  while (in.read(reinterpret_cast<char*>(&checksum), sizeof checksum) &&
         in.read(bytes.data(), static_cast<std::streamsize>(bytes.size())) &&
         checksum == fingerprint(bytes)) {
    good += sizeof checksum + bytes.size();
    std::vector<State>& states = batches_.emplace_back();
    const auto* const values = reinterpret_cast<const float*>(bytes.data());
    for (std::size_t k = 0; k < nodes_; ++k) {
      states.emplace_back(Eigen::Map<const State>(
          values + k * static_cast<std::size_t>(elements_ * samples_), elements_, samples_));
    }
  }
  in.close();
  if (good == std::filesystem::file_size(file_)) return;
  std::filesystem::resize_file(file_, good);
  said_ = file_ + " is cut off or damaged after batch " + std::to_string(batches_.size()) +
          ": the references behind it are made anew";
}

void KeptReferences::add(std::vector<State> states) {
  std::string bytes;
  for (const State& state : states) {
    bytes += bytes_of(state.data(), static_cast<std::size_t>(state.size()));
  }
  const std::uint64_t checksum = fingerprint(bytes);
  std::ofstream out(file_, std::ios::binary | std::ios::app);
  out << bytes_of(&checksum, 1) << bytes;
  if (!out.flush()) throw std::runtime_error("cannot write " + file_);
  batches_.push_back(std::move(states));
}

}  // namespace calibrate
