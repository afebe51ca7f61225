package io.jobworker.core.job;

/**
 * What a job is to be known by, where somebody else than this service says so, and knows of a job
 * before it is started: one that has jobs started on many machines.
 *
 * @param id names one execution: whoever gives it gives it to no other job, of whichever owner, nor
 *     to another attempt at the same work. It is refused to those as long as the job is kept
 * @param attempt which attempt at its work this execution is, wherever the others are, from 1; the
 *     job finds it in its environment as {@code JOB_ATTEMPT}
 */
public record Assignment(JobId id, int attempt) {
  public Assignment {
    if (attempt < 1) {
      throw new IllegalArgumentException("attempts are counted from 1");
    }
  }
}
