# How long each compiler takes for some small files: the median of some runs in turns, in seconds.
#
#   cmake -D INCLUDE=<dpm's include> -D EIGEN=<Eigen's> -D OUTPUT=<folder> -D RUNS=<n>
#         -D COMPILERS=<list> -D LEVELS=<list of options> -P compile_time.cmake
#
# Writes OUTPUT/compile.tsv. The plan side is compiled without Eigen's folder; `separate` is the file
# that samples once more, where dpm/definitions.cpp has been left to another file.
cmake_minimum_required(VERSION 3.24)

file(WRITE ${OUTPUT}/eigen.cpp "#include <Eigen/Core>
Eigen::ArrayXf add(const Eigen::ArrayXf& a, const Eigen::ArrayXf& b) { return a + b; }
")
file(WRITE ${OUTPUT}/include.cpp "#include <Eigen/Core>
#include <dpm/dpm.hpp>
Eigen::ArrayXf add(const Eigen::ArrayXf& a, const Eigen::ArrayXf& b) { return a + b; }
")
set(sample_once "#include <Eigen/Core>
#include <dpm/dpm.hpp>
void run(Eigen::ArrayXf& x) {
  const auto model = [](const Eigen::ArrayXf& in, double, Eigen::ArrayXf& out) { out = in; };
  dpm::sample(dpm::VpLinear(), 20, model, x);
}
")
file(WRITE ${OUTPUT}/dpm.cpp "${sample_once}")
file(WRITE ${OUTPUT}/separate.cpp "#define DPM_SEPARATE\n${sample_once}")
file(WRITE ${OUTPUT}/definitions.cpp "#include <dpm/definitions.cpp>\n")
set(plan_side "")
foreach(folder schedule grid plan method)
  file(GLOB headers RELATIVE ${INCLUDE} ${INCLUDE}/dpm/${folder}/*.hpp)
  foreach(header IN LISTS headers)
    string(APPEND plan_side "#include <${header}>\n")
  endforeach()
endforeach()
file(WRITE ${OUTPUT}/plan.cpp "${plan_side}
#if defined(EIGEN_WORLD_VERSION)
#  error the plan side includes Eigen
#endif
dpm::Plan plan() { return make_plan(dpm::DpmSolver{}, dpm::VpLinear(), 20); }
")

set(sources eigen include dpm separate definitions plan)
math(EXPR middle "${RUNS} / 2")
set(figures "")
foreach(name IN LISTS COMPILERS)
  cmake_path(GET name FILENAME label)
  unset(compiler CACHE)
  find_program(compiler ${name})
  if(NOT compiler)
    message("${name} is not here")
    continue()
  endif()
  foreach(level IN LISTS LEVELS)
    foreach(source IN LISTS sources)
      set(times_${source} "")
    endforeach()
    foreach(run RANGE 1 ${RUNS})
      foreach(source IN LISTS sources)
        set(eigen -isystem ${EIGEN})
        if(source STREQUAL plan)
          set(eigen "")
        endif()
        string(TIMESTAMP start "%s%f")
        execute_process(
          COMMAND ${compiler} -std=c++20 ${level} -I${INCLUDE} ${eigen} -c ${OUTPUT}/${source}.cpp
                  -o ${OUTPUT}/${source}.o COMMAND_ERROR_IS_FATAL ANY)
        string(TIMESTAMP end "%s%f")
        math(EXPR microseconds "${end} - ${start}")
        list(APPEND times_${source} ${microseconds})
      endforeach()
    endforeach()
    foreach(source IN LISTS sources)
      list(SORT times_${source} COMPARE NATURAL)
      list(GET times_${source} ${middle} median)
      string(APPEND figures "${label} ${level}/${source}\t${median}e-6\n")
    endforeach()
  endforeach()
endforeach()
file(WRITE ${OUTPUT}/compile.tsv "${figures}")
