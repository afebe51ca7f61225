package io.jobworker.core.job;

import java.util.List;
import java.util.stream.Collectors;

/**
 * Everything that can go wrong with a request to {@link Jobs}: what was tried, on what, and why it
 * failed, in one line that can be shown to whoever asked.
 */
public abstract sealed class JobException extends RuntimeException {
  private JobException(String message) {
    super(message);
  }

  private JobException(String message, Throwable cause) {
    super(message, cause);
  }

  /** The request itself is wrong; trying again does not help. */
  public static final class InvalidSpec extends JobException {
    private final Field field;
    private final String problem;

    /** {@code problem} may quote what was asked. */
    public InvalidSpec(Field field, String problem) {
      String shown = problem.replaceAll("\\p{Cntrl}", "?");
      super(field + ": " + shown);
      this.field = field;
      this.problem = shown;
    }

    public Field field() {
      return field;
    }

    /** What is wrong with the field, which it does not name; without control characters. */
    public String problem() {
      return problem;
    }
  }

  /** There is no such job, or none that the caller may know of: the words are the same. */
  public static final class NoSuchJob extends JobException {
    private final boolean anothers;

    public NoSuchJob(String id) {
      this(id, false);
    }

    private NoSuchJob(String id, boolean anothers) {
      super("no such job: " + id);
      this.anothers = anothers;
    }

    /** There is one, of an owner whose jobs are not the caller's to reach. */
    public static NoSuchJob another(String id) {
      return new NoSuchJob(id, true);
    }

    /** Whether there is one, which is not for the caller to hear. */
    public boolean isAnothers() {
      return anothers;
    }
  }

  /** The request id belongs to an earlier start, of another job than this one would be. */
  public static final class RequestIdTaken extends JobException {
    private final JobId job;
    private final List<Field> differing;

    /** {@code differing} is what the earlier job has otherwise. */
    public RequestIdTaken(JobId job, List<Field> differing) {
      super(
          "the request id has started job "
              + job
              + ", which differs in "
              + differing.stream().map(Object::toString).collect(Collectors.joining(", ")));
      this.job = job;
      this.differing = List.copyOf(differing);
    }

    /** The earlier one. */
    public JobId job() {
      return job;
    }

    public List<Field> differing() {
      return differing;
    }
  }

  /** The id that a job was to be known by is another one's, or another attempt's. */
  public static final class IdTaken extends JobException {
    public IdTaken(JobId id, String by) {
      super(id + " is " + by);
    }
  }

  /** The job is in a state that does not allow what was asked. */
  public static final class WrongState extends JobException {
    public WrongState(String message) {
      super(message);
    }
  }

  /** Somebody else does now what only one can do at a time. */
  public static final class TakenOver extends JobException {
    public TakenOver(String message) {
      super(message);
    }
  }

  /** The launcher could not start the job. Nothing of it is left. */
  public static final class LaunchFailed extends JobException {
    private final String step;
    private final int errno;
    private final String subject;

    /**
     * The step that failed.
     *
     * @param reason what {@code errno} means, in words
     * @param subject what the step was tried on: the program, the directory
     */
    public LaunchFailed(String step, int errno, String reason, String subject) {
      super("cannot " + step + " " + subject + ": " + reason);
      this.step = step;
      this.errno = errno;
      this.subject = subject;
    }

    /**
     * Of the launcher's steps, the one that failed; {@code exec} when it was the program itself.
     */
    public String step() {
      return step;
    }

    public int errno() {
      return errno;
    }

    public String subject() {
      return subject;
    }
  }

  /** The host cannot enforce what the job asks for; it was not started. */
  public static final class CannotEnforce extends JobException {
    public CannotEnforce(String what, String why) {
      super("cannot enforce " + what + " on this host: " + why);
    }
  }

  /** The owner has as much as it may have. */
  public static final class QuotaExceeded extends JobException {
    private final String quota;

    /** {@code quota} by its name in the configuration, as in {@code running-jobs}. */
    public QuotaExceeded(String quota, String problem) {
      super("over the quota " + quota + ": " + problem);
      this.quota = quota;
    }

    public String quota() {
      return quota;
    }
  }

  /** What is asked for by its revision is not known any more, or is of another database. */
  public static final class RevisionForgotten extends JobException {
    public RevisionForgotten(String message) {
      super(message);
    }
  }

  /** What is kept is not to be served as it is; the message says why, and what to do. */
  public static final class StateRefused extends JobException {
    public StateRefused(String message) {
      super(message);
    }
  }

  /**
   * Not now: the library is closing, or the host is out of something. Running jobs are not harmed.
   */
  public static final class Unavailable extends JobException {
    public Unavailable(String message) {
      super(message);
    }

    public Unavailable(String message, Throwable cause) {
      super(message + ": " + cause.getMessage(), cause);
    }
  }
}
