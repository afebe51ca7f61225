package io.jobworker.acceptance.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.grpc.ManagedChannel;
import io.jobworker.acceptance.support.ServerProcess;
import io.jobworker.acceptance.support.ServerToml;
import io.jobworker.api.v1.JobLogsResponse;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobSpec;
import io.jobworker.api.v1.JobWorkerGrpc;
import io.jobworker.api.v1.LogOptions;
import io.jobworker.api.v1.Stream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What the output of jobs costs, from the pipe to the client, each figure beside its floor. Run by
 * {@code acceptance/bench output [CASE...]}.
 */
public final class OutputBench {
  private static final int ROUNDS = 5;
  private static final long GB = 1_000_000_000L;
  private static final int BLOCK = 64 << 10;
  private static final long WINDOW = 8 << 20;

  private final ServerProcess server;
  private final Footprint footprint;
  private final ManagedChannel channel;
  private final Load load;
  private final Report report;

  private OutputBench(ServerProcess server, Path helper) throws IOException {
    this.server = server;
    this.footprint = new Footprint(server);
    this.channel = server.certificates().channel("alice");
    this.load = new Load(server, helper);
    this.report = new Report();
  }

  private interface Case {
    void run() throws Exception;
  }

  /** HELPER [CASE...]. */
  public static void main(String[] args) throws Exception {
    try (ServerProcess server = ServerProcess.start(ServerToml.withoutQuotas())) {
      OutputBench bench = new OutputBench(server, Path.of(args[0]));
      Map<String, Case> cases = new LinkedHashMap<>();
      cases.put("capture", bench::capture);
      cases.put("pair", bench::pair);
      cases.put("crowd", bench::crowd);
      cases.put("start", bench::start);
      cases.put("readers", bench::readers);
      cases.put("latency", bench::latency);
      cases.put("followers", bench::followers);
      cases.put("stalled", bench::stalled);
      cases.put("size", bench::size);
      List<String> wanted = List.of(args).subList(1, args.length);
      for (String name : wanted.isEmpty() ? cases.keySet() : wanted) {
        Case wantedCase = cases.get(name);
        if (wantedCase == null) {
          throw new IllegalArgumentException("no case '" + name + "'; there are " + cases.keySet());
        }
        wantedCase.run();
      }
      bench.report.close();
      bench.channel.shutdownNow();
    }
  }

  // --- 1: from the pipe to the file

  private void capture() throws Exception {
    capture("capture, ring of 64 MiB (floor: cat and rm)", "64M", true);
    capture("capture, everything kept (floor: cat)", "8G", false);
  }

  private void capture(String what, String retain, boolean drops) throws Exception {
    long bytes = 2 * GB;
    Report.Rounds speed = new Report.Rounds();
    Report.Rounds cpu = new Report.Rounds();
    for (int round = 0; round < ROUNDS; round++) {
      load.settle(bytes);
      double[] floor = load.catFloor(bytes, BLOCK);
      double start = captureOnce(retain, BLOCK)[1]; // what a job costs that writes next to nothing
      load.settle(bytes);
      double[] taken = captureOnce(retain, bytes);
      speed.add(bytes / taken[0] / 1e6, bytes / floor[0] / 1e6);
      double floorCpu = floor[1] + (drops ? floor[2] : 0);
      cpu.add((taken[1] - start) / (bytes / 1e9), floorCpu / (bytes / 1e9));
    }
    report.atLeast(what, "MB/s", speed, 1.0);
    report.atMost(what + ": CPU", "s/GB", cpu, 1.0);
  }

  /** The writer's seconds, and the CPU seconds of server and launcher from Start to the end. */
  private double[] captureOnce(String retain, long bytes) {
    double before = footprint.cpuSeconds();
    String job = start(retain, "write", "" + bytes, "" + BLOCK, "400000");
    server.log().event("job.ended", job);
    double cpu = footprint.cpuSeconds() - before - jobSeconds(job);
    double seconds = Double.parseDouble(text(job, Stream.STREAM_STDERR).strip()) / 1e9;
    forget(job);
    return new double[] {seconds, cpu};
  }

