foreach(name json json_scan json_verbatim json_writer strict_json fields fields_doc)
    selvedge_test(NAME ${name}_test LABEL unit
        SOURCES ${CMAKE_CURRENT_LIST_DIR}/${name}_test.c LIBS common_json)
endforeach()
selvedge_test(NAME yaml_test LABEL unit
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/yaml_test.c LIBS common_yaml)
foreach(name json fields yaml)
    target_link_libraries(${name}_test PRIVATE test_support)
endforeach()
