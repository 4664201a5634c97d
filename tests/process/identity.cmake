selvedge_process_test(NAME devices LABEL process SCRIPT devices_test.py TIMEOUT 180)
selvedge_process_test(NAME revoke LABEL process SCRIPT revoke_test.py TIMEOUT 180)
selvedge_process_test(NAME renew LABEL process SCRIPT renew_test.py TIMEOUT 300)
selvedge_process_test(NAME backup LABEL process SCRIPT backup_test.py TIMEOUT 180)
