"""A client that was generated from job_worker.proto beside this file, as it is: what the founding document
promises, over Japanese text and a ring that has wrapped. Usage: seed_client.py CLIENT.toml

Python's protobuf refuses a string that is no UTF-8, so a message that is cut inside a character ends a stream here.
Only what starts the jobs knows the contract of today: the founding one has no field for a command."""

import sys
import tomllib

import grpc

import job_worker_pb2 as seed
import job_worker_pb2_grpc
from jobworker.v1 import job_worker_pb2 as v1
from jobworker.v1 import job_worker_pb2_grpc as v1_grpc

LINE = "日本語の出力です。\n"
ENDED = ("exited", "failed", "stopped")


def check(truth, what):
    if not truth:
        sys.exit(f"seed_client: {what}")


def start(server, script, *words):
    spec = v1.JobSpec(command=["/bin/sh", "-c", script, "sh", *words], output_retain_bytes=64 << 10)
    return v1_grpc.JobWorkerStub(server).Start(v1.JobRequest(spec=spec)).id


def logs(client, id):
    return "".join(message.log for message in client.Logs(seed.JobRequest(id=id)))


def a_start_says_what_is_missing(client, server):
    try:
        client.Start(seed.JobRequest())
    except grpc.RpcError as e:
        check(e.code() == grpc.StatusCode.INVALID_ARGUMENT, f"Start is answered by {e.code()}")
        check(e.details().startswith("spec.command: is missing"), f"Start says {e.details()!r}")
        check("\n" not in e.details(), "Start says it in more than one line")
    else:
        check(False, "Start is answered by a job")


def a_ring_that_wrapped_is_text(client, server):
    lines = 20001
    id = start(server, 'yes "$1" | head -n "$2"', LINE.rstrip(), str(lines))
    followed = logs(client, id)  # from while the job ran, perhaps overtaken
    check("\ufffd" not in followed, "a follower got a character in pieces")
    kept = logs(client, id)
    check(1000 < len(kept) < lines * len(LINE) / 4, f"{len(kept)} characters are kept")
    check((LINE * lines).endswith(kept), "what is kept is not the end of the output")
    status = client.Status(seed.JobRequest(id=id))
    check(status.status in ENDED, f"the status is {status.status}")
    check(len(status.output) > 1000 and kept.endswith(status.output), "the newest output is not that")


def broken_bytes_are_replaced(client, server):
    parts = r"printf '\346\227'; sleep 0.1; printf '\303' >&2; sleep 0.1; printf '\245'; sleep 0.1; printf '\274' >&2"
    # Whichever of the two is whole first.
    check(logs(client, start(server, parts)) in ("日ü", "ü日"), "a character in parts is not one")
    broken = r"printf 'a\377b'; head -c 500000 /dev/urandom; printf '\346'"
    text = logs(client, start(server, broken))
    check(text.endswith("\ufffd"), "a character that never ends is not replaced")


def a_job_is_stopped(client, server):
    id = start(server, "sleep 1000")
    check(client.Status(seed.JobRequest(id=id)).status == "running", "the job does not run")
    check(client.Stop(seed.JobRequest(id=id)).status == "stopped", "the job is not stopped")


def main(file):
    with open(file, "rb") as toml:
        me = tomllib.load(toml)
    credentials = grpc.ssl_channel_credentials(*(me[name].encode() for name in ("ca", "key", "cert")))
    with grpc.secure_channel(me["address"], credentials) as server:
        client = job_worker_pb2_grpc.JobWorkerStub(server)
        a_start_says_what_is_missing(client, server)
        a_ring_that_wrapped_is_text(client, server)
        broken_bytes_are_replaced(client, server)
        a_job_is_stopped(client, server)


main(*sys.argv[1:])
