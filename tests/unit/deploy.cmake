foreach(name waves shelf answers)
    selvedge_test(NAME deploy_${name}_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/deploy_${name}_test.c
        LIBS hub_deploy common_platform test_shelf test_support)
endforeach()
selvedge_test(NAME wire_bundle_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/wire_bundle_test.c LIBS common_wire)
selvedge_test(NAME bundle_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/bundle_test.c LIBS bundle_world test_support)
selvedge_test(NAME deploy_desk_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/deploy_desk_test.c
    LIBS hub_deploy hub_store common_db common_platform test_support)
