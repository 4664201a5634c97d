add_library(db_work STATIC db_work.c)
target_link_libraries(db_work PUBLIC common_db test_power PRIVATE PkgConfig::CMOCKA project_options)

foreach(name power fault vfs)
    selvedge_test(NAME db_${name}_test LABEL power TIMEOUT 300
        SOURCES ${CMAKE_CURRENT_LIST_DIR}/db_${name}_test.c LIBS db_work)
endforeach()
