# What `cmake --install` copies besides the targets: headers, the license, and the files by which find_package(ET) finds all.
include(CMakePackageConfigHelpers)

foreach(root ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
  install(DIRECTORY ${root}/include/et DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    FILES_MATCHING PATTERN "*.h" PATTERN "*.td" PATTERN "*.inc" PATTERN CMakeFiles EXCLUDE)
endforeach()

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/et-c DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(ET_INSTALL_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/et)
get_property(ET_EXPORTS GLOBAL PROPERTY ET_EXPORTS)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/ETConfig.cmake.in ${PROJECT_BINARY_DIR}/ETConfig.cmake
  INSTALL_DESTINATION ${ET_INSTALL_CMAKE_DIR}
  PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_BINDIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/ETConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(EXPORT ETTargets DESTINATION ${ET_INSTALL_CMAKE_DIR})
install(FILES ${PROJECT_BINARY_DIR}/ETConfig.cmake ${PROJECT_BINARY_DIR}/ETConfigVersion.cmake
  DESTINATION ${ET_INSTALL_CMAKE_DIR})
