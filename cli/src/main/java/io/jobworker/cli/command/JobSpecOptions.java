package io.jobworker.cli.command;

import com.google.protobuf.Duration;
import io.jobworker.api.v1.JobSpec;
import io.jobworker.cli.connect.UsageException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What a job is, but for its command: for every verb that starts one. */
public final class JobSpecOptions {
  @Mixin private LimitOptions limits = new LimitOptions();

  @Option(
      names = {"-e", "--env"},
      paramLabel = "K=V",
      description = "A variable for the job's environment; may repeat.")
  private Map<String, String> environment = new LinkedHashMap<>();

  @Option(
      names = {"-w", "--workdir"},
      paramLabel = "DIR",
      description = "Where on the server to run; default: a fresh directory.")
  private Optional<String> workingDirectory = Optional.empty();

  @Option(names = "--name", paramLabel = "NAME", description = "A name for people.")
  private Optional<String> name = Optional.empty();

  @Option(
      names = {"-l", "--label"},
      paramLabel = "K=V",
      description = "A label to find the job by; may repeat.")
  private Map<String, String> labels = new LinkedHashMap<>();

  @Option(
      names = "--timeout",
      paramLabel = "TIME",
      converter = Times.class,
      description = "End the job after this long, as in 90s or 1h30m.")
  private Optional<Duration> timeout = Optional.empty();

  @Option(
      names = "--output-limit",
      paramLabel = "SIZE",
      converter = Sizes.class,
      description = "Keep the newest so much of the output; default: the server's.")
  private Optional<Long> outputLimit = Optional.empty();

  @Option(names = "--merge", description = "Merge stderr into stdout, in their exact order.")
  private boolean merge;

  /**
   * A job as the options say, without a command.
   *
   * @throws UsageException if they do not go together
   */
  JobSpec.Builder spec() {
    JobSpec.Builder job =
        JobSpec.newBuilder().putAllEnv(environment).putAllLabels(labels).setMergeOutput(merge);
    workingDirectory.ifPresent(job::setWorkingDir);
    name.ifPresent(job::setName);
    timeout.ifPresent(job::setTimeout);
    outputLimit.ifPresent(job::setOutputRetainBytes);
    limits.addTo(job);
    return job;
  }
}
