# They use a processor, not the machine: others may run beside them.
foreach(side target tap flatten batch)
    selvedge_process_test(NAME singer_${side}_test LABEL interop SCRIPT singer_${side}_test.py TIMEOUT 900)
    set_tests_properties(singer_${side}_test PROPERTIES RESOURCE_LOCK "" COST 100)
endforeach()

add_executable(flatten_peer ${CMAKE_CURRENT_LIST_DIR}/flatten_peer.c)
target_link_libraries(flatten_peer PRIVATE agent_el project_options)
set_target_properties(flatten_peer PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
