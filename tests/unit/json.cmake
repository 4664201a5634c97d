foreach(name json json_scan json_writer)
    selvedge_test(NAME ${name}_test LABEL unit
        SOURCES ${CMAKE_CURRENT_LIST_DIR}/${name}_test.c LIBS common_json)
endforeach()
target_link_libraries(json_test PRIVATE test_support)
