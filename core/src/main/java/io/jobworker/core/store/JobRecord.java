package io.jobworker.core.store;

import io.jobworker.core.JobEnd;
import io.jobworker.core.JobId;
import io.jobworker.core.JobSpec;
import java.time.Instant;
import java.util.Optional;

/**
 * What is kept of a job.
 *
 * @param end empty while the job runs
 */
public record JobRecord(
    JobId id,
    String owner,
    JobSpec spec,
    Instant createdAt,
    int mainPid,
    Optional<JobEnd> end,
    long outputBytes,
    long outputDroppedBytes) {}
