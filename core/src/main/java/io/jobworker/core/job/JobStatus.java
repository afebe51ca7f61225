package io.jobworker.core.job;

import java.time.Instant;
import java.util.Optional;

/**
 * What is known of a job at one moment. Immutable.
 *
 * @param owner whoever started it, by the name that was given to {@link Jobs#start}
 * @param mainPid the main process in the host's PID namespace; for reading only, as it may be
 *     reused
 * @param end present exactly when {@code state} is final
 * @param outputBytes written so far
 * @param outputDroppedBytes of these, no longer kept
 * @param trouble why its end, which has come, cannot be seen to yet; empty of all others
 */
public record JobStatus(
    JobId id,
    String owner,
    JobSpec spec,
    JobState state,
    Instant createdAt,
    int mainPid,
    Optional<JobEnd> end,
    long outputBytes,
    long outputDroppedBytes,
    String trouble) {}
