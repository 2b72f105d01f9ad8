# What a compiler makes of the kernels at plain -O2, on x86-64: vector instructions, and no calls.
#
#   cmake -D COMPILER=<c++> -D SOURCE=<assembler.cpp> -D INCLUDE=<dpm's include>
#         -D OUTPUT=<file to write> -P assembler.cmake
cmake_minimum_required(VERSION 3.24)

execute_process(COMMAND ${COMPILER} -std=c++20 -O2 -I${INCLUDE} -S ${SOURCE} -o ${OUTPUT}
                        COMMAND_ERROR_IS_FATAL ANY)
file(STRINGS ${OUTPUT} lines)

# Sets `body` to the instructions of the function with this name.
function(find_body name)
  set(body "")
  set(inside OFF)
  foreach(line IN LISTS lines)
    if(line MATCHES "^_ZN3dpm6detail[0-9]+${name}[^ ]*:")
      set(inside ON)
    elseif(inside AND line MATCHES "cfi_endproc")
      break()
    elseif(inside)
      list(APPEND body "${line}")
    endif()
  endforeach()
  if(NOT body)
    message(SEND_ERROR "${name} is not in the assembly")
  endif()
  set(body "${body}" PARENT_SCOPE)
endfunction()

# How many instructions of the function there must be.
function(expect name what pattern least most)
  find_body(${name})
  list(FILTER body INCLUDE REGEX "^[ \t]+${pattern}")
  list(LENGTH body count)
  message("${name}: ${count} ${what}")
  if(count LESS least OR count GREATER most)
    message(SEND_ERROR "there must be ${least} to ${most}")
  endif()
endfunction()

set(scalar "v?(mul|add|sub|div|sqrt|fmadd[0-9]+)s[sd]")
# Two sums of three products, in a loop over four packs.
expect(combine_blocks "packed fused multiply-adds" "vfmadd[0-9]+ps.*%ymm" 16 64)
expect(combine_blocks "packed products" "vmulps.*%ymm" 8 32)
expect(combine_blocks "scalar sums or products" "${scalar}" 0 0)
expect(finite_blocks "packed instructions" ".*%ymm" 12 100)
expect(finite_blocks "scalar sums or products" "${scalar}" 0 0)
expect(draw_groups_avx2 "packed instructions" ".*%ymm" 200 1000)
foreach(name combine_blocks finite_blocks draw_groups_avx2)
  expect(${name} "calls" "call" 0 0)
endforeach()
