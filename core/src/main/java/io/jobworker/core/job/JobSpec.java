package io.jobworker.core.job;

import static java.util.Objects.requireNonNullElse;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import io.jobworker.base.units.ByteSize;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * What a job is to be. Immutable; checked by {@link Jobs#start}, not here.
 *
 * @param command argv; never passed through a shell
 * @param environment added to a small clean base environment
 * @param workingDirectory default: a fresh directory of the job's own
 * @param limits what it may use
 * @param isolation what it sees of the machine
 * @param timeout how long the job may run before it is ended with {@link EndReason#TIMED_OUT}
 * @param grace how a stop that names no grace stops this job; default: SIGKILL at once
 * @param name a name for people; may be empty, need not be unique
 * @param labels for finding jobs
 * @param requestId makes a repeated start answer with the first one's job
 * @param mergeOutput stderr goes into stdout's pipe: their exact order, one stream
 * @param outputRetain how much output is kept; default: the library's configuration
 * @param stdinStream the job's stdin is written while it runs, and ends when the writer says so
 */
public record JobSpec(
    List<String> command,
    Map<String, String> environment,
    Optional<String> workingDirectory,
    Limits limits,
    Isolation isolation,
    Optional<Duration> timeout,
    Optional<Duration> grace,
    String name,
    Map<String, String> labels,
    Optional<String> requestId,
    boolean mergeOutput,
    Optional<ByteSize> outputRetain,
    boolean stdinStream) {

  public JobSpec {
    command = List.copyOf(command);
    environment = Map.copyOf(environment);
    labels = Map.copyOf(labels);
    limits = requireNonNullElse(limits, Limits.NONE);
    isolation = requireNonNullElse(isolation, Isolation.DEFAULT);
  }

  /**
   * Refuses what no job can be, or may be, whoever starts it.
   *
   * @param stdin what the job is to read
   * @throws JobException.InvalidSpec with the first field that is out of its bounds
   */
  public void requireValid(byte[] stdin) {
    SpecCheck.check(this, stdin);
  }

  /**
   * The fields in which a job differs from what is asked for by this, whatever they are asked for
   * by. A limit that is not asked for is the service's to choose, which may have changed its mind.
   */
  public List<Field> differences(JobSpec other) {
    List<Field> differing = new ArrayList<>();
    for (Compared compared : COMPARED) {
      if (!compared.of.apply(this).equals(compared.of.apply(other))) {
        differing.add(compared.field);
      }
    }
    for (Limit limit : Limit.values()) {
      if (limits.of(limit).isPresent() && !limits.of(limit).equals(other.limits.of(limit))) {
        differing.add(limit);
      }
    }
    return differing;
  }

  /** About how much room its words take, in bytes. */
  public long weight() {
    long weight = 0;
    for (String word : command) {
      weight += word.length();
    }
    for (Map.Entry<String, String> variable : environment.entrySet()) {
      weight += variable.getKey().length() + variable.getValue().length();
    }
    return weight;
  }

  /** The same with no more of the command than the program, and without an environment. */
  public JobSpec inBrief() {
    return with(command.subList(0, 1), Map.of(), limits);
  }

  /** The same with other limits. */
  public JobSpec withLimits(Limits changed) {
    return with(command, environment, changed);
  }

  private JobSpec with(List<String> words, Map<String, String> variables, Limits bounds) {
    return new JobSpec(
        words,
        variables,
        workingDirectory,
        bounds,
        isolation,
        timeout,
        grace,
        name,
        labels,
        requestId,
        mergeOutput,
        outputRetain,
        stdinStream);
  }

  private record Compared(Field field, Function<JobSpec, Object> of) {}

  private static final List<Compared> COMPARED =
      List.of(
          new Compared(RequestField.COMMAND, JobSpec::command),
          new Compared(RequestField.ENVIRONMENT, JobSpec::environment),
          new Compared(RequestField.WORKING_DIRECTORY, JobSpec::workingDirectory),
          new Compared(RequestField.ISOLATION, JobSpec::isolation),
          new Compared(RequestField.TIMEOUT, JobSpec::timeout),
          new Compared(RequestField.GRACE, JobSpec::grace),
          new Compared(RequestField.NAME, JobSpec::name),
          new Compared(RequestField.LABELS, JobSpec::labels),
          new Compared(RequestField.MERGE_OUTPUT, JobSpec::mergeOutput),
          new Compared(RequestField.OUTPUT_RETAIN, JobSpec::outputRetain),
          new Compared(RequestField.STDIN_STREAM, JobSpec::stdinStream),
          new Compared(RequestField.IO, spec -> spec.limits().io()));

  /** A job with nothing but a command. */
  public static JobSpec of(String... command) {
    return builder(List.of(command)).build();
  }

  public static Builder builder(List<String> command) {
    return new Builder(command);
  }

  /** Not thread-safe. */
  public static final class Builder {
    private final List<String> command;
    private final Map<String, String> environment = new HashMap<>();
    private final Map<String, String> labels = new HashMap<>();
    private Optional<String> workingDirectory = Optional.empty();
    private Limits limits = Limits.NONE;
    private Isolation isolation = Isolation.DEFAULT;
    private Optional<Duration> timeout = Optional.empty();
    private Optional<Duration> grace = Optional.empty();
    private String name = "";
    private Optional<String> requestId = Optional.empty();
    private boolean mergeOutput;
    private Optional<ByteSize> outputRetain = Optional.empty();
    private boolean stdinStream;

    private Builder(List<String> command) {
      this.command = command;
    }

    @CanIgnoreReturnValue
    public Builder environment(Map<String, String> added) {
      environment.putAll(added);
      return this;
    }

    @CanIgnoreReturnValue
    public Builder labels(Map<String, String> added) {
      labels.putAll(added);
      return this;
    }

    @CanIgnoreReturnValue
    public Builder workingDirectory(String path) {
      workingDirectory = Optional.of(path);
      return this;
    }

    @CanIgnoreReturnValue
    public Builder limits(Limits value) {
      limits = value;
      return this;
    }

    @CanIgnoreReturnValue
    public Builder isolation(Isolation value) {
      isolation = value;
      return this;
    }

    @CanIgnoreReturnValue
    public Builder timeout(Duration value) {
      timeout = Optional.of(value);
      return this;
    }

    @CanIgnoreReturnValue
    public Builder grace(Duration value) {
      grace = Optional.of(value);
      return this;
    }

    @CanIgnoreReturnValue
    public Builder name(String value) {
      name = value;
      return this;
    }

    @CanIgnoreReturnValue
    public Builder requestId(String value) {
      requestId = Optional.of(value);
      return this;
    }

    @CanIgnoreReturnValue
    public Builder mergeOutput(boolean value) {
      mergeOutput = value;
      return this;
    }

    @CanIgnoreReturnValue
    public Builder outputRetain(ByteSize value) {
      outputRetain = Optional.of(value);
      return this;
    }

    @CanIgnoreReturnValue
    public Builder stdinStream(boolean value) {
      stdinStream = value;
      return this;
    }

    public JobSpec build() {
      return new JobSpec(
          command,
          environment,
          workingDirectory,
          limits,
          isolation,
          timeout,
          grace,
          name,
          labels,
          requestId,
          mergeOutput,
          outputRetain,
          stdinStream);
    }
  }
}
