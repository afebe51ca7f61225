package io.jobworker.acceptance.torture;

import io.jobworker.acceptance.support.ServerProcess;
import io.jobworker.acceptance.torture.Finding.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** The command line's {@code logs}, which must get through every death of the server. */
final class Follower {
  private static final long PATIENCE_SECONDS = 180;

  private final String job;
  private final Victim victim;
  private final Path out;
  private final Path err;
  private final Process process;

  Follower(ServerProcess server, String job, Victim victim) throws IOException {
    this.job = job;
    this.victim = victim;
    out = Files.createTempFile("job-worker-follower-", ".out");
    err = Files.createTempFile("job-worker-follower-", ".err");
    process =
        server
            .as("alice")
            .process("logs", job)
            .redirectOutput(out.toFile())
            .redirectError(err.toFile())
            .start();
  }

  String job() {
    return job;
  }

  /** After the job's end: waits for the follower's, and answers how many lines it has got. */
  long verify() throws IOException, InterruptedException {
    long verified = verified();
    Files.delete(out); // what is wrong is kept, to be looked at
    Files.delete(err);
    return verified;
  }

  private long verified() throws IOException, InterruptedException {
    if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new Finding(Kind.OUTPUT, "does not end");
    }
    String said = Files.readString(err);
    if (process.exitValue() != 0) {
      if (said.contains("cannot reach the server")) {
        return 0; // there was no server when it began; that is not waited for, and said
      }
      throw new Finding(Kind.OUTPUT, "ended with " + process.exitValue() + ": " + said);
    }
    NumberedLines lines = new NumberedLines(victim.lines());
    lines.add(com.google.protobuf.ByteString.copyFrom(Files.readAllBytes(out)));
    NumberedLines errorLines = new NumberedLines(victim.lines());
    StringBuilder own = new StringBuilder();
    said.lines()
        .filter(line -> !line.startsWith("job-worker: "))
        .forEach(line -> own.append(line).append('\n'));
    errorLines.add(com.google.protobuf.ByteString.copyFromUtf8(own.toString()));
    return lines.finish() + errorLines.finish();
  }
}
