package io.jobworker.core.job;

import java.util.List;
import java.util.Optional;

/**
 * One page of jobs.
 *
 * @param next where the next page goes on; empty if there is none
 */
public record JobPage(List<Entry> jobs, Optional<JobQuery.Position> next) {
  public JobPage {
    jobs = List.copyOf(jobs);
  }

  /**
   * One job of the page.
   *
   * @param position where a page goes on that ends with it
   * @param usage what it uses now, or has used in all
   */
  public record Entry(JobQuery.Position position, JobStatus status, Usage usage) {}
}