  /** What the job itself has used. */
  private double jobSeconds(String job) {
    return stub().status(JobRequest.newBuilder().setId(job).build()).getUsage().getCpuUsec() / 1e6;
  }

  /** Two jobs at once. */
  private void pair() throws Exception {
    long bytes = GB;
    Report.Rounds speed = new Report.Rounds();
    for (int round = 0; round < ROUNDS; round++) {
      load.settle(2 * bytes);
      double floor = load.twoCatsFloor(bytes, BLOCK);
      load.settle(2 * bytes);
      String[] jobs = {
        begin("64M", "write", "" + bytes, "" + BLOCK, "0"),
        begin("64M", "write", "" + bytes, "" + BLOCK, "0")
      };
      double slower = 0;
      for (String job : jobs) {
        server.log().event("job.ended", job);
        slower =
            Math.max(slower, Double.parseDouble(text(job, Stream.STREAM_STDERR).strip()) / 1e9);
      }
      speed.add(2 * bytes / slower / 1e6, 2 * bytes / floor / 1e6);
      List.of(jobs).forEach(this::forget);
    }
    report.atLeast("capture of two jobs at once (floor: two cats)", "MB/s", speed, 1.1);
  }

  /** Many jobs that print a little, and nobody follows. */
  private void crowd() throws Exception {
    int writers = 64;
    int lines = 1000;
    int intervalMicros = 10_000;
    Report.Rounds cpu = new Report.Rounds();
    for (int round = 0; round < 3; round++) {
      double floor = load.crowdFloor(writers, lines, intervalMicros);
      double before = footprint.cpuSeconds();
      double jobsCpu = 0;
      List<String> jobs = new ArrayList<>();
      for (int i = 0; i < writers; i++) {
        jobs.add(begin("1M", "stamp", "" + lines, "" + intervalMicros));
      }
      jobs.forEach(job -> server.log().event("job.ended", job));
      double taken = footprint.cpuSeconds() - before;
      for (String job : jobs) {
        jobsCpu += jobSeconds(job);
      }
      cpu.add(taken - jobsCpu, floor);
      jobs.forEach(this::forget);
    }
    report.note("64 jobs of 1,000 lines that nobody follows: CPU (floor: cats)", "s", cpu);
  }

