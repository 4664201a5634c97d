# The fixture owns the embedded statements, which also tests cmake/embed.cmake.
add_library(db_fixture STATIC db_fixture.c)
embed_sql(db_fixture DBTEST
    db_sql/insert_thing.sql db_sql/things.sql db_sql/tricky_text.sql db_sql/long_text.sql)
embed_migrations(db_fixture DBTEST db_sql/0001_things.sql db_sql/0002_owners.sql)
target_link_libraries(db_fixture PUBLIC common_db test_support PRIVATE PkgConfig::CMOCKA project_options)

foreach(name open query tx control error embed)
    selvedge_test(NAME db_${name}_test LABEL unit
        SOURCES ${CMAKE_CURRENT_LIST_DIR}/db_${name}_test.c LIBS db_fixture)
endforeach()
selvedge_test(NAME db_rows_test LABEL unit
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/db_rows_test.c LIBS common_db)
selvedge_test(NAME db_functions_test LABEL unit
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/db_functions_test.c LIBS common_db)
