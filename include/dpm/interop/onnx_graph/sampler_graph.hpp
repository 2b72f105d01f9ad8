// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The ONNX graph of a sampler: a loop over a plan's table around a network.
#pragma once

#include <onnx/onnx_pb.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/interop/onnx_graph/graph_writer.hpp"
#include "dpm/interop/onnx_graph/network.hpp"
#include "dpm/interop/onnx_graph/options.hpp"
#include "dpm/interop/onnx_graph/plan_table.hpp"
#include "dpm/interop/onnx_graph/rename.hpp"

namespace dpm::detail {

/// Writes the model: what is outside of the loop, and the loop's body around the network.
class SamplerGraph {
 public:
  SamplerGraph(const OnnxNetwork& network, const PlanTable& table, const OnnxGraphOptions& options)
      : network_(network),
        table_(table),
        options_(options),
        draws_(draws_of(table)),
        type_(element_type(network.sample) == onnx::TensorProto::DOUBLE
                  ? onnx::TensorProto::DOUBLE
                  : onnx::TensorProto::FLOAT) {}

  /// The graph of the sampler around that of the network, which it takes.
  onnx::GraphProto make(onnx::GraphProto network) {
    onnx::GraphProto graph;
    graph.set_name("sampler");
    declare(graph);
    GraphWriter out(graph);
    write_tables(out);
    write_sizes(out);
    write_start(out);
    onnx::NodeProto& loop = *graph.add_node();
    loop.set_op_type("Loop");
    loop.set_name("sampler/loop");
    for (const char* input : {"sampler/calls", "", "sampler/first"}) loop.add_input(input);
    loop.add_output("sampler/last");
    onnx::AttributeProto& body = *loop.add_attribute();
    body.set_name("body");
    body.set_type(onnx::AttributeProto::GRAPH);
    *body.mutable_g() = make_body(std::move(network));
    out.entry("sampler/last", out.constant("sampler/zero", {}, {0}), "sampler/last_sample");
    out.node("Reshape", {"sampler/last_sample", "sampler/shape"}, "sample");
    return graph;
  }

 private:
  /// Draws of the whole plan.
  static std::size_t draws_of(const PlanTable& table) {
    std::size_t count = table.first_draws.size();
    for (const PlanTable::Call& call : table.calls) count += call.draws.size();
    return count;
  }

  [[nodiscard]] bool is_guided() const { return options_.guidance.has_value(); }

  void declare(onnx::GraphProto& graph) const {
    onnx::ValueInfoProto& start = *graph.add_input();
    set_tensor(start, "start", type_);
    shape_of(start) = network_.sample.type().tensor_type().shape();
    if (is_guided()) {
      auto& batch = *shape_of(start).mutable_dim(0);
      const std::int64_t size = batch.dim_value();
      const bool fixed = batch.has_dim_value();
      batch.Clear();  // a name would be that of another size
      if (fixed) batch.set_dim_value(size / 2);
    }
    const onnx::TensorShapeProto shape = shape_of(start);
    if (draws_ > 0) {
      onnx::ValueInfoProto& draws = *graph.add_input();
      set_tensor(draws, "draws", type_);
      shape_of(draws).add_dim()->set_dim_value(static_cast<std::int64_t>(draws_));
      shape_of(draws).mutable_dim()->MergeFrom(shape.dim());
    }
    for (const onnx::ValueInfoProto& condition : network_.conditions) {
      *graph.add_input() = condition;
    }
    onnx::ValueInfoProto& sample = *graph.add_output();
    set_tensor(sample, "sample", type_);
    shape_of(sample) = shape;
  }

  /// What the loop looks up by the number of the call.
  void write_tables(GraphWriter& out) const {
    const std::size_t calls = table_.calls.size();
    std::vector<double> weights;
    std::vector<double> weights_after;
    std::vector<double> timesteps;
    std::vector<double> limits;
    std::vector<double> scales;
    std::vector<std::int64_t> inputs;
    std::vector<std::int64_t> draws;
    for (const PlanTable::Call& call : table_.calls) {
      weights.insert(weights.end(), call.weights.begin(), call.weights.end());
      weights_after.insert(weights_after.end(), call.weights_after.begin(),
                           call.weights_after.end());
      timesteps.push_back(call.level.timestep);
      inputs.insert(inputs.end(), is_guided() ? 2 : 1, static_cast<std::int64_t>(call.input));
      draws.insert(draws.end(), call.draws.begin(), call.draws.end());
      draws.resize(draws.size() + table_.draws - call.draws.size(), 0);
      for (std::size_t row = 0; table_.corrects && row < table_.rows; ++row) {
        limits.push_back(row == call.corrected ? *options_.clip
                                               : std::numeric_limits<double>::infinity());
      }
      if (!is_guided()) continue;
      const double scale = options_.guidance->at(call.level, 1.0);
      for (const double weight : {scale, 1.0 - scale}) scales.push_back(weight);
      if (table_.outputs == 2) scales.insert(scales.end(), {0.0, 1.0});
    }
    const std::size_t rows = table_.rows;
    require_weights_fit(table_.first);
    require_weights_fit(weights);
    require_weights_fit(weights_after);
    out.constant("sampler/calls", {}, {static_cast<std::int64_t>(calls)});
    out.constant("sampler/weights", {calls, rows, rows + table_.outputs + table_.draws}, weights,
                 type_);
    out.constant("sampler/timesteps", {calls}, timesteps, type_of_timesteps());
    if (is_guided()) {
      out.constant("sampler/inputs", {calls, 2}, inputs);
      out.constant("sampler/scales", {calls, table_.outputs, 2}, scales, type_);
    } else {
      out.constant("sampler/inputs", {calls}, inputs);
    }
    if (table_.draws > 0) out.constant("sampler/draw_numbers", {calls, table_.draws}, draws);
    if (!table_.corrects) return;
    out.constant("sampler/limits", {calls, rows, 1}, limits, type_);
    out.constant("sampler/weights_after", {calls, rows, rows + table_.draws}, weights_after, type_);
  }

