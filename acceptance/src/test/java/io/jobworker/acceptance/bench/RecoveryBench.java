package io.jobworker.acceptance.bench;

import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.jobworker.acceptance.support.ServerProcess;
import io.jobworker.acceptance.support.ServerToml;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobSpec;
import io.jobworker.api.v1.JobWorkerGrpc;
import io.jobworker.api.v1.JobWorkerGrpc.JobWorkerBlockingStub;
import io.jobworker.api.v1.ListJobsRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import tools.jackson.databind.JsonNode;

/**
 * What it costs to come back: to a thousand running jobs, and to a hundred thousand that have
 * ended. Run by {@code acceptance/bench recovery}.
 */
public final class RecoveryBench {
  private static final int RUNNING = 1000;
  private static final int ENDED = 100_000;
  private static final int CALLS = 200;

  private final Report report = new Report();

  private RecoveryBench() {}

  /** Takes no arguments. */
  public static void main(String[] args) throws Exception {
    RecoveryBench bench = new RecoveryBench();
    bench.running();
    bench.ended();
    bench.report.close();
  }

  private static String id(JobWorkerBlockingStub calls, String... command) {
    JobSpec spec = JobSpec.newBuilder().addAllCommand(List.of(command)).build();
    return calls.start(JobRequest.newBuilder().setSpec(spec).build()).getId();
  }

  private static void status(JobWorkerBlockingStub calls, String id) {
    var _ = calls.status(JobRequest.newBuilder().setId(id).build());
  }

  /** Seconds from the start of the process to the first answer. */
  private static double restart(ServerProcess server, String id) throws Exception {
    server.kill();
    Files.writeString(server.log().file(), "");
    long start = System.nanoTime();
    server.restart();
    ManagedChannel channel = server.certificates().channel("alice");
    JobWorkerBlockingStub calls = JobWorkerGrpc.newBlockingStub(channel).withWaitForReady();
    while (true) {
      try {
        status(calls, id);
        break;
      } catch (StatusRuntimeException e) {
        if (e.getStatus().getCode() != Status.Code.UNAVAILABLE) {
          throw e;
        }
      }
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    channel.shutdownNow();
    return seconds;
  }

  private void running() throws Exception {
    try (ServerProcess server = ServerProcess.start(ServerToml.withoutQuotas())) {
      ManagedChannel channel = server.certificates().channel("alice");
      JobWorkerBlockingStub calls = JobWorkerGrpc.newBlockingStub(channel);
      String one = id(calls, "true");
      double alone = restart(server, one);
      List<String> ids = new ArrayList<>();
      try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
        List<Future<String>> starts = new ArrayList<>();
        for (int i = 0; i < RUNNING; i++) {
          starts.add(threads.submit(() -> id(calls.withWaitForReady(), "sleep", "1000")));
        }
        for (Future<String> start : starts) {
          ids.add(start.get());
        }
      }
      double crowded = restart(server, one);
      JsonNode done = server.log().anyEvent("recovery.done");
      report.within(
          RUNNING + " running jobs: taken up", "s", done.path("millis").asDouble() / 1e3, 2);
      report.within(RUNNING + " running jobs: later first answer", "s", crowded - alone, 1);
      try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
        for (String id : ids) {
          threads.execute(() -> {
            var _ = calls.stop(JobRequest.newBuilder().setId(id).build());
          });
        }
      }
      channel.shutdownNow();
    }
  }

  private void ended() throws Exception {
    ServerToml toml = ServerToml.withoutQuotas();
    try (ServerProcess server = ServerProcess.start(toml.with("history.max", 1_000_000))) {
      ManagedChannel channel = server.certificates().channel("alice");
      JobWorkerBlockingStub calls = JobWorkerGrpc.newBlockingStub(channel).withWaitForReady();
      String one = id(calls, "true");
      var _ = server.log().event("job.ended", one);
      double emptyStart = restart(server, one);
      double[] start = times(calls, RecoveryBench::start);
      double[] list = times(calls, RecoveryBench::list);
      server.kill();
      fill(server.directory().resolve("state"), one);
      server.restart();
      double fullStart = restart(server, one);
      report.within(ENDED + " ended jobs: first answer after the start", "s", fullStart, 2);
      Report.Rounds starts = new Report.Rounds();
      starts.add(fullStart, emptyStart);
      report.note(ENDED + " ended jobs: first answer (floor: none)", "s", starts);
      compare("List, one page", list, times(calls, RecoveryBench::list));
      compare("Start", start, times(calls, RecoveryBench::start));
      server.kill();
      server.configure(toml.with("history.max", 1000));
      server.restart();
      compare("Start while they are purged", start, times(calls, RecoveryBench::start));
      channel.shutdownNow();
    }
  }

  private void compare(String what, double[] empty, double[] full) {
    Report.Rounds rounds = new Report.Rounds();
    for (int i = 0; i < CALLS; i++) {
      rounds.add(full[i], empty[i]);
    }
    report.atMost(ENDED + " ended: " + what + " (floor: a few)", "ms", rounds, 1.5);
  }

  private interface Call {
    void on(JobWorkerBlockingStub calls);
  }

  private static void list(JobWorkerBlockingStub calls) {
    var _ = calls.list(ListJobsRequest.newBuilder().setPageSize(20).build());
  }

  private static void start(JobWorkerBlockingStub calls) {
    var _ = id(calls, "true");
  }

  /** Milliseconds of each of many calls, after as many that are not counted. */
  private static double[] times(JobWorkerBlockingStub calls, Call call) {
    double[] times = new double[CALLS];
    for (int i = -CALLS; i < CALLS; i++) {
      long start = System.nanoTime();
      call.on(calls);
      if (i >= 0) {
        times[i] = (System.nanoTime() - start) / 1e6;
      }
    }
    return times;
  }

  /** Makes a hundred thousand jobs out of one, with their directories. */
  private static void fill(Path state, String template) throws Exception {
    try (Connection database =
        DriverManager.getConnection("jdbc:sqlite:" + state.resolve("jobs.db"))) {
      List<String> columns = new ArrayList<>();
      try (ResultSet rows =
          database.createStatement().executeQuery("SELECT name FROM pragma_table_info('job')")) {
        while (rows.next()) {
          columns.add(rows.getString(1));
        }
      }
      String all = String.join(", ", columns);
      String values =
          all.replaceFirst("\\bid\\b", "printf('%08x-0000-4000-8000-000000000000', n)")
              .replace("request_id", "NULL");
      try (PreparedStatement insert =
          database.prepareStatement(
              "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?)"
                  + " INSERT INTO job ("
                  + all
                  + ") SELECT "
                  + values
                  + " FROM job, number WHERE id = ?")) {
        insert.setInt(1, ENDED);
        insert.setString(2, template);
        insert.executeUpdate();
      }
    }
    for (int n = 1; n <= ENDED; n++) {
      Path directory = state.resolve("jobs/%08x-0000-4000-8000-000000000000".formatted(n));
      Files.createDirectories(directory.resolve("work"));
      Files.createDirectory(directory.resolve("output"));
      Files.writeString(directory.resolve("exit"), "x");
    }
  }
}
