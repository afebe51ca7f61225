package io.jobworker.cli.command;

import io.grpc.StatusException;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.cli.connect.Connection;
import io.jobworker.cli.connect.Connector;
import java.io.IOException;
import picocli.CommandLine.Parameters;

/** The parameter ID of a verb for one job. */
public final class JobIdParameter {
  static final String MEANING =
      "A job: its UUID, 4 or more characters that only it begins with, name:NAME, or @last.";

  @Parameters(paramLabel = "ID", description = MEANING)
  private String word = "";

  /** A request that names the job; once it is found, that same job. */
  JobRequest.Builder request(Connection connection, Connector server)
      throws StatusException, IOException {
    word = new JobResolver(connection, LastJob.of(server)).one(word.strip());
    return JobRequest.newBuilder().setId(word);
  }
}
