foreach(name boundary csv file_set flatten follow_match hash json_row modbus_registers mqtt_packets number pace row_json schema singer singer_catalog
        state_file system_sample)
    selvedge_test(NAME el_${name}_test LABEL unit
        SOURCES ${CMAKE_CURRENT_LIST_DIR}/el_${name}_test.c LIBS agent_el)
endforeach()
target_link_libraries(el_file_set_test PRIVATE common_gzip test_support)
target_link_libraries(el_state_file_test PRIVATE test_support)
target_link_libraries(el_system_sample_test PRIVATE test_support)
if(SELVEDGE_WITH_HTTP)
    foreach(name http_answer http_pager http_retry)
        selvedge_test(NAME el_${name}_test LABEL unit
            SOURCES ${CMAKE_CURRENT_LIST_DIR}/el_${name}_test.c LIBS agent_el)
    endforeach()
endif()
if(SELVEDGE_WITH_POSTGRES)
    foreach(name copy_text pg_type)
        selvedge_test(NAME el_${name}_test LABEL unit
            SOURCES ${CMAKE_CURRENT_LIST_DIR}/el_${name}_test.c LIBS agent_el)
    endforeach()
endif()

# The code on the page is built as it stands there.
set(guide ${PROJECT_SOURCE_DIR}/docs/how-to/write-a-connector.md)
add_custom_command(OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/tap_onewire.c DEPENDS ${guide}
    COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/tests/support/code_of_page.py ${guide}
        > ${CMAKE_CURRENT_BINARY_DIR}/tap_onewire.c VERBATIM)
selvedge_test(NAME el_connector_guide_test LABEL unit LIBS agent_el common_log test_support
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/el_connector_guide_test.c ${CMAKE_CURRENT_BINARY_DIR}/tap_onewire.c)
