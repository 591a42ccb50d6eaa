"""rq: jobs put into a queue, carried out by a worker process, their results awaited."""
import os
import subprocess
import sys
import time

import redis
import rq

JOBS = 20


def double(number):
    time.sleep(0.02)
    return 2 * number


def main():
    host, port = sys.argv[1], int(sys.argv[2])
    queue = rq.Queue("work", connection=redis.Redis(host, port))
    here = os.path.dirname(os.path.abspath(__file__))
    program = (f"import redis, rq; rq.SimpleWorker(['work'], connection=redis.Redis('{host}', {port})).work()")
    worker = subprocess.Popen([sys.executable, "-c", program], cwd=here, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        import rq_jobs  # so that the worker finds the function by this module's name
        jobs = []
        for number in range(JOBS):
            jobs.append(queue.enqueue(rq_jobs.double, number))
            time.sleep(0.1)
        deadline = time.monotonic() + 30
        while not all(job.get_status() == "finished" for job in jobs):
            if worker.poll() is not None:
                sys.exit("FAILED: the worker ended: " + worker.stderr.read().decode()[-1000:])
            if time.monotonic() > deadline:
                sys.exit("FAILED: " + str({job.get_status() for job in jobs}))
            time.sleep(0.05)
        results = [job.result for job in jobs]
        if results != [2 * number for number in range(JOBS)]:
            sys.exit(f"FAILED: {results}")
    finally:
        worker.terminate()
        worker.wait()
    print(f"{JOBS} jobs")


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    main()
