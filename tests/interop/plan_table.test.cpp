// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A plan as a table: run as its comment says, it gives the samples of the stepper.
#include "dpm/interop/onnx_graph/plan_table.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "dpm/catalogue.hpp"
#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/named_plans.hpp"
#include "support/plans.hpp"
#include "support/refused.hpp"
#include "support/test_network.hpp"

namespace plan_table_test {

using namespace dpm_test;
using Values = std::vector<double>;
using dpm::detail::PlanTable;

namespace {

const dpm::Clip correction(0.7);

/// Two predictions of a model, whatever they mean.
void network(const Values& x, double time, Values& out, Values* unconditional) {
  test_network(x, time, out);
  if (unconditional == nullptr) return;
  *unconditional = out;
  for (double& value : *unconditional) value = 0.6 * value - 0.1;
}

Values draw(std::uint32_t number) {
  Values z(test_start().size());
  test_draw(z, {.draw = number, .from = {}, .to = {}});
  return z;
}

Values run_plan(const dpm::Plan& plan) {
  dpm::RunOptions<Values> options;
  if (plan.draws() > 0) options.noise = &test_draw;
  if (plan.corrections() > 0) options.correction = correction;
  dpm::Stepper<Values> run(plan, test_start(), options);
  while (const auto call = run.next()) {
    network(call->input, call->level.time, call->output, call->unconditional);
  }
  return run.sample();
}

using Rows = std::vector<Values>;

Rows multiply(const Values& weights, std::size_t rows, const Rows& operands) {
  REQUIRE(weights.size() == rows * operands.size());
  Rows sums(rows, Values(operands[0].size(), 0.0));
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < operands.size(); ++j) {
      const double weight = weights[i * operands.size() + j];
      for (std::size_t e = 0; e < sums[i].size(); ++e) sums[i][e] += weight * operands[j][e];
    }
  }
  return sums;
}

void append_draws(Rows& to, const std::vector<std::uint32_t>& numbers, std::size_t count) {
  for (std::size_t d = 0; d < count; ++d) to.push_back(draw(d < numbers.size() ? numbers[d] : 0));
}

Values run_table(const PlanTable& table) {
  Rows operands{test_start()};
  append_draws(operands, table.first_draws, table.first_draws.size());
  Rows rows = multiply(table.first, table.rows, operands);
  for (const PlanTable::Call& call : table.calls) {
    Values output(rows[0].size());
    Values unconditional(rows[0].size());
    network(rows.at(call.input), call.level.time, output, &unconditional);
    operands = rows;
    operands.push_back(output);
    if (table.outputs == 2) operands.push_back(unconditional);
    append_draws(operands, call.draws, table.draws);
    rows = multiply(call.weights, table.rows, operands);
    if (!table.corrects) continue;
    if (call.corrected) correction(rows.at(*call.corrected), call.level);
    operands = rows;
    append_draws(operands, call.draws, table.draws);
    rows = multiply(call.weights_after, table.rows, operands);
  }
  return rows[0];
}

PlanTable table_of(const dpm::Plan& plan) { return dpm::detail::PlanTabulator().tabulate(plan); }

/// Products of weights are formed in another order than values, which costs a few roundings a call.
void require_same(const std::string& name, const dpm::Plan& plan) {
  INFO(name);
  const PlanTable table = table_of(plan);
  REQUIRE(static_cast<int>(table.calls.size()) == plan.model_calls());
  REQUIRE(relative_difference(run_table(table), run_plan(plan)) < 1e-12);
}

}  // namespace

TEST_CASE("the table of every sampler by name gives the samples of its plan") {
  for (const dpm::Sampler& sampler : dpm::samplers()) {
    for (const int steps : {2, 7}) {
      require_same(sampler.name, dpm::plan_by_name(sampler.name, "", table_schedule, steps));
    }
    if (sampler.name == "restart") continue;  // which has no form for flows
    require_same(sampler.name + " on a flow",
                 dpm::plan_by_name(sampler.name, "", flow_schedule, 5));
  }
}

