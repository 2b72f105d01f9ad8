# Makes one header of the library: dpm/dpm.hpp, the catalogue of names and the calibration, which need
# nothing but the standard library.
#
#     cmake -P cmake/amalgamate.cmake
#
# It goes to build/single/dpm.hpp, or to another file (-D TO=<file>, before -P).
cmake_minimum_required(VERSION 3.24)

cmake_path(SET include NORMALIZE ${CMAKE_CURRENT_LIST_DIR}/../include)
if(NOT TO)
  cmake_path(SET TO NORMALIZE ${CMAKE_CURRENT_LIST_DIR}/../build/single/dpm.hpp)
endif()

set(licence "// SPDX-License-Identifier: MIT\n// Copyright (c) 2026 the dpm authors\n")
set_property(GLOBAL PROPERTY written "")

# Writes a header, and in the place of each of its includes the header there, if it was not written before.
function(write_header name)
  get_property(written GLOBAL PROPERTY written)
  if(name IN_LIST written)
    return()
  endif()
  set_property(GLOBAL APPEND PROPERTY written ${name})
  file(READ ${include}/${name} text)
  foreach(once "${licence}" "#pragma once\n")
    string(FIND "${text}" "${once}" found)
    if(found EQUAL -1)
      message(FATAL_ERROR "${name} has no line\n${once}")
    endif()
    string(REPLACE "${once}" "" text "${text}")
  endforeach()
  file(APPEND ${TO} "\n// ${name}\n")
  while(text MATCHES "\n# *include \"(dpm/[^\"]+)\"[^\n]*\n")
    set(line "${CMAKE_MATCH_0}")
    set(inner ${CMAKE_MATCH_1})
    string(FIND "${text}" "${line}" at)
    string(SUBSTRING "${text}" 0 ${at} before)
    string(LENGTH "${line}" length)
    math(EXPR after "${at} + ${length} - 1") # its end begins the next line
    string(SUBSTRING "${text}" ${after} -1 text)
    file(APPEND ${TO} "${before}\n")
    write_header(${inner})
  endwhile()
  file(APPEND ${TO} "${text}")
endfunction()

file(WRITE ${TO} "${licence}/// @file\n/// dpm in one header. It is made from include/dpm: change it there.\n#pragma once\n")
file(APPEND ${TO} "#if defined(DPM_SEPARATE)\n#  error \"dpm in one header has no part to compile separately: leave DPM_SEPARATE out\"\n#endif\n")
foreach(name dpm/catalogue.hpp dpm/calibration/calibrate.hpp dpm/calibration/interpolate_plans.hpp dpm/analysis/convergence.hpp)
  write_header(${name})
endforeach()
get_property(written GLOBAL PROPERTY written)
list(LENGTH written count)
message(STATUS "${TO}: ${count} headers in one")
