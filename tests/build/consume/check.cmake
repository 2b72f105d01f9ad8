# Configures, builds and runs the consumer project WAY in the empty folder WORK.
cmake_minimum_required(VERSION 3.24)

function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE ${WORK})
set(settings -D CMAKE_CXX_COMPILER=${COMPILER} -D Eigen3_DIR=${EIGEN_DIR} -D
             DPM_VERSION=${DPM_VERSION})
if(WAY STREQUAL "package")
  run(${CMAKE_COMMAND} --install ${DPM_BINARY_DIR} --prefix ${WORK}/prefix)
  list(APPEND settings -D CMAKE_PREFIX_PATH=${WORK}/prefix)
endif()
run(${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR}/${WAY} -B ${WORK}/build -G ${GENERATOR}
    ${settings})
if(WAY STREQUAL "package")
  # The copy that was found is the one just installed, not another on this machine.
  file(STRINGS ${WORK}/build/CMakeCache.txt found REGEX "^dpm_DIR:")
  if(NOT found STREQUAL "dpm_DIR:PATH=${WORK}/prefix/share/cmake/dpm")
    message(FATAL_ERROR "find_package(dpm) found another copy: ${found}")
  endif()
endif()
run(${CMAKE_COMMAND} --build ${WORK}/build)
run(${WORK}/build/consumer)
run(${WORK}/build/consumer_separate)
