include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_DATADIR}/cmake/kvx)
install(TARGETS kvx kvx_press EXPORT kvxTargets FILE_SET HEADERS)
install(EXPORT kvxTargets NAMESPACE kvx:: DESTINATION ${package_dir})
configure_package_config_file(cmake/kvxConfig.cmake.in kvxConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(kvxConfigVersion.cmake COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/kvxConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/kvxConfigVersion.cmake
        DESTINATION ${package_dir})
configure_file(cmake/kvx.pc.in kvx.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/kvx.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig)
