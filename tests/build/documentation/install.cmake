# Installs and uses dpm in one of the ways that README.md shows, WAY, in the empty folder WORK: runs the
# blocks of sh and CMake that stand there.
cmake_minimum_required(VERSION 3.24)

function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY
                  WORKING_DIRECTORY ${WORK})
endfunction()

# readme_block(<language> <text> <variable>): the block in that language that has the text in it.
function(readme_block language text variable)
  file(READ ${DPM_SOURCE_DIR}/README.md rest)
  set(fence "\n```${language}\n")
  string(LENGTH "${fence}" length)
  while(TRUE)
    string(FIND "${rest}" "${fence}" start)
    if(start EQUAL -1)
      message(FATAL_ERROR "README.md has no block of ${language} with `${text}`")
    endif()
    math(EXPR start "${start} + ${length}")
    string(SUBSTRING "${rest}" ${start} -1 rest)
    string(FIND "${rest}" "```" end)
    string(SUBSTRING "${rest}" 0 ${end} block)
    string(FIND "${block}" "${text}" found)
    if(NOT found EQUAL -1)
      set(${variable} "${block}" PARENT_SCOPE)
      return()
    endif()
  endwhile()
endfunction()

file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})
file(CREATE_LINK ${DPM_SOURCE_DIR} ${WORK}/dpm SYMBOLIC)
set(ENV{CXX} ${COMPILER})
set(ENV{CMAKE_GENERATOR} ${GENERATOR})

if(WAY STREQUAL "copy")
  readme_block(sh "cp -r dpm/include/dpm" block)
  # With the compiler of this build, and quickly.
  string(REPLACE "g++" "${COMPILER}" block "${block}")
  string(REPLACE "-O2" "-O0" block "${block}")
  file(COPY_FILE ${DPM_SOURCE_DIR}/examples/quickstart.cpp ${WORK}/app.cpp)
  run(sh -euc "${block}")
  run(${WORK}/app)
  return()
endif()

set(settings -D CMAKE_CXX_COMPILER=${COMPILER} -D Eigen3_DIR=${EIGEN_DIR})
if(WAY STREQUAL "find_package")
  readme_block(sh "cmake --install" install)
  set(ENV{DESTDIR} ${WORK}/staged)  # which is where it goes instead of /usr/local
  run(sh -euc "${install}")
  list(APPEND settings -D CMAKE_PREFIX_PATH=${WORK}/staged/usr/local)
elseif(WAY STREQUAL "FetchContent")
  list(APPEND settings -D FETCHCONTENT_SOURCE_DIR_DPM=${DPM_SOURCE_DIR})  # not from the net
endif()
readme_block(cmake ${WAY} block)
file(WRITE ${WORK}/CMakeLists.txt "cmake_minimum_required(VERSION 3.24)
project(app LANGUAGES CXX)
add_executable(app app.cpp)
${block}
target_link_libraries(app PRIVATE dpm::dpm)
")
# `consume` compiles programs that sample, as this does where dpm is copied.
file(WRITE ${WORK}/app.cpp "#include <dpm/version.hpp>
int main() { return DPM_VERSION_MAJOR < 0; }
")
run(${CMAKE_COMMAND} -S ${WORK} -B ${WORK}/out ${settings})
run(${CMAKE_COMMAND} --build ${WORK}/out)
run(${WORK}/out/app)
