package io.jobworker.cli.command;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.grpc.StatusException;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.api.v1.ListJobsRequest;
import io.jobworker.cli.connect.Connection;
import io.jobworker.cli.connect.Connector;
import io.jobworker.cli.help.Completion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** What scripts of {@code completion} ask for: jobs, their names and labels, into a file. */
@Command(name = Completion.JOBS_VERB, hidden = true)
public final class CompleteJobsCommand implements Callable<Integer> {
  private static final int MOST = 200;
  private static final long PATIENCE_SECONDS = 10;
  private static final int SHORT_ID = 8;

  /** Names that no shell has to quote. */
  private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9._@%+-]+");

  @ParentCommand private Connector server = Connector.NONE;

  @Parameters(paramLabel = "FILE")
  private Path file = Path.of("/dev/null");

  @Override
  public Integer call() throws StatusException, IOException {
    List<JobStatusResponse> jobs;
    try (Connection connection = server.connect()) {
      ListJobsRequest newest = ListJobsRequest.newBuilder().setPageSize(MOST).build();
      jobs =
          connection
              .calls()
              .withDeadlineAfter(PATIENCE_SECONDS, TimeUnit.SECONDS)
              .list(newest)
              .getJobsList();
    }
    StringBuilder lines = new StringBuilder();
    TreeSet<String> labels = new TreeSet<>();
    if (LastJob.of(server).id().isPresent()) {
      lines.append("job\t@last\tstarted last\n");
    }
    for (JobStatusResponse job : jobs) {
      String name = job.getSpec().getName();
      String what = (name.isEmpty() ? "" : name + ", ") + job.getStatus();
      lines.append("job\t").append(job.getId(), 0, SHORT_ID).append('\t').append(clean(what));
      lines.append('\n');
      if (PLAIN.matcher(name).matches()) {
        lines.append("name\tname:").append(name).append('\t').append(clean(job.getStatus()));
        lines.append('\n');
      }
      job.getSpec().getLabelsMap().forEach((key, value) -> labels.add(clean(key + "=" + value)));
    }
    labels.forEach(label -> lines.append("label\t").append(label).append('\n'));
    Path fresh = Files.createTempFile(file.toAbsolutePath().getParent(), "complete", ".new");
    Files.writeString(fresh, lines, UTF_8);
    Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
    return 0;
  }

  /** A job's name is its owner's to choose, and the line is ours. */
  private static String clean(String text) {
    return text.replaceAll("\\p{Cntrl}", "?");
  }
}
