package io.jobworker.cli.command;

import com.google.protobuf.InvalidProtocolBufferException;
import io.grpc.StatusException;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.cli.connect.Connection;
import io.jobworker.cli.connect.Connector;
import io.jobworker.cli.render.Json;
import io.jobworker.cli.render.Screen;
import io.jobworker.cli.render.StatusText;
import io.jobworker.cli.render.Talk;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code status}: prints all that is known of jobs. */
@Command(
    name = "status",
    description = "Prints what is known of jobs.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "With -o json one ID prints one object; several, or --label, print an array.",
      "",
      "Examples:",
      "  job-worker status @last",
      "  job-worker status --label team=build",
      "  job-worker status -o json name:nightly",
    })
public final class StatusCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();
  @ParentCommand private Connector server = Connector.NONE;
  @ParentCommand private Talk talk = Talk.USUAL;
  @Mixin private JobsParameter jobs = new JobsParameter();

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FORMAT",
      defaultValue = "text",
      description =
          "text, all of it for people (default); json, for programs; jsonl, an object a line; and"
              + " table, wide and name as 'list' has them.")
  private Format format = Format.TEXT;

  /** How to print. */
  enum Format {
    TEXT,
    TABLE,
    WIDE,
    JSON,
    JSONL,
    NAME
  }

  @Override
  public Integer call() throws StatusException, InterruptedException, IOException {
    try (Connection connection = server.connect()) {
      List<Found> found = jobs.find(connection, server);
      ConcurrentMap<String, JobStatusResponse> statuses = new ConcurrentHashMap<>();
      int code =
          new Batch(spec)
              .run(
                  found,
                  job -> {
                    JobRequest request = JobRequest.newBuilder().setId(job.id()).build();
                    statuses.put(job.id(), connection.calls().status(request));
                    return "";
                  });
      List<JobStatusResponse> known = new ArrayList<>();
      for (Found one : found) {
        if (one instanceof Found.Job job && statuses.containsKey(job.id())) {
          known.add(statuses.get(job.id()));
        }
      }
      print(Collections.unmodifiableList(known));
      return code;
    }
  }

  private void print(List<JobStatusResponse> known) throws InvalidProtocolBufferException {
    PrintWriter out = spec.commandLine().getOut();
    if (talk.quiet()) {
      known.forEach(job -> out.println(job.getId()));
    } else if (format == Format.TEXT) {
      Screen shown = talk.screen();
      String gap = "";
      for (JobStatusResponse job : known) {
        out.println(gap + StatusText.of(job, shown));
        gap = System.lineSeparator();
      }
    } else if (format == Format.JSON && jobs.isOne()) {
      for (JobStatusResponse job : known) {
        out.println(Json.of(job));
      }
    } else {
      JobsFormat.valueOf(format.name()).print(out, known, talk);
    }
    out.flush();
  }
}
