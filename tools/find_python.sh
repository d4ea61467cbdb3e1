#!/bin/sh
# Print the first interpreter that runs, is Python 3.11 to 3.13 and can make virtual environments.
# Usage: find_python.sh [PYTHON]   A PYTHON given by the user is the only candidate.
# "Runs" is tested by running: pyenv leaves a python3.13 on the PATH that only prints an error.
found=""
for candidate in ${1:-python3.13 python3.12 python3.11 python3}; do
    version=$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || {
        found="$found
  $candidate: not there, or does not run"
        continue
    }
    case $version in
    3.11 | 3.12 | 3.13) ;;
    *)
        found="$found
  $candidate: is Python $version"
        continue
        ;;
    esac
    if ! "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
        found="$found
  $candidate: is Python $version, but lacks venv or ensurepip
    (on Debian and Ubuntu: apt install python$version-venv)"
        continue
    fi
    echo "$candidate"
    exit 0
done
echo "No usable Python. Needed: Python 3.11, 3.12 or 3.13 with venv. Found:$found
Install one, or name it: make PYTHON=/path/to/python3.12 ..." >&2
exit 1
