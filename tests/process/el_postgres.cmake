# Real servers of their own; skipped where PostgreSQL is not installed.
if(SELVEDGE_WITH_POSTGRES)
    selvedge_process_test(NAME el_postgres_test LABEL process SCRIPT el_postgres_test.py TIMEOUT 300)
    selvedge_process_test(NAME el_rejects_postgres_test LABEL process SCRIPT el_rejects_postgres_test.py TIMEOUT 300)
    selvedge_process_test(NAME el_postgres_cancel_test LABEL process SCRIPT el_postgres_cancel_test.py TIMEOUT 300)
    selvedge_process_test(NAME el_postgres_crash_test LABEL process SCRIPT el_postgres_crash_test.py TIMEOUT 600)
endif()
