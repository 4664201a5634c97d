add_executable(model_peer ${CMAKE_CURRENT_LIST_DIR}/model_peer.c ${CMAKE_CURRENT_LIST_DIR}/zones.c ${CMAKE_CURRENT_LIST_DIR}/peer_automation.c
    ${CMAKE_CURRENT_LIST_DIR}/peer_selection.c ${CMAKE_CURRENT_LIST_DIR}/peer_staleness.c
    ${CMAKE_CURRENT_LIST_DIR}/peer_time.c)
target_link_libraries(model_peer PRIVATE common_model common_json common_platform common_tls project_options)
set_target_properties(model_peer PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)

# They use processors, not the machine: others may run beside them.
foreach(name automation backoff failures freshness multi_asset selection staleness)
    selvedge_process_test(NAME dagster_${name}_test LABEL interop SCRIPT ${name}_test.py TIMEOUT 900)
    set_tests_properties(dagster_${name}_test PROPERTIES RESOURCE_LOCK "" COST 100)
endforeach()
