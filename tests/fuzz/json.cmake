foreach(name json json_scan)
    selvedge_fuzz(NAME ${name} SOURCES ${CMAKE_CURRENT_LIST_DIR}/${name}_fuzz.c LIBS common_json)
endforeach()
selvedge_fuzz(NAME yaml SOURCES ${CMAKE_CURRENT_LIST_DIR}/yaml_fuzz.c LIBS common_yaml)
