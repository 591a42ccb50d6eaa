"""What the disk does by itself: a bare process that appends 4 KiB and syncs, all the time."""
import os
import subprocess
import sys

PROBE = """
import os, sys, time
file = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
longest = 0.0
while True:
    os.write(file, b"x" * 4096)
    before = time.monotonic()
    os.fdatasync(file)
    took = time.monotonic() - before
    if took > longest:
        longest = took
        print(1000 * longest, flush=True)
    time.sleep(0.02)
"""


class SyncProbe:
    def __init__(self, directory):
        self.path = os.path.join(directory, "probe")

    def __enter__(self):
        self.output = open(self.path + ".figures", "w+")
        self.process = subprocess.Popen([sys.executable, "-c", PROBE, self.path], stdout=self.output)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.output.seek(0)
        self.figures_ms = [float(line) for line in self.output.read().split()]
        self.output.close()

    def longest_ms(self):
        """Once it has ended."""
        return max(self.figures_ms, default=0.0)