  /** How long Start takes, one after the other. */
  private void start() throws Exception {
    int count = 100;
    Report.Rounds p50 = new Report.Rounds();
    Report.Rounds p99 = new Report.Rounds();
    for (int round = 0; round < ROUNDS; round++) {
      double[] floor = load.spawnFloor(count, "/bin/true");
      double[] nanos = new double[count];
      List<String> jobs = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        long start = System.nanoTime();
        jobs.add(begin("1M", List.of("/bin/true")));
        nanos[i] = System.nanoTime() - start;
        server.log().event("job.ended", jobs.getLast());
      }
      java.util.Arrays.sort(nanos);
      p50.add(nanos[count / 2] / 1e6, floor[0] / 1e6);
      p99.add(nanos[count * 99 / 100] / 1e6, floor[1] / 1e6);
      jobs.forEach(this::forget);
    }
    report.note("Start, p50 (floor: posix_spawn and wait)", "ms", p50);
    report.note("Start, p99 (floor: posix_spawn and wait)", "ms", p99);
  }

  // --- 2: from the file to readers

  private void readers() throws Exception {
    long bytes = 2 * GB;
    String job = start("8G", "write", "" + bytes, "" + BLOCK, "0");
    server.log().event("job.ended", job);
    for (int readers : new int[] {1, 8, 64}) {
      readers(job, readers, bytes / readers, readers == 1 ? bytes : 0);
    }
    forget(job);
  }

  private void readers(String whole, int readers, long each, long wholeBytes) throws Exception {
    String job = whole;
    if (wholeBytes == 0) {
      job = start("8G", "write", "" + each, "" + BLOCK, "0");
      server.log().event("job.ended", job);
    }
    long bytes = each * readers;
    Report.Rounds speed = new Report.Rounds();
    Report.Rounds cpu = new Report.Rounds();
    load.follow(readers, 1, WINDOW, "read", List.of(job)); // compiled by now
    for (int round = 0; round < ROUNDS; round++) {
      double[] floor = load.tlsFloor(readers, BLOCK, each);
      double before = footprint.cpuSeconds();
      double[] taken = load.follow(readers, 1, WINDOW, "read", List.of(job));
      speed.add(bytes / taken[1] / 1e6, bytes / floor[0] / 1e6);
      cpu.add((footprint.cpuSeconds() - before) / (bytes / 1e9), floor[1] / (bytes / 1e9));
    }
    String what = readers == 1 ? "one reader over mTLS" : readers + " readers over mTLS, in all";
    report.atLeast(what, "MB/s", speed, readers == 1 ? 0.9 : 0.85);
    if (readers == 1) {
      report.atMost(what + ": server CPU", "s/GB", cpu, 1.2);
    } else {
      report.note(what + ": server CPU", "s/GB", cpu);
      forget(job);
    }
  }

  // --- 3: how long a line takes

  private void latency() throws Exception {
    int count = 3000;
    int interval = 2000;
    Report.Rounds p50 = new Report.Rounds();
    Report.Rounds p99 = new Report.Rounds();
    for (int round = 0; round < ROUNDS; round++) {
      double[] floor = load.echoFloor(count, interval, 64);
      String job = start("1M", "stamp", "" + count, "" + interval);
      double[] delays = load.follow(1, 1, WINDOW, "stamps", List.of(job));
      p50.add(delays[0] / 1e3, floor[0] / 1e3);
      p99.add(delays[1] / 1e3, floor[1] / 1e3);
      forget(job);
    }
    report.note("a line, from write to client, p50 (floor: echo)", "us", p50);
    report.atMost("a line, from write to client, p99 (floor: echo)", "us", p99, 5);
  }

  // --- 4: many followers

  private void followers() throws Exception {
    List<String> jobs = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      jobs.add(start("1M", "stamp", "1", "120000000"));
    }
    footprint.collectGarbage();
    double before = footprint.memoryBytes();
    Process process = load.followInBackground(100, 100, 1 << 20, "read", 60, jobs);
    await(10_000);
    footprint.collectGarbage();
    double after = footprint.memoryBytes();
    double idle = Double.MAX_VALUE;
    for (int i = 0; i < 3; i++) { // the JVM may still be compiling what the openings made hot
      double cpu = footprint.cpuSeconds();
      Thread.sleep(10_000); // the time over which an idle server's CPU is measured
      idle = Math.min(idle, footprint.cpuSeconds() - cpu);
    }
    process.destroy();
    process.waitFor();
    report.within(
        "10,000 followers of idle jobs: memory each", "KiB", (after - before) / 10_000 / 1024, 20);
    report.within("10,000 followers of idle jobs: CPU in 10 s", "s", idle, 0.02);
    jobs.forEach(this::forget);
  }

  private void await(int streams) throws Exception {
    while (footprint.openStreams() < streams) {
      Thread.sleep(100);
    }
  }

  private void stalled() throws Exception {
    long bytes = 2 * GB;
    String job = start("8G", "write", "" + bytes, "" + BLOCK, "0");
    server.log().event("job.ended", job);
    List<Double> alone = new ArrayList<>();
    Report.Rounds crowded = new Report.Rounds();
    load.follow(1, 1, WINDOW, "read", List.of(job));
    for (int round = 0; round < ROUNDS; round++) {
      alone.add(bytes / load.follow(1, 1, WINDOW, "read", List.of(job))[1] / 1e6);
    }
    footprint.collectGarbage();
    double before = footprint.memoryBytes();
    Process process = load.followInBackground(10, 100, 64 << 10, "stall", 120, List.of(job));
    await(1000);
    for (int round = 0; round < ROUNDS; round++) {
      double seconds = load.follow(1, 1, WINDOW, "read", List.of(job))[1];
      crowded.add(bytes / seconds / 1e6, alone.get(round));
    }
    footprint.collectGarbage();
    double each = (footprint.memoryBytes() - before) / 1000 / 1024;
    process.destroy();
    process.waitFor();
    report.atLeast("one reader beside 1,000 stalled ones (floor: alone)", "MB/s", crowded, 0.8);
    report.within("1,000 stalled readers: memory each (window 64 KiB)", "KiB", each, 64 + 256 + 64);
    forget(job);
  }

  // --- 5: cost with size

  private void size() throws Exception {
    String small = start("16G", "write", "" + GB / 100, "" + BLOCK, "0");
    String large = start("16G", "write", "" + 10 * GB, "" + BLOCK, "0");
    server.log().event("job.ended", small);
    server.log().event("job.ended", large);
    LogOptions tail = LogOptions.newBuilder().setTailLines(10).setNoFollow(true).build();
    compare("--tail 10: log of 10 GB (floor: of 10 MB)", small, large, job -> tail);
    compare(
        "--since the last ms: log of 10 GB (floor: of 10 MB)",
        small,
        large,
        job -> {
          Instant last = lastByteAt(job).minusMillis(1);
          return LogOptions.newBuilder()
              .setSince(
                  com.google.protobuf.Timestamp.newBuilder()
                      .setSeconds(last.getEpochSecond())
                      .setNanos(last.getNano()))
              .setNoFollow(true)
              .setStream(Stream.STREAM_STDERR)
              .build();
        });
    forget(small);
    forget(large);
  }

  private interface Options {
    LogOptions of(String job);
  }

  private void compare(String what, String small, String large, Options options) {
    LogOptions ofSmall = options.of(small);
    LogOptions ofLarge = options.of(large);
    Report.Rounds times = new Report.Rounds();
    for (int round = 0; round < 50; round++) {
      long start = System.nanoTime();
      read(small, ofSmall);
      long middle = System.nanoTime();
      read(large, ofLarge);
      times.add((System.nanoTime() - middle) / 1e6, (middle - start) / 1e6);
    }
    report.atMost(what, "ms", times, 1.5);
  }

  private Instant lastByteAt(String job) {
    JobLogsResponse last = JobLogsResponse.getDefaultInstance();
    Iterator<JobLogsResponse> messages =
        logs(job, LogOptions.newBuilder().setTailLines(1).setNoFollow(true).build());
    while (messages.hasNext()) {
      last = messages.next();
    }
    return Instant.ofEpochSecond(last.getTime().getSeconds(), last.getTime().getNanos());
  }

  // --- jobs

  private String start(String retain, String... words) {
    List<String> command = new ArrayList<>(List.of("--output-limit", retain, "--", load.program()));
    command.addAll(List.of(words));
    return server.as("alice").start(command.toArray(String[]::new));
  }

  /** Likewise, at once: by a call instead of a program that calls. */
  private String begin(String retain, String... words) {
    List<String> command = new ArrayList<>(List.of(load.program()));
    command.addAll(List.of(words));
    return begin(retain, command);
  }

  private String begin(String retain, List<String> command) {
    long bytes = Long.parseLong(retain.substring(0, retain.length() - 1)) << 20; // "64M"
    JobSpec.Builder spec = JobSpec.newBuilder().setOutputRetainBytes(bytes);
    spec.addAllCommand(command);
    return stub().start(JobRequest.newBuilder().setSpec(spec).build()).getId();
  }

  private void forget(String job) {
    JobRequest request = JobRequest.newBuilder().setId(job).build();
    stub().stop(request);
    server.log().event("job.ended", job);
    stub().remove(request);
  }

  private JobWorkerGrpc.JobWorkerBlockingStub stub() {
    return JobWorkerGrpc.newBlockingStub(channel);
  }

  private Iterator<JobLogsResponse> logs(String job, LogOptions options) {
    return stub().logs(JobRequest.newBuilder().setId(job).setLogs(options).build());
  }

  private byte[] read(String job, LogOptions options) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    logs(job, options)
        .forEachRemaining(message -> bytes.writeBytes(message.getLog().toByteArray()));
    return bytes.toByteArray();
  }

  private String text(String job, Stream stream) {
    return new String(read(job, LogOptions.newBuilder().setStream(stream).build()), UTF_8);
  }
}
