// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Runs files of the peers' recorded results through the library: those of diffusers' schedulers,
/// of the official DPM-Solver code, of k-diffusion, ComfyUI and A1111, and published tables of
/// sigmas, in the forms that tests/conformance/reference holds.
///
///     dpm_conformance FILE...
///
/// Names the cases that it leaves out, and why. Prints, for each family of cases, how many passed
/// and failed and the worst error max |x - ref| / max(1, max |ref|), then one line "N passed, M
/// failed". Exits non-zero when a case fails or cannot be expressed, or when a file holds no cases.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "support/adaptive_case.hpp"
#include "support/diffusers_case.hpp"
#include "support/k_diffusion_case.hpp"
#include "support/official_case.hpp"

using nlohmann::json;

namespace {

struct Family {
  int passed = 0;
  int failed = 0;
  double worst_error = 0.0;
};

using Families = std::map<std::string, Family>;

bool is_diffusers_case(const json& c) { return c.contains("config"); }

/// A case of diffusers_more.json.
bool is_sampler_case(const json& c) {
  return c.contains("sampler") && c.value("source", "").rfind("diffusers", 0) == 0;
}

/// A case of k_diffusion.json.
bool is_k_diffusion_case(const json& c) { return c.contains("sampler") && !is_sampler_case(c); }

bool is_adaptive(const json& c) { return c.value("method", "") == "adaptive"; }

std::string name_of(const json& c) {
  if (c.contains("id")) return c["id"];
  json options = c;
  options.erase("x_0");
  return options.dump();
}

std::string family_of(const json& c) {
  if (c.contains("family")) return c["family"];
  if (is_sampler_case(c)) return c["sampler"];
  if (is_k_diffusion_case(c)) {
    return c["sampler"].is_null() ? "sigmas: " + c["scheduler"].get<std::string>()
                                  : c["sampler"].get<std::string>();
  }
  if (is_diffusers_case(c)) return c["config"].value("_class_name", "unnamed");
  return c.value("algorithm_type", "unnamed") + " " + c.value("method", "unnamed");
}

/// What changes a run and is not known here must not be passed over.
void check_fields(const json& c) {
  for (const auto& field : c.items()) {
    const std::string& key = field.key();
    const bool changes_the_run = key.rfind("custom_", 0) == 0 || key == "mu";
    if (changes_the_run && key != "custom_timesteps") {
      throw std::runtime_error("the field " + key + " is not known");
    }
  }
}

dpm_test::CaseResult run(const json& c) {
  try {
    check_fields(c);
    if (is_sampler_case(c)) return dpm_test::run_diffusers_sampler_case(c);
    if (is_k_diffusion_case(c)) return dpm_test::run_k_diffusion_case(c);
    if (is_diffusers_case(c)) return dpm_test::run_diffusers_case(c);
    return is_adaptive(c) ? dpm_test::run_adaptive_case(c) : dpm_test::run_official_case(c);
  } catch (const std::exception& error) {
    dpm_test::CaseResult result;
    result.complain(error.what());
    return result;
  }
}

void run_file(const std::string& path, Families& families) {
  std::ifstream stream(path);
  if (!stream) throw std::runtime_error("cannot open " + path);
  const json cases = json::parse(stream);
  const auto note = [&](const std::string& family_name, const std::string& id,
                        const dpm_test::CaseResult& result) {
    Family& family = families[family_name];
    family.worst_error = std::max(family.worst_error, result.worst_error);
    if (result.complaint.empty()) {
      ++family.passed;
    } else {
      ++family.failed;
      std::printf("failed: %s: %s\n", id.c_str(), result.complaint.c_str());
    }
  };
  if (cases.is_object() && cases.contains("align_your_steps")) {
    for (const auto& [id, result] : dpm_test::run_sigma_tables(cases)) {
      note("tables of sigmas", id, result);
    }
    return;
  }
  if (!cases.is_array() || cases.empty()) throw std::runtime_error(path + " holds no cases");
  for (const json& c : cases) {
    const std::string reason = is_k_diffusion_case(c) ? dpm_test::left_out(c) : std::string();
    if (!reason.empty()) {
      std::printf("left out: %s: %s\n", name_of(c).c_str(), reason.c_str());
      continue;
    }
    note(family_of(c), name_of(c), run(c));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: dpm_conformance FILE...\n");
    return 2;
  }
  Families families;
  try {
    for (int i = 1; i < argc; ++i) run_file(argv[i], families);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "dpm_conformance: %s\n", error.what());
    return 2;
  }
  int passed = 0;
  int failed = 0;
  std::printf("%-32s %8s %8s %12s\n", "family", "passed", "failed", "worst error");
  for (const auto& [name, family] : families) {
    std::printf("%-32s %8d %8d %12.2e\n", name.c_str(), family.passed, family.failed,
                family.worst_error);
    passed += family.passed;
    failed += family.failed;
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}
