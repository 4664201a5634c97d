selvedge_process_test(NAME worker_doc_test LABEL process SCRIPT worker_doc_test.py TIMEOUT 60)
selvedge_process_test(NAME guide_test LABEL process SCRIPT guide_test.py TIMEOUT 300)
selvedge_process_test(NAME external_broker_test LABEL process SCRIPT external_broker_test.py TIMEOUT 180)
