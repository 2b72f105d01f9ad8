// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The paper's claims against what was measured. What counts as true was fixed before the network
/// was trained, except the twentieth in Frechet distances.
#include <algorithm>
#include <utility>
#include <vector>

#include "frechet.hpp"
#include "report.hpp"

namespace study {
namespace {

/// The methods that the claims are about.
const std::vector<std::pair<std::string, std::string>> multistep{
    {"dpm++2m", "DPM-Solver++ 2 multistep"},
    {"dpm++3m", "DPM-Solver++ 3 multistep"},
    {"unipc", "UniPC-3"}};

/// A claim with its measurements, a line each, and then the verdict.
class Claim {
 public:
  Claim(std::ostream& out, const std::string& claim) : out_(out) {
    out_ << "\n**" << claim << "**\n\n";
  }
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;
  ~Claim() {
    if (measured_ == 0) {
      out_ << "Verdict: not measured in this run.\n";
      return;
    }
    out_ << "\nVerdict: ";
    if (held_ == measured_) {
      out_ << "holds.\n";
    } else if (held_ == 0) {
      out_ << "does not hold.\n";
    } else {
      out_ << "holds in " << held_ << " of " << measured_ << " cases.\n";
    }
  }

  /// What the verdict hangs on.
  void measured(const std::string& line, bool holds) {
    out_ << "- " << line << (holds ? "" : " (no)") << '\n';
    ++measured_;
    if (holds) ++held_;
  }
  /// What is said beside it.
  void remark(const std::string& line) { out_ << "- " << line << '\n'; }

