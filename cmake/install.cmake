# cmake --install and, for those who use them, find_package(dpm CONFIG) and pkg-config.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(package_dir ${CMAKE_INSTALL_DATADIR}/cmake/dpm)
write_basic_package_version_file(dpm-config-version.cmake COMPATIBILITY SameMinorVersion
                                 ARCH_INDEPENDENT)
install(TARGETS dpm dpm_separate dpm_cuda EXPORT dpm-targets FILE_SET HEADERS)
install(FILES include/${dpm_definitions} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/dpm)
target_sources(
  dpm_separate
  INTERFACE $<INSTALL_INTERFACE:$<INSTALL_PREFIX>/${CMAKE_INSTALL_INCLUDEDIR}/${dpm_definitions}>)
install(FILES include/${dpm_kernels} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/dpm/interop)
target_sources(dpm_cuda
               INTERFACE $<INSTALL_INTERFACE:$<INSTALL_PREFIX>/${CMAKE_INSTALL_INCLUDEDIR}/${dpm_kernels}>)
install(EXPORT dpm-targets NAMESPACE dpm:: DESTINATION ${package_dir})
install(FILES cmake/dpm-config.cmake cmake/dpm-eigen.cmake cmake/FindONNXRuntime.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/dpm-config-version.cmake
        DESTINATION ${package_dir})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

# For those who have no CMake.
configure_file(cmake/dpm.pc.in dpm.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/dpm.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig)
