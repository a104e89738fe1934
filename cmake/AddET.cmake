# The verbs that the project's CMakeLists use. Each wraps LLVM's or MLIR's verb of the same purpose and
# fixes what must be the same everywhere: one shared copy of MLIR, our include paths, generated headers first.

# add_et_tablegen(TD_FILE OUTPUT FLAG...): one generated file beside the .td's path in the build tree.
function(add_et_tablegen td output)
  set(LLVM_TARGET_DEFINITIONS ${td})
  mlir_tablegen(${output} ${ARGN} EXTRA_INCLUDES ${PROJECT_SOURCE_DIR}/include)
  set(TABLEGEN_OUTPUT ${TABLEGEN_OUTPUT} PARENT_SCOPE)
endfunction()

# add_et_headers(NAME): the target that stands for every add_et_tablegen above it in this file.
macro(add_et_headers name)
  add_public_tablegen_target(${name})
  add_dependencies(et-headers ${name})
endmacro()

# add_et_doc(TD_FILE PAGE FLAG...): a page of the reference, build/PRESET/docs/PAGE.md.
function(add_et_doc td page)
  set(LLVM_TARGET_DEFINITIONS ${td})
  mlir_tablegen(${page}.md ${ARGN} EXTRA_INCLUDES ${PROJECT_SOURCE_DIR}/include)
  set(copy ${PROJECT_BINARY_DIR}/docs/${page}.md)
  add_custom_command(OUTPUT ${copy} DEPENDS ${CMAKE_CURRENT_BINARY_DIR}/${page}.md
    COMMAND ${CMAKE_COMMAND} -E copy ${CMAKE_CURRENT_BINARY_DIR}/${page}.md ${copy}
    COMMENT "Generating docs/${page}.md")
  add_custom_target(${page}Doc DEPENDS ${copy})
  add_dependencies(et-doc ${page}Doc)
endfunction()

# add_et_passes(NAME): Passes.td here, as Passes.h.inc and as a page of the reference.
macro(add_et_passes name)
  add_et_tablegen(Passes.td Passes.h.inc -gen-pass-decls -name ${name})
  add_et_headers(${name}IncGen)
  add_et_doc(Passes.td ${name}Passes -gen-pass-doc)
endmacro()

# et_install(TARGET...): targets that `cmake --install` copies, and that find_package(ET) then has.
function(et_install)
  install(TARGETS ${ARGN} EXPORT ETTargets
    RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  set_property(GLOBAL APPEND PROPERTY ET_EXPORTS ${ARGN})
endfunction()

# add_et_library(NAME SOURCE... [INTERNAL] [LINK_LIBS LIB...]): a static library of ours over libMLIR.so,
# which is installed unless it is internal.
function(add_et_library name)
  cmake_parse_arguments(ARG "INTERNAL" "" "LINK_LIBS" ${ARGN})
  add_mlir_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS}
    DEPENDS et-headers
    EXCLUDE_FROM_LIBMLIR DISABLE_INSTALL)
  mlir_target_link_libraries(${name} PUBLIC MLIR)
  target_link_libraries(${name} PUBLIC ${ARG_LINK_LIBS})
  target_include_directories(${name} INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  if(NOT ARG_INTERNAL)
    et_install(${name})
  endif()
  if(NOT name STREQUAL ETDialect)
    # MLIR's headers take most of a compile; parse the common ones once.
    target_precompile_headers(${name} REUSE_FROM ETDialect)
  endif()
endfunction()

# add_et_tool(NAME SOURCE... [LINK_LIBS LIB...]): an executable in build/PRESET/bin, which is installed.
function(add_et_tool name)
  cmake_parse_arguments(ARG "" "" "LINK_LIBS" ${ARGN})
  add_llvm_executable(${name} ${ARG_UNPARSED_ARGUMENTS} DEPENDS et-headers)
  llvm_update_compile_flags(${name})
  mlir_target_link_libraries(${name} PRIVATE MLIR)
  target_link_libraries(${name} PRIVATE ${ARG_LINK_LIBS})
  # libMLIR.so need not be where the loader looks.
  set_property(TARGET ${name} APPEND PROPERTY INSTALL_RPATH ${LLVM_LIBRARY_DIR})
  et_install(${name})
endfunction()

# add_et_test(NAME LABEL COMMAND...): a ctest test, which fails after an hour. It may use all cores.
function(add_et_test name label)
  add_test(NAME ${name} COMMAND ${ARGN} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  # LLVM's libraries are not built with the sanitizers: they own memory that ours
  # poisons in their shared allocators, and what they leak is not our concern.
  set(environment ET_BUILD_DIR=${PROJECT_BINARY_DIR})
  if(ET_ASAN_LIBRARY)
    list(APPEND environment LD_PRELOAD=${ET_ASAN_LIBRARY}
      ASAN_OPTIONS=detect_leaks=0:allow_user_poisoning=0 UBSAN_OPTIONS=print_stacktrace=1)
  endif()
  set_tests_properties(${name} PROPERTIES LABELS ${label} TIMEOUT 3600 PROCESSORS ${ET_TEST_JOBS}
    ENVIRONMENT "${environment}")
endfunction()
