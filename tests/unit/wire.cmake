foreach(name topics batch command desired event messages)
    selvedge_test(NAME wire_${name}_test LABEL unit
        SOURCES ${CMAKE_CURRENT_LIST_DIR}/wire_${name}_test.c LIBS common_wire common_json PkgConfig::ZLIB)
endforeach()
selvedge_test(NAME wire_signed_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/wire_signed_test.c
    LIBS common_wire common_platform common_tls)
selvedge_test(NAME event_metadata_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/event_metadata_test.c LIBS common_wire)