TEST_CASE("the table of a plan with scaled inputs gives the samples of the plan") {
  const dpm::Edm edm;
  require_same("2M", dpm::make_plan(dpm::DpmSolver{}, edm, 8, dpm::Prediction::edm));
  require_same("Heun", dpm::make_plan(dpm::Heun{}, edm, 10, dpm::Prediction::edm));
  require_same("SDE", dpm::make_plan(dpm::DpmSolver{.tau = 1.0}, edm, 8, dpm::Prediction::edm));
}

TEST_CASE("the table of a plan with corrections gives the samples of the plan") {
  const auto plan_of = [](const auto& method) {
    return dpm::make_plan(method, table_schedule, 9, dpm::Prediction::velocity,
                          dpm::Correction::data);
  };
  require_same("2M", plan_of(dpm::DpmSolver{}));
  require_same("3S", plan_of(dpm::DpmSolver{.order = 3, .form = dpm::DpmSolver::Form::singlestep}));
  require_same("SDE", plan_of(dpm::DpmSolver{.tau = 1.0}));
  require_same("UniPC", plan_of(dpm::UniPc{}));
  require_same("SEEDS", plan_of(dpm::Seeds{.stages = 3}));
  require_same("DDPM", plan_of(dpm::Ddpm{}));
  const PlanTable table = table_of(plan_of(dpm::DpmSolver{}));
  REQUIRE(std::all_of(table.calls.begin(), table.calls.end(),
                      [](const PlanTable::Call& call) { return call.corrected.has_value(); }));
}

TEST_CASE("a combination that stands alone keeps its weights in the table") {
  const dpm::Plan plan = dpm::make_plan(dpm::Ddim{}, table_schedule, 4);
  const PlanTable table = table_of(plan);
  REQUIRE(table.rows == 1);
  REQUIRE(table.first == Values{1.0});
  for (std::size_t k = 0; k < table.calls.size(); ++k) {
    const auto& instructions = plan.steps[k].instructions;
    REQUIRE(instructions.size() == 2);
    const auto& combine = std::get<dpm::Combine>(instructions[1]);
    REQUIRE(combine.operands[0] == dpm::sample_register);
    REQUIRE(table.calls[k].weights == Values{combine.weight(0, 0), combine.weight(0, 1)});
    REQUIRE(table.calls[k].level == std::get<dpm::Evaluate>(instructions[0]).level);
  }
}

TEST_CASE("a table has a row for each value that is read after a later call and for no other") {
  const auto rows = [](const auto& method) {
    return table_of(dpm::make_plan(method, table_schedule, 12)).rows;
  };
  REQUIRE(rows(dpm::Ddim{.eta = 1.0}) == 2);  // x, and the noise, drawn before the call
  REQUIRE(rows(dpm::Heun{}) == 3);            // x, the first prediction and the stage
  // A model's output that nobody reads, at the end of the plan, takes none.
  const dpm::Level level{.log_sigma = 0.0};
  const dpm::Plan plan{.steps = {{level,
                                  level,
                                  {dpm::Evaluate{m(0), dpm::sample_register, level},
                                   combination({dpm::sample_register}, {m(0)}, {0.5}),
                                   dpm::Evaluate{m(3), dpm::sample_register, level}}}}};
  REQUIRE(table_of(plan).rows == 1);
  REQUIRE(table_of(plan).calls[1].weights == Values{1.0, 0.0});
}

TEST_CASE("a table refuses plans without a call and corrections in other places") {
  const dpm::Level level{.log_sigma = 0.0};
  const auto refused_plan = [&](std::vector<dpm::Instruction> instructions,
                                const std::string& sentence) {
    const dpm::Plan plan{.steps = {{level, level, std::move(instructions)}}};
    refused([&] { (void)table_of(plan); }, sentence);
  };
  const auto copy = combination({m(0)}, {dpm::sample_register}, {1.0});
  const dpm::Evaluate evaluate{m(0), dpm::sample_register, level};
  const dpm::Correct correct{m(0), level};
  refused_plan({copy}, "make_onnx_graph: the plan makes no model call; it must make one");
  refused_plan({copy, correct, evaluate},
               "make_onnx_graph: the plan corrects m0 before its first model call; it may have one "
               "correction after each model call");
  refused_plan({evaluate, correct, correct},
               "make_onnx_graph: the plan corrects m0 after another correction; it may have one "
               "correction after each model call");
}

}  // namespace plan_table_test
