selvedge_process_test(NAME backfill LABEL process SCRIPT backfill_test.py TIMEOUT 300)
