package io.jobworker.cli.command;

import io.jobworker.api.v1.JobSpec;
import io.jobworker.api.v1.JobSpecOrBuilder;
import io.jobworker.cli.connect.UsageException;
import io.jobworker.cli.help.HelpGroup;
import io.jobworker.cli.spec.EnvFile;
import io.jobworker.cli.spec.JobFiles;
import io.jobworker.cli.spec.Variables;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Option;

/** The options that name files of what a job is; other options say otherwise. */
@HelpGroup("The job")
public final class JobFileOptions {
  @Option(
      names = "--file",
      paramLabel = "FILE",
      description =
          "Take the job from FILE, in TOML as 'start --dry-run' prints it; what else is given here"
              + " counts instead.")
  private Optional<Path> file = Optional.empty();

  @Option(
      names = "--env-file",
      paramLabel = "FILE",
      description =
          "Variables from FILE: K=V a line, or K to take it from here; may repeat. --env counts"
              + " instead.")
  private List<Path> envFiles = new ArrayList<>();

  /**
   * What the files and the other options make together.
   *
   * @throws UsageException if there is no program to run
   */
  JobSpec.Builder with(JobSpec given) {
    JobSpec.Builder job =
        file.map(path -> JobFiles.read(path).toBuilder()).orElseGet(JobSpec::newBuilder);
    Variables.addTo(job, envFiles.stream().map(EnvFile::read).flatMap(List::stream).toList());
    if (hasCommand(given)) {
      job.clearCommand();
    }
    if (given.getLimits().getIoCount() > 0) {
      job.getLimitsBuilder().clearIo();
    }
    job.mergeFrom(given);
    if (!hasCommand(job)) {
      throw new UsageException("name a program to run, or a --file that does");
    }
    return job;
  }

  private static boolean hasCommand(JobSpecOrBuilder job) {
    return job.getCommandCount() + job.getRawCommandCount() > 0;
  }
}
