add_executable(cron_ticks ${CMAKE_CURRENT_LIST_DIR}/cron_ticks.c ${CMAKE_CURRENT_LIST_DIR}/zones.c)
target_link_libraries(cron_ticks PRIVATE common_model common_platform project_options)
set_target_properties(cron_ticks PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)

foreach(peer croniter dagster)
    selvedge_process_test(NAME cron_${peer}_test LABEL interop SCRIPT cron_test.py ARGS ${peer} TIMEOUT 1800)
    # They use processors, not the machine: others may run beside them.
    set_tests_properties(cron_${peer}_test PROPERTIES RESOURCE_LOCK "" COST 100)
endforeach()
