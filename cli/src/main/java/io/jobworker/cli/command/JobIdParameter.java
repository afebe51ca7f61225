package io.jobworker.cli.command;

import io.jobworker.api.v1.JobRequest;
import picocli.CommandLine.Parameters;

/** The parameter ID that most verbs have. */
public final class JobIdParameter {
  @Parameters(paramLabel = "ID", description = "The job's UUID, as 'start' printed it.")
  private String id = "";

  JobRequest.Builder request() {
    return JobRequest.newBuilder().setId(id.strip());
  }
}
