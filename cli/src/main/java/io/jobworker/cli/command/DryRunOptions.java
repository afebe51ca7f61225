package io.jobworker.cli.command;

import com.google.protobuf.InvalidProtocolBufferException;
import io.jobworker.api.v1.JobSpec;
import io.jobworker.cli.connect.UsageException;
import io.jobworker.cli.render.Json;
import io.jobworker.cli.spec.JobFiles;
import java.io.PrintWriter;
import java.util.Optional;
import picocli.CommandLine.Option;

/** The options that have a job printed, and not started. */
public final class DryRunOptions {
  /** How to print it. */
  private enum Format {
    TOML,
    JSON
  }

  @Option(
      names = "--dry-run",
      description = "Print the job, and start nothing; no server is asked.")
  private boolean wanted;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FORMAT",
      description = "With --dry-run: toml, as --file reads it (default), or json, as servers do.")
  private Optional<Format> format = Optional.empty();

  /**
   * Whether nothing is to be started.
   *
   * @throws UsageException if it is not said how to print what is not printed
   */
  boolean isWanted() {
    if (format.isPresent() && !wanted) {
      throw new UsageException("-o says how --dry-run prints a job");
    }
    return wanted;
  }

  void print(JobSpec job, PrintWriter out) throws InvalidProtocolBufferException {
    switch (format.orElse(Format.TOML)) {
      case TOML -> out.print(JobFiles.toToml(job));
      case JSON -> out.println(Json.of(job));
    }
    out.flush();
  }
}
