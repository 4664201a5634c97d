foreach(name boundary csv file_set flatten follow_match hash json_row modbus_registers mqtt_topic number pace rejects
        row_json schema schema_change singer singer_catalog state_file system_sample tap_metrics)
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
set(guide_dir ${CMAKE_CURRENT_BINARY_DIR}/connector_guide)
set(guide_names agent/connectors/onewire_options.h agent/connectors/onewire_options.c agent/el/tap_onewire.c declared.h)
list(TRANSFORM guide_names PREPEND ${guide_dir}/ OUTPUT_VARIABLE guide_files)
add_custom_command(OUTPUT ${guide_files} DEPENDS ${guide} ${PROJECT_SOURCE_DIR}/tests/support/code_of_page.py VERBATIM
    COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/tests/support/code_of_page.py ${guide} ${guide_dir} ${guide_names})
selvedge_test(NAME el_connector_guide_test LABEL unit LIBS agent_el common_log test_support
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/el_connector_guide_test.c ${guide_files})
target_include_directories(el_connector_guide_test BEFORE PRIVATE ${guide_dir})
target_compile_options(el_connector_guide_test PRIVATE -include ${guide_dir}/declared.h)
