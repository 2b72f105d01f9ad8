# Compiles the kernels of dpm/interop/cuda.hpp and bench/device/device.cu with all warnings as errors, links
# them, and runs the checks if there is a GPU. NVCC, SOURCE: the project's folder, OUTPUT: a folder.
file(MAKE_DIRECTORY ${OUTPUT})
set(objects "")
foreach(file include/dpm/interop/cuda.cu bench/device/device.cu)
  cmake_path(GET file STEM name)
  set(object ${OUTPUT}/${name}.o)
  execute_process(
    COMMAND ${NVCC} -std=c++20 -O1 -Werror all-warnings -Xcompiler -Wall,-Wextra,-Werror -I ${SOURCE}/include
            -c ${SOURCE}/${file} -o ${object} COMMAND_ERROR_IS_FATAL ANY)
  list(APPEND objects ${object})
endforeach()
execute_process(COMMAND ${NVCC} ${objects} -o ${OUTPUT}/device COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${OUTPUT}/device --checks RESULT_VARIABLE result)
if(NOT result EQUAL 0 AND NOT result EQUAL 77)
  message(FATAL_ERROR "${OUTPUT}/device has ended with ${result}")
endif()