 private:
  std::ostream& out_;
  int measured_ = 0;
  int held_ = 0;
};

void nearer_than_pndm(std::ostream& out, const Results& results) {
  Claim claim(out, "25 calls are no further from the converged sample than 50 of PNDM");
  for (const Section& section : results.sections) {
    const Cell* const pndm = section.find("pndm", 50);
    for (const auto& [name, label] : multistep) {
      const Cell* const cell = section.find(name, 25);
      if (pndm == nullptr || cell == nullptr) continue;
      claim.measured(section.title() + ", " + label + ": " + formatted("%.2g", cell->distance) +
                         " against " + formatted("%.2g", pndm->distance),
                     cell->distance <= pndm->distance);
    }
  }
}

void as_good_as_pndm(std::ostream& out, const Results& results) {
  Claim claim(out,
              "25 calls draw samples as good as 50 of PNDM: the Frechet distance is larger by at "
              "most a twentieth");
  for (const Section& section : results.sections) {
    const Cell* const pndm = section.find("pndm", 50);
    for (const auto& [name, label] : multistep) {
      const Cell* const cell = section.find(name, 25);
      if (pndm == nullptr || cell == nullptr) continue;
      const double excess = cell->frechet / pndm->frechet - 1.0;
      claim.measured(section.title() + ", " + label + ": " + formatted("%.2f", cell->frechet) +
                         " against " + formatted("%.2f", pndm->frechet) + ", which is " +
                         formatted("%+.1f %%", 100.0 * excess),
                     excess <= 0.05);
    }
  }
}

void good_at_few(std::ostream& out, const Results& results) {
  Claim claim(out,
              "Samples are good with 10 to 15 calls: a Frechet distance at most a tenth above that "
              "of the converged ones");
  for (const Section& section : results.sections) {
    for (const auto& [name, label] : multistep) {
      for (const int calls : {10, 12, 15}) {
        const Cell* const cell = section.find(name, calls);
        if (cell == nullptr) continue;
        const double ratio = cell->frechet / section.converged.frechet;
        claim.measured(section.title() + ", " + label + ", " + std::to_string(calls) +
                           " calls: " + formatted("%.2f", cell->frechet) + ", converged " +
                           formatted("%.2f", section.converged.frechet) + ", which is " +
                           formatted("%+.0f %%", 100.0 * (ratio - 1.0)),
                       ratio <= 1.1);
      }
    }
  }
}

void converged_at_20(std::ostream& out, const Results& results) {
  Claim claim(out,
              "Almost converged with 20 calls: the distance is below 0.02 (a hundredth of the "
              "pixels' range), and the Frechet distance larger by at most a twentieth");
  for (const Section& section : results.sections) {
    for (const auto& [name, label] : multistep) {
      const Cell* const cell = section.find(name, 20);
      if (cell == nullptr) continue;
      const double excess = cell->frechet / section.converged.frechet - 1.0;
      claim.measured(section.title() + ", " + label + ": distance " +
                         formatted("%.2g", cell->distance) + ", Frechet distance " +
                         formatted("%+.1f %%", 100.0 * excess),
                     cell->distance < 0.02 && excess <= 0.05);
    }
  }
}

void half_the_time(std::ostream& out, const Results& results) {
  Claim claim(out,
              "Half the calls take half the time, to 5 %: the median over methods and counts "
              "of the ratio times two");
  for (const Section& section : results.sections) {
    std::vector<double> ratios;
    for (const Row& row : section.rows) {
      for (const Cell& cell : row.cells) {
        const auto calls = static_cast<int>(cell.calls);
        const Cell* const twice = row.find(2 * calls);
        // Runs of a few milliseconds say more about the machine.
        if (twice != nullptr && calls >= 10)
          ratios.push_back(2 * cell.seconds() / twice->seconds());
      }
    }
    if (ratios.empty()) continue;
    const auto [least, most] = std::minmax_element(ratios.begin(), ratios.end());
    claim.measured(section.title() + ": " + formatted("%.3f", median(ratios)) + " (" +
                       formatted("%.3f", *least) + " to " + formatted("%.3f", *most) + " in " +
                       std::to_string(ratios.size()) + " pairs)",
                   std::abs(median(ratios) - 1.0) <= 0.05);
  }
}

void small_share(std::ostream& out, const Results& results) {
  Claim claim(out, "The sampler takes less than 1 % of the time");
  for (const Section& section : results.sections) {
    for (const Row& row : section.rows) {
      if (row.cells.empty() || row.method.is_adaptive()) continue;
      const auto by_share = [](const Cell& a, const Cell& b) {
        return a.sampler_share() < b.sampler_share();
      };
      const auto [least, most] = std::minmax_element(row.cells.begin(), row.cells.end(), by_share);
      claim.measured(section.title() + ", " + row.method.label + ": " +
                         formatted("%.2f", 100.0 * least->sampler_share()) + " to " +
                         formatted("%.2f %%", 100.0 * most->sampler_share()),
                     most->sampler_share() < 0.01);
    }
  }
}

void ddpm_needs_more(std::ostream& out, const Results& results) {
  Claim claim(out,
              "DDPM needs far more: with its most calls it has not the quality of 10 of the "
              "others");
  for (const Section& section : results.sections) {
    const auto ddpm = std::find_if(section.rows.begin(), section.rows.end(), [](const Row& row) {
      return row.method.name == "ddpm" && !row.cells.empty();
    });
    if (ddpm == section.rows.end()) continue;
    const Cell& most = ddpm->cells.back();
    for (const auto& [name, label] : multistep) {
      const Cell* const cell = section.find(name, 10);
      if (cell == nullptr || most.calls <= 10) continue;
      claim.measured(section.title() + ": DDPM, " + formatted("%.0f", most.calls) +
                         " calls: " + formatted("%.2f", most.frechet) + "; " + label +
                         ", 10 calls: " + formatted("%.2f", cell->frechet),
                     most.frechet > cell->frechet);
    }
  }
}

void black_box_needs_more(std::ostream& out, const Results& results) {
  Claim claim(out,
              "A black-box Runge-Kutta method with adaptive steps needs more calls for the same "
              "distance: at least twice as many");
  for (const Section& section : results.sections) {
    for (const Row& row : section.rows) {
      if (!row.method.is_adaptive()) continue;
      for (const Cell& adaptive : row.cells) {
        const Cell* least = nullptr;
        for (const int calls : section.calls) {
          const Cell* const cell = section.find("dpm++2m", calls);
          const bool enough = cell != nullptr && cell->distance <= adaptive.distance;
          if (enough && least == nullptr) least = cell;
        }
        const std::string line = section.title() + ", tolerance " +
                                 formatted("%g", adaptive.tolerance) + ": " +
                                 formatted("%.0f", adaptive.calls) + " calls for " +
                                 formatted("%.2g", adaptive.distance) + "; ";
        if (least == nullptr && adaptive.calls < 2 * section.calls.back()) {
          claim.measured(line + "more than " + std::to_string(section.calls.back()) +
                             " of DPM-Solver++ 2 multistep",
                         false);
        } else if (least == nullptr) {
          claim.remark(line + "no count here of DPM-Solver++ 2 multistep comes as near");
        } else {
          claim.measured(line + formatted("%.0f", least->calls) +
                             " of DPM-Solver++ 2 multistep for " +
                             formatted("%.2g", least->distance),
                         2 * least->calls <= adaptive.calls);
        }
      }
    }
  }
}

}  // namespace

void write_claims(std::ostream& out, const Results& results) {
  out << "\n## The claims\n";
  nearer_than_pndm(out, results);
  as_good_as_pndm(out, results);
  good_at_few(out, results);
  converged_at_20(out, results);
  ddpm_needs_more(out, results);
  black_box_needs_more(out, results);
  half_the_time(out, results);
  small_share(out, results);
}

}  // namespace study
