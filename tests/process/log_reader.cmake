selvedge_process_test(NAME log_reader LABEL process SCRIPT log_reader_test.py TIMEOUT 90)
