selvedge_test(NAME lineage_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/lineage_test.c LIBS hub_lineage merge_world)
selvedge_test(NAME merge_quarantine_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/merge_quarantine_test.c LIBS merge_world)
selvedge_test(NAME clones_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/clones_test.c LIBS hub_clones)
selvedge_test(NAME freshness_fleet_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/freshness_fleet_test.c LIBS merge_world)
