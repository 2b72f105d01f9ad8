# How long each compiler takes for some small files, in seconds. The speed of a machine changes while
# they are compiled, so each is timed right after the file that only adds two arrays of Eigen: what
# counts is the median of the ratios, and the times are those ratios times the median of that file.
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

set(sources include dpm separate definitions plan)

# Microseconds that `compiler` takes for a source.
function(time_source source result)
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
  set(${result} ${microseconds} PARENT_SCOPE)
endfunction()

function(median values result)
  list(SORT values COMPARE NATURAL)
  list(LENGTH values count)
  math(EXPR middle "${count} / 2")
  list(GET values ${middle} value)
  set(${result} ${value} PARENT_SCOPE)
endfunction()

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
    set(times "")
    foreach(source IN LISTS sources)
      set(ratios_${source} "")
    endforeach()
    foreach(run RANGE 1 ${RUNS})
      foreach(source IN LISTS sources)
        time_source(eigen before)
        time_source(${source} time)
        list(APPEND times ${before})
        math(EXPR ratio "${time} * 1000000 / ${before}")
        list(APPEND ratios_${source} ${ratio})
      endforeach()
    endforeach()
    median("${times}" eigen_time)
    string(APPEND figures "${label} ${level}/eigen\t${eigen_time}e-6\n")
    foreach(source IN LISTS sources)
      median("${ratios_${source}}" ratio)
      math(EXPR time "${eigen_time} * ${ratio} / 1000000")
      string(APPEND figures "${label} ${level}/${source}\t${time}e-6\n")
    endforeach()
  endforeach()
endforeach()
file(WRITE ${OUTPUT}/compile.tsv "${figures}")
