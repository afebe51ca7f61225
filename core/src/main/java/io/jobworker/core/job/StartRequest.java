package io.jobworker.core.job;

import java.util.Optional;

/**
 * What {@code start} is asked for.
 *
 * @param by who asks for it; the job is the {@code owner}'s
 * @param stdin what the job reads on descriptor 0; empty: {@code /dev/null}. Not copied
 * @param assignment what the job is to be known by; empty: an id that nobody else has
 */
@SuppressWarnings("ArrayRecordComponent") // never compared as a whole
public record StartRequest(
    Requester by, Owner owner, JobSpec spec, byte[] stdin, Optional<Assignment> assignment) {
  /** For a job that is known by an id that nobody else has. */
  public StartRequest(Requester by, Owner owner, JobSpec spec, byte[] stdin) {
    this(by, owner, spec, stdin, Optional.empty());
  }

  /** The owner asks for a job of its own that reads nothing. */
  public static StartRequest of(Owner owner, JobSpec spec) {
    return new StartRequest(Requester.named(owner.name()), owner, spec, new byte[0]);
  }

  /** The same with another spec. */
  public StartRequest withSpec(JobSpec other) {
    return new StartRequest(by, owner, other, stdin, assignment);
  }

  /** The same for a job that is known from outside. */
  public StartRequest as(Assignment known) {
    return new StartRequest(by, owner, spec, stdin, Optional.of(known));
  }

  /** Which attempt this is; 0 where nobody counts. */
  public int attempt() {
    return assignment.map(Assignment::attempt).orElse(0);
  }
}
