package io.jobworker.cli.command;

import com.google.protobuf.ByteString;
import com.google.protobuf.Duration;
import io.jobworker.api.v1.JobSpec;
import io.jobworker.base.words.OsString;
import io.jobworker.cli.connect.UsageException;
import io.jobworker.cli.help.HelpGroup;
import io.jobworker.cli.spec.Variables;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What a job is, but for its command: for every verb that starts one. */
@HelpGroup("The job")
public final class JobSpecOptions {
  @Mixin private LimitOptions limits = new LimitOptions();

  @Option(
      names = {"-e", "--env"},
      paramLabel = "K[=V]",
      converter = OsWord.class,
      description = "A variable for the job's environment; K alone takes it from here.")
  private List<String> environment = new ArrayList<>();

  @Option(
      names = {"-w", "--workdir"},
      paramLabel = "DIR",
      converter = OsWord.class,
      description = "Where on the server to run; default: a fresh directory.")
  private Optional<String> workingDirectory = Optional.empty();

  @Option(names = "--name", paramLabel = "NAME", description = "A name for people.")
  private Optional<String> name = Optional.empty();

  @Option(
      names = {"-l", "--label"},
      paramLabel = "K=V",
      description = "A label to find the job by; may repeat.")
  private List<String> labels = new ArrayList<>();

  @Option(
      names = "--timeout",
      paramLabel = "TIME",
      converter = Times.class,
      description = "End the job after this long, as in 90s or 1h30m.")
  private Optional<Duration> timeout = Optional.empty();

  @Option(
      names = "--grace",
      paramLabel = "TIME",
      converter = Times.class,
      description = "When the job is to end, send SIGTERM and SIGKILL only after this long.")
  private Optional<Duration> grace = Optional.empty();

  @Option(
      names = "--output-limit",
      paramLabel = "SIZE",
      converter = Sizes.class,
      description = "Keep the newest so much of the output; default: the server's.")
  private Optional<Long> outputLimit = Optional.empty();

  @Option(names = "--merge", description = "Merge stderr into stdout, in their exact order.")
  private boolean merge;

  /**
   * A job as the options say, with this command.
   *
   * @throws UsageException if they do not go together
   */
  JobSpec.Builder spec(List<String> argv) {
    JobSpec.Builder job = JobSpec.newBuilder().setMergeOutput(merge);
    if (argv.stream().allMatch(OsString::isUtf8)) {
      job.addAllCommand(argv);
    } else {
      argv.forEach(word -> job.addRawCommand(bytes(word)));
    }
    addEnvironment(job);
    for (String label : labels) {
      int equals = label.indexOf('=');
      if (equals < 1) {
        throw new UsageException("--label takes K=V, not '" + label + "'");
      }
      job.putLabels(label.substring(0, equals), label.substring(equals + 1));
    }
    workingDirectory.ifPresent(path -> {
      if (OsString.isUtf8(path)) {
        job.setWorkingDir(path);
      } else {
        job.setRawWorkingDir(bytes(path));
      }
    });
    name.ifPresent(job::setName);
    timeout.ifPresent(job::setTimeout);
    grace.ifPresent(job::setGrace);
    outputLimit.ifPresent(job::setOutputRetainBytes);
    limits.addTo(job);
    return job;
  }

  private void addEnvironment(JobSpec.Builder job) {
    if (environment.stream().anyMatch(variable -> variable.isEmpty() || variable.startsWith("="))) {
      throw new UsageException("-e takes K=V or K; a variable needs a name");
    }
    Variables.addTo(job, environment);
  }

  private static ByteString bytes(String word) {
    return ByteString.copyFrom(OsString.bytes(word));
  }
}
