add_executable(record_peer ${CMAKE_CURRENT_LIST_DIR}/record_peer.c)
target_link_libraries(record_peer PRIVATE agent_el project_options)
set_target_properties(record_peer PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
selvedge_process_test(NAME singer_record_test LABEL interop SCRIPT singer_record_test.py)
