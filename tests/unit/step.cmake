# Children of steps: their output, limits, ends.
selvedge_test(NAME capture_test LABEL unit
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/capture_test.c LIBS agent_run test_support)
target_link_options(capture_test PRIVATE -Wl,--wrap=open -Wl,--wrap=write)
add_library(step_fixture STATIC ${CMAKE_CURRENT_LIST_DIR}/step_fixture.c)
target_link_libraries(step_fixture PUBLIC agent_run store_fixture test_support PRIVATE PkgConfig::CMOCKA project_options)
target_compile_definitions(step_fixture PRIVATE SELVEDGE_EXEC="$<TARGET_FILE:selvedge-exec>")

foreach(name step_groups orphans step_process step_limits check_process)
    selvedge_test(NAME ${name}_test LABEL unit
        SOURCES ${CMAKE_CURRENT_LIST_DIR}/${name}_test.c LIBS step_fixture fake_cgroup)
    target_compile_definitions(${name}_test PRIVATE SELVEDGE_EXEC="$<TARGET_FILE:selvedge-exec>")
    add_dependencies(${name}_test selvedge-exec)
endforeach()
target_compile_definitions(check_process_test PRIVATE SELVEDGE_EL="$<TARGET_FILE:selvedge-el>")
add_dependencies(check_process_test selvedge-el)
target_compile_definitions(orphans_test PRIVATE ORPHANS_TEST="$<TARGET_FILE:orphans_test>")
