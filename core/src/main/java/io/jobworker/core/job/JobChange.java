package io.jobworker.core.job;

import java.time.Instant;

/**
 * One change of a job, as it was then.
 *
 * @param revision later changes, of whichever job, have larger ones; not every number is used
 * @param at when it was written down
 * @param status what was known of the job; of its spec name and labels, and of its usage nothing
 * @param removed the job was forgotten, with the status that it had
 */
public record JobChange(long revision, Instant at, JobStatus status, boolean removed) {}
