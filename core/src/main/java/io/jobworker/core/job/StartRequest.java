package io.jobworker.core.job;

/**
 * What {@code start} is asked for.
 *
 * @param by who asks for it; the job is the {@code owner}'s
 * @param stdin what the job reads on descriptor 0; empty: {@code /dev/null}. Not copied
 */
@SuppressWarnings("ArrayRecordComponent") // never compared as a whole
public record StartRequest(Requester by, Owner owner, JobSpec spec, byte[] stdin) {
  /** The owner asks for a job of its own that reads nothing. */
  public static StartRequest of(Owner owner, JobSpec spec) {
    return new StartRequest(Requester.named(owner.name()), owner, spec, new byte[0]);
  }

  /** The same with another spec. */
  public StartRequest withSpec(JobSpec other) {
    return new StartRequest(by, owner, other, stdin);
  }
}
