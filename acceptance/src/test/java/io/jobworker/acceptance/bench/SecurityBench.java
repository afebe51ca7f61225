package io.jobworker.acceptance.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.jobworker.acceptance.support.ServerProcess;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobSpec;
import io.jobworker.api.v1.JobWorkerGrpc;
import io.jobworker.api.v1.JobWorkerGrpc.JobWorkerBlockingStub;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;

/**
 * What one client feels of another: how long its Start takes while the other takes whatever it
 * gets, and whether the time of an answer tells of the other's jobs. Run by {@code acceptance/bench
 * security}.
 */
public final class SecurityBench {
  private static final int ROUNDS = 5;
  private static final int STARTS = 200;
  private static final int CALLS = 2_000;
  private static final int SILENT_PER_SECOND = 2_000;
  private static final int CONNECTS = 50;
  private static final int LARGE_JOBS = 20;
  private static final String ALL_CPUS = "0-" + (Runtime.getRuntime().availableProcessors() - 1);

  private final Report report = new Report();

  private SecurityBench() {}

  /** Takes those cases that are wanted: {@code answers connections lists figures starts}. */
  public static void main(String[] args) throws Exception {
    List<String> cases =
        args.length > 0
            ? List.of(args)
            : List.of("answers", "connections", "lists", "figures", "starts");
    SecurityBench bench = new SecurityBench();
    try (ServerProcess server = ServerProcess.start()) {
      server.admin("client", "set", "alice", "starts-per-second=0").succeeded();
      ManagedChannel channel = server.certificates().channel("alice");
      JobWorkerBlockingStub alice = JobWorkerGrpc.newBlockingStub(channel);
      start(alice); // which warms up
      for (String wanted : cases) {
        switch (wanted) {
          case "answers" -> bench.answers(server, alice);
          case "connections" -> bench.connections(server, alice);
          case "lists" -> bench.lists(server, alice);
          case "figures" ->
              bench.beside(server, alice, "950 streams of figures", "figures", ALL_CPUS);
          case "starts" -> bench.starts(server, alice);
          default -> throw new IllegalArgumentException("no case " + wanted);
        }
      }
      channel.shutdownNow();
    }
    bench.report.close();
  }

  /** Seconds, the median of {@code times}. */
  private static double median(double[] times) {
    Arrays.sort(times);
    return times[times.length / 2];
  }

  private static double start(JobWorkerBlockingStub calls) {
    double[] times = new double[STARTS];
    JobRequest request =
        JobRequest.newBuilder().setSpec(JobSpec.newBuilder().addCommand("true")).build();
    for (int i = 0; i < STARTS; i++) {
      long before = System.nanoTime();
      var _ = calls.start(request);
      times[i] = (System.nanoTime() - before) / 1e9;
    }
    return median(times);
  }

  private static double status(JobWorkerBlockingStub calls, List<String> ids) {
    double[] times = new double[ids.size()];
    for (int i = 0; i < times.length; i++) {
      JobRequest request = JobRequest.newBuilder().setId(ids.get(i)).build();
      long before = System.nanoTime();
      try {
        var _ = calls.status(request);
      } catch (StatusRuntimeException e) {
        times[i] = (System.nanoTime() - before) / 1e9;
      }
    }
    return median(times);
  }

  private void answers(ServerProcess server, JobWorkerBlockingStub alice) {
    String running = server.as("bob").start("sleep 1000");
    String ended = server.as("bob").start("true");
    server.log().event("job.ended", ended);
    Report.Rounds ofRunning = new Report.Rounds();
    Report.Rounds ofEnded = new Report.Rounds();
    for (int round = 0; round < ROUNDS + 1; round++) {
      List<String> missing = new ArrayList<>();
      for (int i = 0; i < CALLS; i++) {
        missing.add(UUID.randomUUID().toString());
      }
      double floor = status(alice, missing);
      double runs = status(alice, java.util.Collections.nCopies(CALLS, running));
      double has = status(alice, java.util.Collections.nCopies(CALLS, ended));
      if (round > 0) { // the first one warms up
        ofRunning.add(runs * 1e6, floor * 1e6);
        ofEnded.add(has * 1e6, floor * 1e6);
      }
    }
    report.atMost("Status of another's running job / a missing one", "us", ofRunning, 1.25);
    report.atMost("Status of another's ended job / a missing one", "us", ofEnded, 1.25);
  }