  void require_weights_fit(const std::vector<double>& weights) const {
    if (type_ == onnx::TensorProto::DOUBLE) return;
    for (const double weight : weights) {
      require(std::abs(weight) <= std::numeric_limits<float>::max(),
              "make_onnx_graph: the plan has a weight of ", weight,
              "; it must be finite as a float, since the network is not of double");
    }
  }

  /// A network of float may take a timestep of double: its fraction is kept.
  [[nodiscard]] int type_of_timesteps() const {
    const int type = element_type(network_.timestep);
    return type == onnx::TensorProto::DOUBLE ? type : type_;
  }

  /// The shapes that are known only when the graph runs.
  void write_sizes(GraphWriter& out) const {
    out.node("Shape", {"start"}, "sampler/shape");
    out.constant("sampler/one_row", {2}, {1, -1});
    std::string input = "sampler/shape";
    if (is_guided()) {
      std::vector<std::int64_t> factors(static_cast<std::size_t>(dimensions(network_.sample)), 1);
      factors[0] = 2;
      out.constant("sampler/two_rows", {2}, {2, -1});
      out.constant("sampler/doubling", {factors.size()}, factors);
      input = out.node("Mul", {input, "sampler/doubling"}, "sampler/doubled_shape");
    }
    if (dimensions(network_.timestep) > 0) write_timestep_shape(out, input);
  }

  /// One number for each sample, or one; further dimensions are of size one.
  void write_timestep_shape(GraphWriter& out, const std::string& input) const {
    const auto count = static_cast<std::size_t>(dimensions(network_.timestep));
    const std::vector<std::int64_t> ones(count, 1);
    if (has_one_timestep()) {
      out.constant("sampler/timestep_shape", {count}, ones);
      return;
    }
    out.constant("sampler/first_dimension", {1}, {0});
    const char* const batch = count == 1 ? "sampler/timestep_shape" : "sampler/timesteps_of_batch";
    out.entry(input, "sampler/first_dimension", batch);
    if (count == 1) return;
    out.constant("sampler/ones", {count - 1}, {ones.begin() + 1, ones.end()});
    out.node("Concat", {batch, "sampler/ones"}, "sampler/timestep_shape", {{"axis", 0}});
  }

  /// Whether the timestep is one number in a list, whatever the batch.
  [[nodiscard]] bool has_one_timestep() const {
    return network_.timestep.type().tensor_type().shape().dim(0).dim_value() == 1;
  }

  /// The rows before the first call.
  void write_start(GraphWriter& out) const {
    std::string values = out.node("Reshape", {"start", "sampler/one_row"}, "sampler/start");
    if (draws_ > 0) {
      out.constant("sampler/draw_rows", {2}, {static_cast<std::int64_t>(draws_), -1});
      out.node("Reshape", {"draws", "sampler/draw_rows"}, "sampler/draws");
    }
    const std::vector<std::int64_t> numbers(table_.first_draws.begin(), table_.first_draws.end());
    if (!numbers.empty()) {
      out.constant("sampler/first_draw_numbers", {numbers.size()}, numbers);
      out.entry("sampler/draws", "sampler/first_draw_numbers", "sampler/first_draws");
      values = out.node("Concat", {values, "sampler/first_draws"}, "sampler/first_values",
                        {{"axis", 0}});
    }
    out.constant("sampler/first_weights", {table_.rows, 1 + numbers.size()}, table_.first, type_);
    out.node("MatMul", {"sampler/first_weights", values}, "sampler/first");
  }

  onnx::GraphProto make_body(onnx::GraphProto network) const {
    onnx::GraphProto body;
    body.set_name("call");
    set_tensor(*body.add_input(), "sampler/call", onnx::TensorProto::INT64);
    set_tensor(*body.add_input(), "sampler/go", onnx::TensorProto::BOOL);
    declare_rows(*body.add_input(), "sampler/rows");
    set_tensor(*body.add_output(), "sampler/goes_on", onnx::TensorProto::BOOL);
    declare_rows(*body.add_output(), "sampler/next_rows");
    GraphWriter out(body);
    out.node("Identity", {"sampler/go"}, "sampler/goes_on");
    const std::string output = write_network(out, body, std::move(network));
    write_sums(out, output);
    return body;
  }

