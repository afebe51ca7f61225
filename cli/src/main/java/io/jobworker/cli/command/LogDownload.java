package io.jobworker.cli.command;

import io.grpc.StatusException;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.cli.connect.Connector;
import io.jobworker.cli.connect.Retry;
import io.jobworker.cli.output.Download;
import io.jobworker.cli.output.OutputFollower;
import io.jobworker.cli.output.Progress;
import io.jobworker.cli.render.LogSink;
import io.jobworker.cli.render.PassingLine;
import io.jobworker.cli.render.Screen;
import io.jobworker.cli.render.Talk;
import io.jobworker.cli.render.Terminal;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.OptionalLong;

/** {@code logs --output FILE}: goes on where it was, also in another call. */
record LogDownload(Connector server, Duration patience, Talk talk, PrintWriter err) {
  void run(String id, LogRange wanted, Path file)
      throws StatusException, InterruptedException, IOException {
    try (Download download = Download.to(file, "job " + id + ", " + wanted.key())) {
      OptionalLong offset = download.offset();
      boolean watched = !talk.quiet() && Terminal.isRewritable(2);
      long total = watched ? total(id, wanted) : 0;
      PassingLine line =
          watched ? PassingLine.ofProcess(err, Screen.size().columns()) : new PassingLine(err, 0);
      Progress progress = new Progress(download, line, System::nanoTime, download.size(), total);
      LogSink sink = watched ? progress : download;
      OutputFollower follower =
          offset.isPresent()
              ? wanted.followerFrom(offset.getAsLong(), id, sink)
              : wanted.follower(id, sink);
      try (progress) {
        var _ =
            new Retry(
                    server,
                    patience,
                    () -> {
                      line.remove();
                      talk.remark("connection lost; trying to reconnect");
                    })
                .run(follower::copy, follower::next);
      }
      sink.end();
      if (download.droppedBytes() > 0) {
        talk.say(
            Long.toUnsignedString(download.droppedBytes())
                + " bytes of output were no longer kept, and are not in "
                + file);
      }
    }
  }

  /** How much the file will hold; 0 where that is not known. */
  private long total(String id, LogRange wanted)
      throws StatusException, InterruptedException, IOException {
    if (!wanted.isAll()) {
      return 0;
    }
    JobRequest request = JobRequest.newBuilder().setId(id).build();
    JobStatusResponse job =
        new Retry(server, patience, () -> {}).run(connection -> connection.calls().status(request));
    return job.hasEndedAt() ? job.getOutputTotalBytes() - job.getOutputDroppedBytes() : 0;
  }
}
