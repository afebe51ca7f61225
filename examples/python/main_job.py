"""Runs `ls -la` as a job, and stops a second one. Usage: main_job.py CLIENT.toml"""

import sys
import tomllib

import grpc

from jobworker.v1.job_worker_pb2 import STREAM_STDERR, JobRequest, JobSpec
from jobworker.v1.job_worker_pb2_grpc import JobWorkerStub


def connect(file):
    """The channel that the file, which `job-worker-server client add` has written, is for."""
    with open(file, "rb") as toml:
        me = tomllib.load(toml)
    credentials = grpc.ssl_channel_credentials(
        root_certificates=me["ca"].encode(),
        private_key=me["key"].encode(),
        certificate_chain=me["cert"].encode(),
    )
    return grpc.secure_channel(me["address"], credentials)


def main(file):
    with connect(file) as channel:
        server = JobWorkerStub(channel)
        job = server.Start(JobRequest(spec=JobSpec(command=["ls", "-la"])))
        print(f"{job.id} is {server.Status(JobRequest(id=job.id)).status}", flush=True)
        for message in server.Logs(JobRequest(id=job.id)):  # until the job ends
            if message.dropped_bytes:
                print(f"{message.dropped_bytes} bytes are kept no more", file=sys.stderr)
            out = sys.stderr if message.stream == STREAM_STDERR else sys.stdout
            out.buffer.write(message.log)
            out.flush()
        ended = server.Status(JobRequest(id=job.id))
        print(f"{job.id} is {ended.status} with exit code {ended.exit_code}")
        second = server.Start(JobRequest(spec=JobSpec(command=["sleep", "1000"])))
        print(f"{second.id} is {server.Stop(JobRequest(id=second.id)).status}")


try:
    main(*sys.argv[1:])
except grpc.RpcError as e:
    sys.exit(f"{e.code().name}: {e.details()}")