  void declare_rows(onnx::ValueInfoProto& value, const char* name) const {
    set_tensor(value, name, type_);
    shape_of(value).add_dim()->set_dim_value(static_cast<std::int64_t>(table_.rows));
    shape_of(value).add_dim();
  }

  /// The network, and before it what it is given. Returns its output.
  std::string write_network(GraphWriter& out, onnx::GraphProto& body,
                            onnx::GraphProto network) const {
    std::set<std::string> conditions;
    for (const onnx::ValueInfoProto& condition : network_.conditions) {
      conditions.insert(condition.name());
    }
    const ValueRenamer names("network/", conditions);
    names.rename(network);

    out.entry("sampler/inputs", "sampler/call", "sampler/input");
    out.entry("sampler/rows", "sampler/input", "sampler/x_row");
    const int type = element_type(network_.sample);
    const std::string x = names.renamed(network_.sample.name());
    const char* const shape = is_guided() ? "sampler/doubled_shape" : "sampler/shape";
    const std::string wide = type == type_ ? x : "sampler/x";
    out.cast(out.node("Reshape", {"sampler/x_row", shape}, wide), type_, type, x);

    const int timestep_type = element_type(network_.timestep);
    const std::string t = names.renamed(network_.timestep.name());
    const std::string scalar = out.entry("sampler/timesteps", "sampler/call", "sampler/timestep");
    const bool is_scalar = dimensions(network_.timestep) == 0;
    const std::string cast_to = is_scalar ? t : "sampler/cast_timestep";
    const std::string cast = timestep_type == type_of_timesteps() && is_scalar
                                 ? out.node("Identity", {scalar}, t)
                                 : out.cast(scalar, type_of_timesteps(), timestep_type, cast_to);
    if (!is_scalar) {
      out.node(has_one_timestep() ? "Reshape" : "Expand", {cast, "sampler/timestep_shape"}, t);
    }

    for (onnx::NodeProto& node : *network.mutable_node()) *body.add_node() = std::move(node);
    body.mutable_initializer()->Swap(network.mutable_initializer());
    body.mutable_sparse_initializer()->Swap(network.mutable_sparse_initializer());
    body.mutable_quantization_annotation()->Swap(network.mutable_quantization_annotation());
    body.mutable_value_info()->Swap(network.mutable_value_info());
    // What is known of its inputs' shapes helps those who optimise it.
    for (const auto& [input, name] : {std::pair(&network_.sample, x), {&network_.timestep, t}}) {
      onnx::ValueInfoProto& value = *body.add_value_info();
      value = *input;
      value.set_name(name);
    }
    return out.cast(names.renamed(network_.output.name()), element_type(network_.output), type_,
                    "sampler/output");
  }

  /// What follows the call: guidance, and the plan's sums.
  void write_sums(GraphWriter& out, const std::string& output) const {
    std::string outputs =
        out.node("Reshape", {output, is_guided() ? "sampler/two_rows" : "sampler/one_row"},
                 "sampler/output_rows");
    if (is_guided()) {
      out.entry("sampler/scales", "sampler/call", "sampler/scale");
      outputs = out.node("MatMul", {"sampler/scale", outputs}, "sampler/guided");
    }
    if (table_.draws > 0) {
      out.entry("sampler/draw_numbers", "sampler/call", "sampler/call_draw_numbers");
      out.entry("sampler/draws", "sampler/call_draw_numbers", "sampler/call_draws");
      out.node("Concat", {"sampler/rows", outputs, "sampler/call_draws"}, "sampler/values",
               {{"axis", 0}});
    } else {
      out.node("Concat", {"sampler/rows", outputs}, "sampler/values", {{"axis", 0}});
    }
    out.entry("sampler/weights", "sampler/call", "sampler/call_weights");
    if (!table_.corrects) {
      out.node("MatMul", {"sampler/call_weights", "sampler/values"}, "sampler/next_rows");
      return;
    }
    out.node("MatMul", {"sampler/call_weights", "sampler/values"}, "sampler/uncorrected");
    out.entry("sampler/limits", "sampler/call", "sampler/most");
    out.node("Neg", {"sampler/most"}, "sampler/least");
    out.node("Max", {"sampler/uncorrected", "sampler/least"}, "sampler/at_least");
    std::string values = out.node("Min", {"sampler/at_least", "sampler/most"}, "sampler/corrected");
    if (table_.draws > 0) {
      values =
          out.node("Concat", {values, "sampler/call_draws"}, "sampler/values_after", {{"axis", 0}});
    }
    out.entry("sampler/weights_after", "sampler/call", "sampler/call_weights_after");
    out.node("MatMul", {"sampler/call_weights_after", values}, "sampler/next_rows");
  }

  const OnnxNetwork& network_;
  const PlanTable& table_;
  const OnnxGraphOptions& options_;
  std::size_t draws_;
  int type_;
};

}  // namespace dpm::detail
