include(${CMAKE_CURRENT_LIST_DIR}/dpm-eigen.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/dpm-targets.cmake)
