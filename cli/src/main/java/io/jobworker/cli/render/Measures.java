package io.jobworker.cli.render;

import io.jobworker.api.v1.JobStatusResponse;

/** Which figures of a job's use were measured at all: those of others are 0 and mean nothing. */
record Measures(JobStatusResponse job) {
  /** Whether the figure of this name in {@code JobStats} is one. */
  boolean has(String field) {
    return !job.getUnmeasuredList().contains(field);
  }
}