  /** Silent ones, from another address, as many a second as are said. */
  private void connections(ServerProcess server, JobWorkerBlockingStub alice) throws Exception {
    start(alice);
    Report.Rounds open = new Report.Rounds();
    Report.Rounds fresh = new Report.Rounds();
    SilentConnections silent = new SilentConnections(server.port(), SILENT_PER_SECOND);
    for (int round = 0; round < ROUNDS; round++) {
      double idle = start(alice);
      double connecting = connect(server);
      Thread flood = silent.flood();
      open.add(start(alice) * 1e3, idle * 1e3);
      fresh.add(connect(server) * 1e3, connecting * 1e3);
      flood.interrupt();
      flood.join();
    }
    report.atMost(
        "Start beside " + SILENT_PER_SECOND + " silent connections a second", "ms", open, 3.0);
    report.atMost("a connection and a Status beside them", "ms", fresh, 3.0);
    System.out.println("(of which there were " + silent.perSecond() + " a second)");
  }

  /** A handshake and a call. */
  private static double connect(ServerProcess server) {
    double[] times = new double[CONNECTS];
    JobRequest missing = JobRequest.newBuilder().setId(UUID.randomUUID().toString()).build();
    for (int i = 0; i < times.length; i++) {
      ManagedChannel channel = server.certificates().channel("alice");
      long before = System.nanoTime();
      try {
        var _ = JobWorkerGrpc.newBlockingStub(channel).status(missing);
      } catch (StatusRuntimeException e) {
        if (e.getStatus().getCode() == Status.Code.NOT_FOUND) {
          times[i] = (System.nanoTime() - before) / 1e9;
        } else {
          throw e;
        }
      } finally {
        channel.shutdownNow();
      }
    }
    return median(times);
  }

  /** Of jobs with an environment as large as there can be. */
  private void lists(ServerProcess server, JobWorkerBlockingStub alice) throws Exception {
    JobSpec.Builder large = JobSpec.newBuilder().addCommand("true");
    for (int i = 0; i < 8; i++) {
      large.putEnv("LARGE" + i, "x".repeat(100_000));
    }
    ManagedChannel channel = server.certificates().channel("bob");
    for (int i = 0; i < LARGE_JOBS; i++) {
      var _ =
          JobWorkerGrpc.newBlockingStub(channel)
              .start(JobRequest.newBuilder().setSpec(large).build());
    }
    channel.shutdownNow();
    beside(server, alice, "two who list large jobs", "lists", ALL_CPUS);
  }

  /**
   * On this one machine the attacker has the CPU time that nobody else wants, once of one CPU and
   * once of all: what it takes of the server is to be measured, not what it takes of the machine.
   */
  private void starts(ServerProcess server, JobWorkerBlockingStub alice) throws Exception {
    beside(server, alice, "a client at full throttle, on one idle CPU", "all", "0");
    beside(server, alice, "a client at full throttle, on all idle CPUs", "all", ALL_CPUS);
  }

  private void beside(
      ServerProcess server, JobWorkerBlockingStub alice, String what, String how, String affinity)
      throws Exception {
    Report.Rounds rounds = new Report.Rounds();
    String took = "";
    for (int round = 0; round < ROUNDS; round++) {
      double idle = start(alice);
      Process attacker = attack(server, how, affinity);
      start(alice); // until the attacker is warm
      double attacked = start(alice);
      attacker.getOutputStream().close();
      took = new String(attacker.getInputStream().readAllBytes(), UTF_8).strip();
      attacker.waitFor();
      server.stopJobsOf("bob");
      rounds.add(attacked * 1e3, idle * 1e3);
    }
    report.atMost("Start beside " + what, "ms", rounds, 3.0);
    System.out.println("(which got " + took + ")");
  }

  /** Starts an attacker on some of the CPUs. */
  private static Process attack(ServerProcess server, String how, String affinity)
      throws Exception {
    Path certificate = server.directory().resolveSibling("attacker.crt");
    Path key = server.directory().resolveSibling("attacker.key");
    Files.writeString(certificate, server.certificates().pem("bob", "cert"));
    Files.writeString(key, server.certificates().pem("bob", "key"));
    List<String> command =
        new ArrayList<>(List.of("taskset", "--cpu-list", affinity, "chrt", "--idle", "0"));
    command.addAll(
        List.of(
            Path.of(System.getProperty("java.home"), "bin/java").toString(),
            "-Xmx2g",
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-cp",
            System.getProperty("java.class.path"),
            Attacker.class.getName(),
            Integer.toString(server.port()),
            server.directory().resolve("ca.crt").toString(),
            certificate.toString(),
            key.toString(),
            how));
    Process attacker =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    if (!"attacking\n"
        .equals(new String(attacker.getInputStream().readNBytes("attacking\n".length()), UTF_8))) {
      throw new IllegalStateException("the attacker did not come up");
    }
    return attacker;
  }
}
