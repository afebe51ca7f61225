package io.jobworker.cli.command;

import com.google.protobuf.InvalidProtocolBufferException;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.cli.render.JobTable;
import io.jobworker.cli.render.Json;
import io.jobworker.cli.render.Screen;
import io.jobworker.cli.render.Talk;
import java.io.PrintWriter;
import java.time.Instant;
import java.util.List;

/** How several jobs are printed. */
enum JobsFormat {
  TABLE,
  WIDE,
  JSON,
  JSONL,
  NAME;

  void print(PrintWriter out, List<JobStatusResponse> jobs, Talk talk)
      throws InvalidProtocolBufferException {
    switch (this) {
      case TABLE, WIDE -> {
        Screen shown = talk.screen();
        JobTable.lines(jobs, this == WIDE, Instant.now(), shown, shown.width())
            .forEach(out::println);
      }
      case JSON -> out.println(Json.array(jobs));
      case JSONL -> {
        for (JobStatusResponse job : jobs) {
          out.println(Json.line(job));
        }
      }
      case NAME -> jobs.forEach(job -> out.println(word(job)));
    }
  }

  private static String word(JobStatusResponse job) {
    String name = job.getSpec().getName();
    return name.isEmpty() ? job.getId() : JobResolver.NAME + name;
  }
}
