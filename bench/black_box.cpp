// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What the structure of the diffusion ODE is worth: black_box PROBLEMS.json
///
/// Solves the ODE as it stands with an adaptive Runge-Kutta method of another library (Dormand and
/// Prince's of order 5, by Boost.Odeint), in time and in lambda, and prints its calls and its error
/// beside methods with fixed steps that make no more calls than it did. It fails if the adaptive
/// method does not find the exact ends.
#include <boost/numeric/odeint.hpp>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "analytic_problem.hpp"
#include "dpm/dpm.hpp"
#include "dpm/grid/spacing.hpp"

namespace {

using namespace dpm_bench;
using Values = std::vector<double>;
using Variable = dpm::RungeKutta::Variable;

struct AdaptiveResult {
  int calls = 0;
  double error = 0.0;
};

/// All starts are one state, so they share the steps and the tolerance, absolute and relative.
AdaptiveResult solve(const AnalyticProblem& problem, const dpm::AnySchedule& schedule,
                     Variable variable, double tolerance) {
  namespace odeint = boost::numeric::odeint;
  const bool in_time = variable == Variable::time;
  AdaptiveResult result;
  Values noise(static_cast<std::size_t>(problem.start.size()));
  // dx/dt = (d log alpha/dt) x - sigma (d lambda/dt) epsilon, or the same per lambda
  const auto right_hand_side = [&](const Values& x, Values& slope, double at) {
    const dpm::Level level = in_time ? schedule.level(at) : schedule.level_at_lambda(at);
    problem.model(x, level, noise);
    ++result.calls;
    const dpm::LevelRate rate = schedule.rate(level.time);
    const double d_lambda = rate.d_log_alpha - rate.d_log_sigma;
    const double unit = in_time ? 1.0 : d_lambda;
    for (std::size_t i = 0; i < x.size(); ++i) {
      slope[i] = (rate.d_log_alpha * x[i] - level.sigma() * d_lambda * noise[i]) / unit;
    }
  };
  const double t_start = schedule.last_time();
  const double t_end = schedule.first_time();
  const double start = in_time ? t_start : schedule.level(t_start).lambda();
  const double end = in_time ? t_end : schedule.level(t_end).lambda();
  Values x(problem.start.data(), problem.start.data() + problem.start.size());
  odeint::integrate_adaptive(
      odeint::make_controlled<odeint::runge_kutta_dopri5<Values>>(tolerance, tolerance),
      right_hand_side, x, start, end, 0.01 * (end - start));
  result.error =
      problem.error(Eigen::Map<const State>(x.data(), problem.start.rows(), problem.start.cols()));
  return result;
}

/// The error with as many calls as the method can make of `calls`, the rest unused.
template <class Method, class Spacing>
double fixed_error(const AnalyticProblem& problem, const dpm::AnySchedule& schedule,
                   const Method& method, int calls_a_step, const Spacing& spacing, int calls) {
  const int used = calls / calls_a_step * calls_a_step;
  return problem.error(dpm::make_plan(method, schedule, used, spacing));
}

void print_fixed(const AnalyticProblem& problem, const dpm::AnySchedule& schedule, int calls) {
  using dpm::DpmSolver;
  using dpm::RungeKutta;
  for (const int order : {2, 4}) {
    std::printf(" %8.1e %8.1e",
                fixed_error(problem, schedule, RungeKutta{order, Variable::time}, order,
                            dpm::UniformTime{}, calls),
                fixed_error(problem, schedule, RungeKutta{order, Variable::lambda}, order,
                            dpm::UniformLambda{}, calls));
  }
  const DpmSolver multistep{.order = 2};
  const DpmSolver singlestep{.order = 3, .form = DpmSolver::Form::singlestep};
  const dpm::UniPc best{
      .order = 3, .coefficients = dpm::UniPc::Coefficients::varying, .lower_order_final = true};
  std::printf(" %8.1e %8.1e %8.1e\n",
              fixed_error(problem, schedule, multistep, 1, dpm::UniformLambda{}, calls),
              fixed_error(problem, schedule, singlestep, 3, dpm::UniformLambda{}, calls),
              fixed_error(problem, schedule, best, 1, dpm::PowerTime{.power = 4.0}, calls));
}

/// Returns the error at the tightest tolerance.
double compare(const AnalyticProblem& problem, const dpm::AnySchedule& schedule,
               Variable variable) {
  std::printf(
      "\n%s, adaptive in %s\n"
      "                adaptive     fixed steps, at most as many calls\n"
      "  tolerance  calls    error    RK2 t   RK2 la    RK4 t   RK4 la   DPM++2     DPM3    "
      "UniPC\n",
      problem.name.c_str(), variable == Variable::time ? "time" : "lambda");
  double error = 0.0;
  for (const double tolerance : {1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 1e-4, 1e-6, 1e-8, 1e-10}) {
    const AdaptiveResult adaptive = solve(problem, schedule, variable, tolerance);
    std::printf("  %9.0e %6d %8.1e", tolerance, adaptive.calls, adaptive.error);
    print_fixed(problem, schedule, adaptive.calls);
    error = adaptive.error;
  }
  return error;
}

int run(const std::string& problem_file) {
  const dpm::AnySchedule schedule = dpm::VpLinear();
  std::printf(
      "Root mean square errors. RK2 and RK4: RungeKutta over steps of equal length in time (t) or\n"
      "lambda (la). DPM++2: DpmSolver{.order = 2}. DPM3: DpmSolver{.order = 3, .form = "
      "singlestep}.\n"
      "UniPC: UniPc{.order = 3, .coefficients = varying, .lower_order_final = true} over\n"
      "PowerTime{.power = 4}.\n");
  bool found = true;
  for (const AnalyticProblem& problem : read_problems(problem_file)) {
    for (const Variable variable : {Variable::time, Variable::lambda}) {
      // Ten times the tightest tolerance, for what the steps' errors add up to.
      found = compare(problem, schedule, variable) < 1e-9 && found;
    }
  }
  std::printf("\nThe adaptive method %s the exact ends.\n", found ? "finds" : "MISSES");
  return found ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: black_box PROBLEMS.json\n");
    return 2;
  }
  try {
    return run(argv[1]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "black_box: %s\n", error.what());
    return 2;
  }
}
