#!/usr/bin/env python3
"""clang-format over our C files; exit 77 when there is no clang-format."""
import shutil
import subprocess
import sys

import tree


def main():
    program = shutil.which("clang-format")
    if not program:
        print("clang-format is not installed")
        return 77
    paths = tree.files(".c", ".h")
    result = subprocess.run([program, "--dry-run", "-Werror", "--style=file"] + paths, cwd=tree.ROOT,
                            stderr=subprocess.PIPE, text=True, check=False)
    wrong = sorted({line.split(":")[0] for line in result.stderr.split("\n") if ": error:" in line})
    for path in wrong:
        print(f"{path}: run clang-format -i on it")
    if result.returncode != 0 and not wrong:
        print(result.stderr)
    return 1 if result.returncode != 0 else 0


if __name__ == "__main__":
    sys.exit(main())
