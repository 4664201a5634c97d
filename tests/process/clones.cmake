# Two hosts speak in turn for half a minute before they are told to be two.
selvedge_process_test(NAME clones LABEL process SCRIPT clones_test.py TIMEOUT 400)
