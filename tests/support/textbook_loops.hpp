// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The textbook sampler for every variant of every method, run on the test network.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/textbook.hpp"
#include "support/textbook_job.hpp"

namespace dpm_test::textbook {

inline const dpm::AnySchedule vp_linear = dpm::VpLinear();

using Loop = std::function<Vec(const Job&)>;

inline Loop singlestep_loop(Space space, int order, Flavour flavour, double r1, double r2) {
  return [=](const Job& job) -> Vec {
    const Network network = network_of(job, space);
    const bool noise = space == Space::noise;
    if (order == 1) {
      return noise ? dpm_solver_1(network, job.grid, job.x)
                   : dpm_solver_pp_1(network, job.grid, job.x);
    }
    if (order == 2) {
      return noise ? dpm_solver_2(network, vp_linear, job.grid, job.x, r1, flavour)
                   : dpm_solver_pp_2(network, vp_linear, job.grid, job.x, r1, flavour);
    }
    return noise ? dpm_solver_3(network, vp_linear, job.grid, job.x, r1, r2, flavour)
                 : dpm_solver_pp_3(network, vp_linear, job.grid, job.x, r1, r2, flavour);
  };
}

inline Loop multistep_loop(Multistep options) {
  return [=](const Job& job) {
    return multistep(network_of(job, options.space), vp_linear, job.grid, job.x, options);
  };
}

/// Third-order steps that take three grid intervals each, with the ratios those give.
inline Loop on_grid_loop(Space space) {
  return [=](const Job& job) {
    const Network network = network_of(job, space);
    Vec x = job.x;
    for (std::size_t i = 0; i + 3 < job.grid.size(); i += 3) {
      const dpm::Level& s = job.grid[i];
      const dpm::Level& t = job.grid[i + 3];
      const double h = t.lambda() - s.lambda();
      const double r1 = (job.grid[i + 1].lambda() - s.lambda()) / h;
      const double r2 = (job.grid[i + 2].lambda() - s.lambda()) / h;
      x = space == Space::noise
              ? dpm_solver_3_step(network, vp_linear, s, t, x, r1, r2, Flavour::midpoint)
              : dpm_solver_pp_3_step(network, vp_linear, s, t, x, r1, r2, Flavour::midpoint);
    }
    return x;
  };
}

inline void add_dpm_solver_loops(std::map<std::string, Loop>& loops) {
  for (const Space space : {Space::noise, Space::data}) {
    const std::string solver = space == Space::noise ? "DPM-Solver" : "DPM-Solver++";
    for (int order = 1; order <= 3; ++order) {
      const std::string name = solver + "-" + std::to_string(order);
      const double r1 = order == 2 ? 0.5 : 1.0 / 3.0;
      for (const Flavour flavour : {Flavour::midpoint, Flavour::taylor}) {
        const std::string suffix = flavour == Flavour::taylor ? ", Taylor" : "";
        loops[name + " singlestep" + suffix] =
            singlestep_loop(space, order, flavour, r1, 2.0 / 3.0);
        loops[name + " multistep" + suffix] = multistep_loop({.order = order,
                                                              .space = space,
                                                              .flavour = flavour,
                                                              .singlestep_start = order == 3,
                                                              .start_flavour = flavour});
      }
    }
    loops[solver + "-2 singlestep, r1 = 0.3"] =
        singlestep_loop(space, 2, Flavour::midpoint, 0.3, 0.0);
    loops[solver + "-3 singlestep, r2 = 0.5"] =
        singlestep_loop(space, 3, Flavour::midpoint, 0.25, 0.5);
    loops[solver + "-3 singlestep, stages on the grid"] = on_grid_loop(space);
    loops[solver + "-3 singlestep, lower order at the end"] = [=](const Job& job) {
      std::vector<int> orders(job.grid.size() - 1, 3);
      orders[orders.size() - 2] = 2;
      orders.back() = 1;
      return dpm_solver_fast(network_of(job, space), vp_linear, job.grid, orders, job.x, space);
    };
    loops[solver + "-3 multistep, halved difference"] =
        multistep_loop({.order = 3,
                        .space = space,
                        .second_difference = SecondDifference::halved,
                        .singlestep_start = true});
    loops[solver + "-3 multistep, lower-order start"] =
        multistep_loop({.order = 3, .space = space});
    loops[solver + "-3 multistep, lower order at the end"] = multistep_loop(
        {.order = 3, .space = space, .lower_order_final = true, .singlestep_start = true});
  }
}

inline void add_sde_loops(std::map<std::string, Loop>& loops) {
  for (const Space space : {Space::noise, Space::data}) {
    const bool noise = space == Space::noise;
    const std::string solver = noise ? "SDE-DPM-Solver-" : "SDE-DPM-Solver++-";
    const auto sde = [space](SdeOptions options) -> Loop {
      options.space = space;
      return [=](const Job& j) {
        return sde_multistep(network_of(j, space), j.grid, j.x, j.draws, options);
      };
    };
    for (int order = 1; order <= 3; ++order) {
      const std::string name = solver + std::to_string(order);
      loops[name] = sde({.order = order});
      loops[name + ", tau = 0.5"] = sde({.order = order, .tau = 0.5});
    }
    loops[solver + "2, Taylor"] = sde({.flavour = Flavour::taylor});

    const auto sa = [space](SaSolverOptions options) -> Loop {
      options.space = space;
      return [=](const Job& j) {
        return sa_solver(network_of(j, space), j.grid, j.x, j.draws, options);
      };
    };
    const std::string suffix = noise ? ", noise" : "";
    loops["SA-Solver" + suffix] = sa({});
    loops["SA-Solver, tau = 0.5" + suffix] = sa({.tau = [](const dpm::Level&) { return 0.5; }});
    loops["SA-Solver, predictor alone" + suffix] = sa({.corrector = 0});
    if (noise) continue;
    loops["SA-Solver, predictor 4, corrector 2"] = sa({.predictor = 4, .corrector = 2});
    loops["SA-Solver, tau within"] = sa(
        {.tau = [](const dpm::Level& at) { return at.time > 0.1 && at.time < 0.9 ? 1.0 : 0.0; }});
  }
}

inline void add_unipc_loops(std::map<std::string, Loop>& loops) {
  using Form = UniPcOptions::Form;
  for (const Space space : {Space::noise, Space::data}) {
    const std::string suffix = space == Space::noise ? ", noise" : "";
    const auto add = [&](const std::string& name, UniPcOptions options) {
      options.space = space;
      loops[name + suffix] = [=](const Job& j) {
        return unipc(network_of(j, space), j.grid, j.x, options);
      };
    };
    for (int order = 1; order <= 4; ++order) {
      const std::string n = std::to_string(order);
      add("UniPC-" + n + " bh1", {.order = order, .form = Form::bh1});
      add("UniPC-" + n + " bh2", {.order = order, .form = Form::bh2});
      add("UniPC-" + n + " varying", {.order = order, .form = Form::varying});
      add("UniP-" + n + " bh1", {.order = order, .form = Form::bh1, .corrector = false});
    }
    add("UniPC-3 bh2, lower order at the end", {.order = 3, .lower_order_final = true});
  }
}

/// The rate of `dpm::VpLinear`, on whose grids the loops run.
inline double vp_linear_beta(double time) { return 0.1 + 19.9 * time; }

inline void add_ode_loops(std::map<std::string, Loop>& loops) {
  for (std::size_t order = 2; order <= 4; ++order) {
    const std::string n = std::to_string(order);
    for (const auto& [name, variable] : {std::pair{"tAB-DEIS-" + n, DeisVariable::time},
                                         {"rhoAB-DEIS-" + n, DeisVariable::sigma_over_alpha},
                                         {"DEIS-" + n + " in log rho", DeisVariable::lambda}}) {
      loops[name] = [order, variable = variable](const Job& j) {
        return deis(j.noise, vp_linear, vp_linear_beta, j.grid, j.x, order, variable);
      };
    }
    loops["iPNDM-" + n] = [=](const Job& j) { return ipndm(j.noise, j.grid, j.x, order); };
  }
  loops["DPM-Solver++-2 multistep, first order at the end"] = [](const Job& j) {
    const Network x0 = data_network(j.noise);
    const Levels before(j.grid.begin(), j.grid.end() - 1);
    const Vec x = multistep(x0, vp_linear, before, j.x, {.order = 2});
    return dpm_solver_pp_1_step(x0, before.back(), j.grid.back(), x);
  };
  loops["Heun"] = [](const Job& j) { return heun(j.noise, j.grid, j.x); };
  for (const int order : {2, 4}) {
    const std::string name = "Runge-Kutta-" + std::to_string(order);
    loops[name + " in time"] = [=](const Job& j) {
      return runge_kutta_in_time(j.noise, vp_linear, vp_linear_beta, j.grid, j.x, order);
    };
    loops[name + " in lambda"] = [=](const Job& j) {
      return runge_kutta_in_lambda(j.noise, vp_linear, j.grid, j.x, order);
    };
  }
}

/// Ancestral steps, churn and the SDE in singlestep form.
inline void add_noisy_loops(std::map<std::string, Loop>& loops) {
  for (const auto& [suffix, eta] : {std::pair{"", 1.0}, {", eta = 0.5", 0.5}}) {
    for (const auto& [name, step] : {std::pair{"DPM2 a", dpm_2_down(vp_linear)},
                                     {"DPM++ 2S a", dpmpp_2s_down(vp_linear)},
                                     {"DPM++ 3S a", dpmpp_3s_down(vp_linear)}}) {
      loops[name + std::string(suffix)] = [eta = eta, step = step](const Job& j) {
        return ancestral_loop(j.noise, j.grid, j.x, eta, j.draws, step);
      };
    }
    loops["RES multistep a" + std::string(suffix)] = [eta = eta](const Job& j) {
      return res_multistep_ancestral(j.noise, j.grid, j.x, eta, j.draws);
    };
    loops["Euler a, rule of flows" + std::string(suffix)] = [eta = eta](const Job& j) {
      return euler_ancestral_flow(j.noise, j.grid, j.x, eta, j.draws);
    };
  }
  for (const auto& [suffix, eta] : {std::pair{"", 1.0}, {", eta = 0.5", 0.5}, {", eta = 0", 0.0}}) {
    loops["DPM++ SDE" + std::string(suffix)] = [eta = eta](const Job& j) {
      return dpmpp_sde(j.noise, vp_linear, j.grid, j.x, eta, 0.5, j.draws);
    };
  }
  loops["DPM++ SDE, r1 = 0.3"] = [](const Job& j) {
    return dpmpp_sde(j.noise, vp_linear, j.grid, j.x, 1.0, 0.3, j.draws);
  };
  for (const auto& [name, step] : {std::pair{"Euler with churn", euler_down()},
                                   {"Heun with churn", heun_down(vp_linear)},
                                   {"DPM2 with churn", dpm_2_down(vp_linear)}}) {
    loops[name] = [step = step](const Job& j) {
      return churned_loop(j.noise, vp_linear, j.grid, j.x, {2, 0.1, 50}, j.draws, step);
    };
  }
  loops["Restart"] = [](const Job& j) {
    const int steps = static_cast<int>(j.grid.size() - 1) / 3;
    return restart(j.noise, vp_linear, j.grid, j.x, 0.1, 2, steps, 2, j.draws);
  };
  for (const auto& [suffix, tau] : {std::pair{"", 1.0}, {", tau = 0.5", 0.5}, {", tau = 0", 0.0}}) {
    const double eta = tau * tau;
    loops["SEEDS-2" + std::string(suffix)] = [eta](const Job& j) {
      return seeds_2(j.noise, vp_linear, j.grid, j.x, eta, j.draws);
    };
    loops["SEEDS-3" + std::string(suffix)] = [eta](const Job& j) {
      return seeds_3(j.noise, vp_linear, j.grid, j.x, eta, j.draws);
    };
  }
  for (const auto& [suffix, eta] : {std::pair{"", 1.0}, {", tau = 0", 0.0}}) {
    loops["SEEDS-2, r1 = 1, Taylor" + std::string(suffix)] = [eta = eta](const Job& j) {
      return seeds_2(j.noise, vp_linear, j.grid, j.x, eta, j.draws, 1.0, true);
    };
  }
  loops["SEEDS-2, r1 = 0.3, Taylor"] = [](const Job& j) {
    return seeds_2(j.noise, vp_linear, j.grid, j.x, 1.0, j.draws, 0.3, true);
  };
  loops["SEEDS-3, r2 = 0.5, tau = 0"] = [](const Job& j) {
    return seeds_3(j.noise, vp_linear, j.grid, j.x, 0.0, j.draws, 0.25, 0.5);
  };
  for (int order = 1; order <= 3; ++order) {
    for (const auto& [suffix, points] : {std::pair{"", 0}, {", sums of 4", 4}}) {
      loops["ER-SDE-" + std::to_string(order) + suffix] = [order, points = points](const Job& j) {
        return er_sde(j.noise, j.grid, j.x, order, points, j.draws);
      };
    }
  }
}

/// What ComfyUI and the models of few steps have besides.
inline void add_sigma_loops(std::map<std::string, Loop>& loops) {
  loops["Gradient estimation"] = [](const Job& j) {
    return gradient_estimation(j.noise, j.grid, j.x, 2.0);
  };
  loops["Heun++"] = [](const Job& j) { return heunpp2(j.noise, j.grid, j.x); };
  for (std::size_t order = 2; order <= 4; ++order) {
    loops["iPNDM-" + std::to_string(order) + ", equal-step weights"] = [order](const Job& j) {
      return ipndm_of_equal_steps(j.noise, j.grid, j.x, order);
    };
  }
  loops["SA-Solver, PECE"] = [](const Job& j) {
    return sa_solver(data_network(j.noise), j.grid, j.x, j.draws, {.evaluates_again = true});
  };
  loops["SA-Solver, simple second order"] = [](const Job& j) {
    return sa_solver(data_network(j.noise), j.grid, j.x, j.draws,
                     {.predictor = 2, .corrector = 2, .simple = true});
  };
  loops["LCM"] = [](const Job& j) { return lcm(j.noise, j.grid, j.x, j.draws); };
  loops["TCD"] = [](const Job& j) { return tcd(j.noise, vp_linear, j.grid, j.x, 0.3, j.draws); };
}

/// Every textbook sampler that a variant of `every_method` has, by the name it has there.
inline std::map<std::string, Loop> textbook_loops() {
  std::map<std::string, Loop> loops;
  add_dpm_solver_loops(loops);
  add_sde_loops(loops);
  add_unipc_loops(loops);
  add_ode_loops(loops);
  add_noisy_loops(loops);
  add_sigma_loops(loops);
  loops["DDIM"] = [](const Job& j) { return ddim(j.noise, j.grid, j.x); };
  for (const auto& [name, eta] : {std::pair{"DDIM, eta = 0.5", 0.5}, {"DDIM, eta = 1", 1.0}}) {
    loops[name] = [eta = eta](const Job& j) { return ddim(j.noise, j.grid, j.x, eta, j.draws); };
  }
  loops["DDPM, posterior variance"] = [](const Job& j) {
    return ddpm(j.noise, j.grid, j.x, DdpmVariance::posterior, j.draws);
  };
  loops["DDPM, beta variance"] = [](const Job& j) {
    return ddpm(j.noise, j.grid, j.x, DdpmVariance::beta, j.draws);
  };
  loops["PNDM"] = [](const Job& j) { return pndm(j.noise, vp_linear, j.grid, j.x); };
  loops["PNDM, PLMS only"] = [](const Job& j) { return plms(j.noise, j.grid, j.x); };
  return loops;
}

}  // namespace dpm_test::textbook
