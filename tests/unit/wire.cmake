foreach(name topics batch event messages)
    selvedge_test(NAME wire_${name}_test LABEL unit
        SOURCES ${CMAKE_CURRENT_LIST_DIR}/wire_${name}_test.c LIBS common_wire common_json PkgConfig::ZLIB)
endforeach()
