package io.jobworker.acceptance.torture;

import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.jobworker.acceptance.support.ServerProcess;
import io.jobworker.acceptance.torture.Finding.Kind;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.api.v1.JobWorkerGrpc;
import io.jobworker.api.v1.JobWorkerGrpc.JobWorkerBlockingStub;
import io.jobworker.api.v1.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * A patient client of a server whose calls, or whose launchers' calls, fail; and a directory that
 * it shares with its jobs.
 */
final class Witness implements AutoCloseable {
  static final Duration PATIENCE = Duration.ofMinutes(2);

  private final ManagedChannel channel;
  private final JobWorkerBlockingStub calls;
  private final Path directory;

  /** What is done before something is asked once more. */
  @FunctionalInterface
  interface Meanwhile {
    /** {@code why} is what the last answer said. */
    void happens(String why) throws Exception;
  }

  /** The server stays the caller's. */
  Witness(ServerProcess server) throws IOException {
    directory = Files.createTempDirectory(Path.of("/var/tmp"), "job-worker-faults-");
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxrwxrwx"));
    channel = server.certificates().channel("alice");
    calls = JobWorkerGrpc.newBlockingStub(channel);
  }

  /** With a deadline that is its patience. */
  JobWorkerBlockingStub calls() {
    return calls.withDeadlineAfter(PATIENCE);
  }

  /** A path of that name in the shared directory. */
  Path shared(String name) {
    return directory.resolve(name);
  }

  /** As a patient client does: what failed with its connection is done again. */
  <T> T again(Supplier<T> call, Meanwhile meanwhile) throws Exception {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      try {
        return call.get();
      } catch (StatusRuntimeException e) {
        boolean later =
            switch (e.getStatus().getCode()) {
              case UNAVAILABLE, UNKNOWN -> true; // the latter of one that broke in its handshake
              default -> false;
            };
        if (!later || System.nanoTime() > end) {
          throw e;
        }
        meanwhile.happens(String.valueOf(e.getStatus().getDescription()));
        channel.resetConnectBackoff(); // the server is back sooner than a channel expects
        TimeUnit.MILLISECONDS.sleep(20);
      }
    }
  }

  /** How the job is, as soon as it is so. */
  JobStatusResponse await(String id, Predicate<JobStatusResponse> wanted, Meanwhile meanwhile)
      throws Exception {
    JobRequest request = JobRequest.newBuilder().setId(id).build();
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      JobStatusResponse job = again(() -> calls().status(request), meanwhile);
      if (wanted.test(job)) {
        return job;
      }
      if (System.nanoTime() > end) {
        throw new Finding(Kind.END, "not in time: " + job);
      }
      meanwhile.happens("");
      TimeUnit.MILLISECONDS.sleep(20);
    }
  }

  static boolean hasEnded(JobStatusResponse job) {
    return job.getReason() != Reason.REASON_UNSPECIFIED;
  }

  @Override
  public void close() throws IOException {
    channel.shutdownNow();
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(directory);
  }
}
