package io.jobworker.cli.command;

import io.grpc.StatusException;
import io.grpc.stub.BlockingClientCall;
import io.jobworker.api.v1.JobLogsResponse;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.LogOptions;
import io.jobworker.api.v1.Stream;
import io.jobworker.cli.connect.Connection;
import io.jobworker.cli.connect.Connector;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code logs}: a job's output, byte for byte; its stderr goes to ours. */
@Command(
    name = "logs",
    description =
        "Copies a job's output from its first byte, and on as it comes, until the job ends.",
    mixinStandardHelpOptions = true)
public final class LogsCommand implements Callable<Integer> {
  @ParentCommand private Connector server = Connector.NONE;
  @Mixin private JobIdParameter job = new JobIdParameter();

  @Option(names = "--no-follow", description = "End at what there is now.")
  private boolean noFollow;

  // Not System.out: a PrintStream hides that its reader has gone.
  private final OutputStream out = new FileOutputStream(FileDescriptor.out);
  private final OutputStream err = new FileOutputStream(FileDescriptor.err);

  @Override
  public Integer call() throws StatusException, InterruptedException, IOException {
    JobRequest request =
        job.request().setLogs(LogOptions.newBuilder().setNoFollow(noFollow)).build();
    try (Connection connection = server.connect()) {
      BlockingClientCall<?, JobLogsResponse> stream = connection.calls().logs(request);
      for (JobLogsResponse message; (message = stream.read()) != null; ) {
        if (!print(message)) {
          return 0;
        }
      }
    }
    return 0;
  }

  /** Answers whether somebody still reads. As with `| head`, that nobody does is not an error. */
  private boolean print(JobLogsResponse message) throws IOException {
    try {
      if (message.getDroppedBytes() > 0) {
        err.write(
            ("job-worker: "
                    + Long.toUnsignedString(message.getDroppedBytes())
                    + " bytes of output are no longer kept\n")
                .getBytes(StandardCharsets.UTF_8));
      }
      message.getLog().writeTo(message.getStream() == Stream.STREAM_STDERR ? err : out);
      return true;
    } catch (IOException e) {
      if (String.valueOf(e.getMessage()).contains("Broken pipe")) {
        return false;
      }
      throw new IOException("cannot write the output: " + e.getMessage(), e);
    }
  }
}
