package io.jobworker.cli.command;

import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.cli.connect.Failure;
import java.util.Optional;

/** What a word for a job has turned out to mean. */
sealed interface Found {
  /** As it was typed; of a job that labels have found, its id. */
  String typed();

  /**
   * A job, or at least a whole id.
   *
   * @param known what the server said of it in finding it; empty: it was not asked
   */
  record Job(String typed, String id, Optional<JobStatusResponse> known) implements Found {
    static Job of(String typed, JobStatusResponse job) {
      return new Job(typed, job.getId(), Optional.of(job));
    }
  }

  /** No job, or too many. */
  record Refused(String typed, Failure why) implements Found {}
}
