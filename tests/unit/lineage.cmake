selvedge_test(NAME lineage_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/lineage_test.c LIBS hub_lineage merge_world)
