package io.jobworker.cli.command;

import com.google.protobuf.InvalidProtocolBufferException;
import io.grpc.StatusException;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.cli.connect.Connection;
import io.jobworker.cli.connect.Connector;
import io.jobworker.cli.render.Json;
import io.jobworker.cli.render.StatusText;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code status}: prints all that is known of a job. */
@Command(
    name = "status",
    description = "Prints what is known of a job.",
    mixinStandardHelpOptions = true)
public final class StatusCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();
  @ParentCommand private Connector server = Connector.NONE;
  @Mixin private JobIdParameter job = new JobIdParameter();
  @Mixin private FormatOption format = new FormatOption();

  @Override
  public Integer call() throws StatusException, InvalidProtocolBufferException {
    try (Connection connection = server.connect()) {
      JobStatusResponse status = connection.calls().status(job.request().build());
      PrintWriter out = spec.commandLine().getOut();
      out.println(
          switch (format.get()) {
            case TEXT -> StatusText.of(status);
            case JSON -> Json.of(status);
          });
      out.flush();
    }
    return 0;
  }
}
