# Configures, builds and runs the consumer project WAY in the empty folder WORK.
cmake_minimum_required(VERSION 3.24)

function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# consumer(<name> <settings>...): configures, builds and runs it.
function(consumer name)
  run(${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR}/${WAY} -B ${WORK}/${name} -G ${GENERATOR}
      ${common} ${ARGN})
  run(${CMAKE_COMMAND} --build ${WORK}/${name})
endfunction()

# The copy that was found is the one just installed, not another on this machine.
function(check_found name)
  file(STRINGS ${WORK}/${name}/CMakeCache.txt found REGEX "^dpm_DIR:")
  if(NOT found STREQUAL "dpm_DIR:PATH=${WORK}/prefix/share/cmake/dpm")
    message(FATAL_ERROR "find_package(dpm) found another copy: ${found}")
  endif()
endfunction()

file(REMOVE_RECURSE ${WORK})
set(common -D CMAKE_CXX_COMPILER=${COMPILER} -D DPM_VERSION=${DPM_VERSION} -D
           CMAKE_PREFIX_PATH=${WORK}/prefix)
if(WAY STREQUAL "no_eigen")
  list(APPEND common -D CMAKE_DISABLE_FIND_PACKAGE_Eigen3=ON)
  # Here dpm is configured, installed and found without Eigen, and then used as a subdirectory.
  run(${CMAKE_COMMAND} -S ${DPM_SOURCE_DIR} -B ${WORK}/dpm -G ${GENERATOR} ${common} -D
      DPM_BUILD_TESTS=OFF -D DPM_BUILD_BENCH=OFF -D DPM_BUILD_EXAMPLES=OFF)
  run(${CMAKE_COMMAND} --install ${WORK}/dpm --prefix ${WORK}/prefix)
  consumer(subdirectory -D SUBDIRECTORY=ON)
  consumer(package)
  check_found(package)
  run(${WORK}/subdirectory/consumer_dpm)
  run(${WORK}/package/consumer_dpm)
  run(${WORK}/package/consumer_separate)
elseif(WAY STREQUAL "pkg_config")
  find_program(PKG_CONFIG pkg-config REQUIRED)
  # Moved after it was installed: the file says where it lies itself.
  run(${CMAKE_COMMAND} --install ${DPM_BINARY_DIR} --prefix ${WORK}/before)
  file(RENAME ${WORK}/before ${WORK}/prefix)
  set(ENV{PKG_CONFIG_PATH} ${WORK}/prefix/share/pkgconfig)
  run(${PKG_CONFIG} --print-errors --exact-version=${DPM_VERSION} dpm)
  execute_process(COMMAND ${PKG_CONFIG} --cflags dpm OUTPUT_VARIABLE flags OUTPUT_STRIP_TRAILING_WHITESPACE
                          COMMAND_ERROR_IS_FATAL ANY)
  separate_arguments(flags)
  run(${COMPILER} -std=c++20 ${flags} ${CMAKE_CURRENT_LIST_DIR}/vector.cpp -o ${WORK}/consumer)
  run(${WORK}/consumer)
else()
  if(WAY STREQUAL "package")
    run(${CMAKE_COMMAND} --install ${DPM_BINARY_DIR} --prefix ${WORK}/prefix)
  endif()
  consumer(build -D Eigen3_DIR=${EIGEN_DIR})
  if(WAY STREQUAL "package")
    check_found(build)
  endif()
  run(${WORK}/build/consumer)
  run(${WORK}/build/consumer_separate)
endif()
