selvedge_fuzz(NAME dataset SOURCES ${CMAKE_CURRENT_LIST_DIR}/dataset_fuzz.c LIBS hub_lineage)
selvedge_fuzz(NAME lineage SOURCES ${CMAKE_CURRENT_LIST_DIR}/lineage_fuzz.c LIBS hub_lineage)
