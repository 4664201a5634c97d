#!/usr/bin/env python3
"""Takes the pictures of docs/images anew, in light and dark, from the demo's six shops. With a folder as argument, there."""
import os
import sys

from ui_test import HERE, with_the_demo

if __name__ == "__main__":
    with_the_demo("pictures.mjs", os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "../../docs/images")))
