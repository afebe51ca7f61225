package io.jobworker.core.job;

/**
 * What a job sees of the machine, beyond the isolation that every job of a root server has.
 *
 * @param network the host's, or none but a loopback interface of the job's own
 * @param filesystem the host's as the job's user may use it, or read-only but for the working
 *     directory and {@code /tmp}
 */
public record Isolation(Network network, Filesystem filesystem) {
  public static final Isolation DEFAULT = new Isolation(Network.HOST, Filesystem.HOST);

  /** Which network. */
  public enum Network {
    HOST,
    NONE
  }

  /** How files can be used. */
  public enum Filesystem {
    HOST,
    READ_ONLY
  }
}
