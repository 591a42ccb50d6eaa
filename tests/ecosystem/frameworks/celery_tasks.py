"""Celery: the server is broker and result backend; groups, chains, retries, a countdown."""
import os
import subprocess
import sys
import time

from celery import Celery, chain, group

URL = os.environ.get("SHARDFORGE_URL", "redis://127.0.0.1:6379/0")
app = Celery("celery_tasks", broker=URL, backend=URL)
app.conf.update(worker_prefetch_multiplier=1, task_acks_late=True, broker_connection_retry_on_startup=True)


@app.task(name="double")
def double(number):
    return 2 * number


@app.task(name="add")
def add(a, b):
    return a + b


@app.task(name="stumble", bind=True, max_retries=3, default_retry_delay=0.2)
def stumble(self, number):
    if self.request.retries == 0:
        raise self.retry()
    return number


def main():
    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "celery_tasks", "worker", "--pool", "threads", "--concurrency", "4", "--loglevel", "WARNING"],
        cwd=os.path.dirname(os.path.abspath(__file__)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        import celery_tasks as tasks
        results = []
        for number in range(40):
            results.append(tasks.double.apply_async((number,), countdown=0.3 if number % 4 == 0 else 0))
            time.sleep(0.06)
        got = [result.get(timeout=60) for result in results]
        if got != [2 * number for number in range(40)]:
            sys.exit(f"FAILED: {got}")
        if group(tasks.double.s(n) for n in range(10))().get(timeout=60) != [2 * n for n in range(10)]:
            sys.exit("FAILED: a group")
        if chain(tasks.add.s(1, 2), tasks.double.s(), tasks.add.s(4))().get(timeout=60) != 10:
            sys.exit("FAILED: a chain")
        if tasks.stumble.delay(7).get(timeout=60) != 7:
            sys.exit("FAILED: a retry")
    finally:
        worker.terminate()
        worker.wait()
    print("53 tasks")


if __name__ == "__main__":
    main()
