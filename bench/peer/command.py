"""Runs programs, and alternates between two sides of a comparison."""
import os
import subprocess
import sys
import tempfile
import time


def fail(message):
    sys.exit(f"peers.py: {message}")


def run(*command):
    """Returns the output of a command, which must succeed."""
    try:
        result = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    except OSError as error:
        fail(error)
    if result.returncode != 0:
        fail(f"{command[0]} failed:\n{(result.stdout + result.stderr)[-2000:]}")
    return result.stdout


def timed(command):
    """Runs a process. Returns its seconds and its peak memory in bytes."""
    with tempfile.TemporaryFile() as log:
        start = time.monotonic()
        process = subprocess.Popen([str(part) for part in command], stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            log.seek(0)
            fail(f"{command[0]} failed:\n{log.read().decode(errors='replace')[-2000:]}")
    return seconds, usage.ru_maxrss * 1024


def alternate(repeats, *sides):
    """Runs the sides alternately. Returns a list of results for each side."""
    results = [[] for _ in sides]
    for repeat in range(repeats):
        for side, result in zip(sides, results):
            print(f"peers.py: {side.__name__}, run {repeat + 1} of {repeats}", file=sys.stderr)
            result.append(side())
    return results
