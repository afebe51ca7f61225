package io.jobworker.core.job;

import java.util.List;
import java.util.Optional;

/**
 * One page of jobs.
 *
 * @param next where the next page goes on; empty if there is none
 */
public record JobPage(List<JobStatus> jobs, Optional<JobQuery.Position> next) {
  public JobPage {
    jobs = List.copyOf(jobs);
  }
}
