#!/bin/sh
# Generates the client from the descriptor set that is published with each build.
set -eu
contract=jobworker/v1/job_worker.proto
package=job-worker.example/main_job/jobworkerv1
for plugin in protoc-gen-go protoc-gen-go-grpc; do
    out=${plugin#protoc-gen-}_out
    "${PROTOC:-protoc}" --descriptor_set_in="${JOB_WORKER_DESCRIPTORS:-../../api/target/job_worker.binpb}" \
        --plugin="$(go tool -n "$plugin")" \
        --"$out"=. --"${out%_out}_opt=module=job-worker.example/main_job,M$contract=$package" "$contract"
done
