"""Prints the ```c blocks of a page, one after the other, so that the code it shows is built: code_of_page.py PAGE"""
import re
import sys

with open(sys.argv[1], encoding="utf8") as page:
    print("\n".join(re.findall(r"^```c\n(.*?)^```$", page.read(), re.M | re.S)), end="")
