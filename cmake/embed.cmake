# embed_sql(<target> <MODULE> <file.sql>...): builds generated/<module>_sql.h (an enum of names) and <module>_sql.c (the
# table of texts for db_options.sql) out of the named files; each file is one statement, its name is the file's name.
# embed_migrations(<target> <MODULE> <file.sql>...): the same for numbered migrations (db_options.migrations).
set(EMBED_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/embed_sql.cmake)
function(embed_texts kind target module)
    string(TOLOWER ${module} lower)
    set(out ${PROJECT_BINARY_DIR}/generated/${lower}_${kind})
    set(files ${ARGN})
    list(TRANSFORM files PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
    add_custom_command(OUTPUT ${out}.h ${out}.c
        COMMAND ${CMAKE_COMMAND} -DKIND=${kind} -DMODULE=${module} -DOUT=${out} "-DFILES=${files}" -P ${EMBED_SCRIPT}
        DEPENDS ${files} ${EMBED_SCRIPT} VERBATIM)
    target_sources(${target} PRIVATE ${out}.c ${out}.h)
endfunction()
function(embed_sql target module)
    embed_texts(sql ${target} ${module} ${ARGN})
endfunction()
function(embed_migrations target module)
    embed_texts(migrations ${target} ${module} ${ARGN})
endfunction()
