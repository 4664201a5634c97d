selvedge_fuzz(NAME ingest SOURCES ${CMAKE_CURRENT_LIST_DIR}/ingest_fuzz.c LIBS hub_merge hub_store common_wire)
