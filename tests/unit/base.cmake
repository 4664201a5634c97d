foreach(name arena buf err md5 str strmap time uuid)
    selvedge_test(NAME base_${name}_test LABEL unit
        SOURCES ${CMAKE_CURRENT_LIST_DIR}/base_${name}_test.c LIBS common_base test_support)
endforeach()
