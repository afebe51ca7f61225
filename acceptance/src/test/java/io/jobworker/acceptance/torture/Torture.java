package io.jobworker.acceptance.torture;

import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.jobworker.acceptance.support.ServerProcess;
import io.jobworker.acceptance.support.ServerToml;
import io.jobworker.acceptance.torture.Finding.Kind;
import io.jobworker.api.v1.JobLogsResponse;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.api.v1.JobWorkerGrpc;
import io.jobworker.api.v1.JobWorkerGrpc.JobWorkerBlockingStub;
import io.jobworker.api.v1.ListJobsRequest;
import io.jobworker.api.v1.ListJobsResponse;
import io.jobworker.api.v1.LogOptions;
import io.jobworker.api.v1.Reason;
import io.jobworker.api.v1.Stream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.IntPredicate;
import java.util.function.Supplier;

/**
 * Starts jobs and follows them while the server is killed with SIGKILL at random instants, during
 * its start-up and during Start calls too. At the end every line of every job must be there once
 * and in order, every end must be right, no Start may be lost or doubled, and nothing may be left
 * over.
 *
 * <p>{@code acceptance/torture --minutes N [--seed S]} runs it for long; {@code TortureTest} for a
 * number of kills, and {@code --trouble} adds {@link Trouble}: then output may be missing where
 * that is told. With {@code --faults} it is {@link StartFaults}, {@link LauncherFaults} and {@link
 * LifeFaults}.
 */
public final class Torture {
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final int STARTERS = 6;
  private static final int FOLLOWERS = 3;
  private static final int JOBS_AT_A_TIME = 16; // each competes with the server for the CPU

  private final ServerProcess server;
  private final Random random;
  private final BooleanSupplier enough;
  private final Map<String, Victim> victims = new ConcurrentHashMap<>();
  private final Semaphore room = new Semaphore(JOBS_AT_A_TIME);
  private final List<Throwable> failures =
      java.util.Collections.synchronizedList(new ArrayList<>());
  private final List<Follower> followers =
      java.util.Collections.synchronizedList(new ArrayList<>());
  private final boolean limits;
  private final Optional<Trouble> trouble;
  private volatile boolean starting = true;
  private final AtomicInteger kills = new AtomicInteger();

  /** What a run has shown. */
  public record Result(
      int kills, int jobs, int followed, long lines, int ends, List<String> wrong) {
    @Override
    public String toString() {
      return "kills survived: %d%njobs: %d, of which followed through the kills: %d%nlines verified: %d%nexit statuses verified: %d%nleftovers and losses: %d%s"
          .formatted(
              kills,
              jobs,
              followed,
              lines,
              ends,
              wrong.size(),
              wrong.isEmpty() ? "" : "\n  " + String.join("\n  ", wrong));
    }
  }

  /** {@code enough} is asked with the number of kills so far. */
  public Torture(ServerProcess server, long seed, IntPredicate enough) {
    this(server, seed, enough, Optional.empty());
  }

  private Torture(ServerProcess server, long seed, IntPredicate enough, Optional<Trouble> trouble) {
    this.server = server;
    this.trouble = trouble;
    this.random = new Random(seed);
    this.enough = () -> enough.test(kills.get());
    this.limits = server.cgroup().filter(Torture::limitsMemory).isPresent();
  }

  private static boolean limitsMemory(Path cgroup) {
    try {
      return Files.readString(cgroup.resolve("jobs/cgroup.subtree_control")).contains("memory");
    } catch (IOException e) {
      return false;
    }
  }

  /**
   * {@code [--minutes N | --kills N] [--seed S] [--trouble]}, {@code --away MEBIBYTES} or {@code
   * --faults}.
   */
  public static void main(String[] args) throws Exception {
    if (List.of(args).equals(List.of("--faults"))) {
      boolean well = StartFaults.runAll();
      well &= LauncherFaults.runAll();
      well &= LifeFaults.runAll();
      System.exit(well ? 0 : 1);
    }
    Duration time = Duration.ofMinutes(2);
    int kills = 0;
    long seed = System.nanoTime();
    boolean troubled = false;
    for (int i = 0; i < args.length; i += 2) {
      switch (args[i]) {
        case "--trouble" -> {
          troubled = true;
          i--; // it has no value
        }
        case "--minutes" -> time = Duration.ofMinutes(Long.parseLong(args[i + 1]));
        case "--kills" -> kills = Integer.parseInt(args[i + 1]);
        case "--seed" -> seed = Long.parseLong(args[i + 1]);
        case "--away" -> {
          Away.run(Long.parseLong(args[i + 1]));
          System.exit(0);
        }
        default -> throw new IllegalArgumentException("unknown option " + args[i]);
      }
    }
    System.out.println(
        "seed " + seed + ", " + (kills > 0 ? kills + " kills" : time.toMinutes() + " minutes"));
    long end = System.nanoTime() + time.toNanos();
    int most = kills;
    IntPredicate enough = k -> most > 0 ? k >= most : System.nanoTime() > end;
    Result result = troubled ? withTrouble(seed, enough) : undisturbed(seed, enough);
    System.exit(result.wrong().isEmpty() ? 0 : 1);
  }

  private static Result undisturbed(long seed, IntPredicate enough) throws Exception {
    try (ServerProcess server =
        ServerProcess.start(ServerToml.withoutQuotas(), ServerProcess.DAEMON)) {
      return told(new Torture(server, seed, enough).run());
    }
  }

  private static Result withTrouble(long seed, IntPredicate enough) throws Exception {
    try (Trouble trouble = Trouble.with(new Random(seed));
        ServerProcess server = ServerProcess.start(trouble.server(), trouble.prefix())) {
      Result result = new Torture(server, seed, enough, Optional.of(trouble)).run();
      System.out.println(trouble);
      return told(result);
    }
  }

  /** Before the server is closed, which fails on leftovers. */
  private static Result told(Result result) {
    System.out.println(result);
    return result;
  }

  /** Runs until it is enough, then lets all jobs end and looks at what there is. */
  public Result run() throws Exception {
    ManagedChannel channel = server.certificates().channel("alice");
    JobWorkerBlockingStub calls = JobWorkerGrpc.newBlockingStub(channel);
    List<Thread> starters = new ArrayList<>();
    for (int i = 0; i < STARTERS; i++) {
      Random own = new Random(random.nextLong());
      starters.add(
          Thread.ofPlatform().name("starter-" + i).start(() -> guarded(() -> start(calls, own))));
    }
    trouble.ifPresent(Trouble::begin);
    int longestLife = 1500; // milliseconds; on a slow machine, as long as a start takes
    while (!enough.getAsBoolean() && failures.isEmpty()) {
      TimeUnit.MILLISECONDS.sleep(random.nextInt(longestLife));
      server.kill();
      kills.incrementAndGet();
      while (random.nextInt(4) == 0) {
        server.restartAndKillWithin(50 + random.nextInt(1200)); // often before it serves
        kills.incrementAndGet();
      }
      long start = System.nanoTime();
      restart();
      longestLife = Math.max(1500, (int) ((System.nanoTime() - start) / 1_000_000));
    }
    if (trouble.isPresent()) {
      trouble.get().end();
    }
    starting = false;
    for (Thread starter : starters) {
      starter.join(PATIENCE.toMillis());
      if (starter.isAlive()) {
        failures.add(new Finding(Kind.CALL, starter.getName() + " does not come back"));
      }
    }
    List<String> wrong = new ArrayList<>();
    failures.forEach(failure -> wrong.add(String.valueOf(failure)));
    Result result = verify(calls, wrong);
    channel.shutdownNow();
    return result;
  }

  /** On a full disk a server may have to be started again and again, as a supervisor does. */
  private void restart() throws Exception {
    if (trouble.isEmpty()) {
      server.restart();
      return;
    }
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!server.restartIfPossible()) {
      if (System.nanoTime() > end) {
        throw new Finding(Kind.CALL, "no server starts: " + server.log().lastWords());
      }
      TimeUnit.MILLISECONDS.sleep(200);
    }
  }

  private interface Task {
    void run() throws Exception;
  }

  private void guarded(Task task) {
    try {
      task.run();
    } catch (Exception | AssertionError e) {
      failures.add(e);
    }
  }

  // --- while it is killed

  private void start(JobWorkerBlockingStub calls, Random own) throws Exception {
    while (starting) {
      Victim victim = Victim.any(own, limits);
      if (!room.tryAcquire(100, TimeUnit.MILLISECONDS)) {
        continue;
      }
      JobRequest request = JobRequest.newBuilder().setSpec(victim.spec()).build();
      String id = again(calls, () -> calls.start(request).getId());
      if (victims.put(id, victim) != null) {
        throw new Finding(Kind.DOUBLE_START, "one job for two requests: " + id);
      }
      boolean follow =
          trouble.isEmpty()
              && victim.retain() == 0
              && followers.size() < FOLLOWERS + kills.get() / 4;
      if (follow) {
        followers.add(new Follower(server, id, victim));
      }
      Thread.startVirtualThread(() ->
          guarded(() -> {
            awaitEnd(calls, id);
            room.release();
          }));
    }
  }

  /** As a patient client does: what failed with its connection is done again. */
  private static <T> T again(JobWorkerBlockingStub calls, Supplier<T> call)
      throws InterruptedException {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      try {
        return call.get();
      } catch (StatusRuntimeException e) {
        if (!isBroken(e) || System.nanoTime() > end) {
          throw e;
        }
        if (calls.getChannel() instanceof ManagedChannel channel) {
          channel.resetConnectBackoff(); // the server will be back sooner than a channel expects
        }
        TimeUnit.MILLISECONDS.sleep(20);
      }
    }
  }

  /** gRPC says UNKNOWN of a connection that broke during its handshake. */
  private static boolean isBroken(StatusRuntimeException e) {
    return switch (e.getStatus().getCode()) {
      case UNAVAILABLE -> true;
      case UNKNOWN -> "channel closed".equals(e.getStatus().getDescription());
      default -> false;
    };
  }

  private static JobStatusResponse awaitEnd(JobWorkerBlockingStub calls, String id)
      throws InterruptedException {
    JobRequest request = JobRequest.newBuilder().setId(id).build();
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      JobStatusResponse job = again(calls, () -> calls.status(request));
      if (job.getReason() != Reason.REASON_UNSPECIFIED) {
        return job;
      }
      if (System.nanoTime() > end) {
        throw new Finding(Kind.END, id + " does not end");
      }
      TimeUnit.MILLISECONDS.sleep(200);
    }
  }

  // --- afterwards

  private Result verify(JobWorkerBlockingStub calls, List<String> wrong) throws Exception {
    long lines = 0;
    int ends = 0;
    for (Map.Entry<String, Victim> entry : victims.entrySet()) {
      String id = entry.getKey();
      Victim victim = entry.getValue();
      try {
        JobStatusResponse job = awaitEnd(calls, id);
        if (!victim.end().is(job)) {
          throw new Finding(
              Kind.END, job.getReason() + " " + job.getExitCode() + ", not " + victim.end());
        }
        ends++;
        lines += verifyLines(calls, id, victim, Stream.STREAM_STDOUT);
        lines += verifyLines(calls, id, victim, Stream.STREAM_STDERR);
      } catch (Finding | StatusRuntimeException e) {
        wrong.add(id + ": " + e.getMessage() + " (" + victim.script() + ")");
      }
    }
    int followed = 0;
    for (Follower follower : followers) {
      try {
        lines += follower.verify();
        followed++;
      } catch (Finding e) {
        wrong.add("follower of " + follower.job() + ": " + e.getMessage());
      }
    }
    try {
      wrong.addAll(lastingLeftovers(listed(calls)));
    } catch (StatusRuntimeException e) {
      wrong.add(
          Kind.CALL
              + ": "
              + e.getMessage()
              + "; the server said last: "
              + server.log().lastWords());
    }
    return new Result(kills.get(), victims.size(), followed, lines, ends, wrong);
  }

  private long verifyLines(JobWorkerBlockingStub calls, String id, Victim victim, Stream stream) {
    NumberedLines lines = new NumberedLines(victim.lines());
    JobRequest request =
        JobRequest.newBuilder()
            .setId(id)
            .setLogs(LogOptions.newBuilder().setStream(stream))
            .build();
    calls
        .withDeadlineAfter(PATIENCE)
        .logs(request)
        .forEachRemaining((JobLogsResponse message) -> {
          if (message.getDroppedBytes() > 0) {
            if (victim.retain() == 0 && trouble.isEmpty()) {
              throw new Finding(Kind.OUTPUT, message.getDroppedBytes() + " bytes were dropped");
            }
            lines.gap();
          }
          lines.add(message.getLog());
        });
    return lines.finish();
  }

  private static Set<String> listed(JobWorkerBlockingStub calls) throws InterruptedException {
    Set<String> ids = new HashSet<>();
    String page = "";
    do {
      ListJobsRequest request =
          ListJobsRequest.newBuilder().setPageSize(500).setPageToken(page).build();
      ListJobsResponse response = again(calls, () -> calls.list(request));
      response.getJobsList().forEach(job -> ids.add(job.getId()));
      page = response.getNextPageToken();
    } while (!page.isEmpty());
    return ids;
  }

  /** What the last server found when it was started may be on its way out yet. */
  private List<String> lastingLeftovers(Set<String> listed)
      throws IOException, InterruptedException {
    long end = System.nanoTime() + PATIENCE.toNanos();
    List<String> left = leftovers(listed);
    while (!left.isEmpty() && System.nanoTime() < end) {
      TimeUnit.MILLISECONDS.sleep(100);
      left = leftovers(listed);
    }
    return left;
  }

  private List<String> leftovers(Set<String> listed) throws IOException {
    List<String> wrong = new ArrayList<>();
    for (String id : listed) {
      if (!victims.containsKey(id)) {
        wrong.add(Kind.DOUBLE_START + ": nobody was told of job " + id);
      }
    }
    for (String id : victims.keySet()) {
      if (!listed.contains(id)) {
        wrong.add(Kind.LOST_START + ": job " + id + " was answered and is not listed");
      }
    }
    Path state = trouble.map(Trouble::state).orElse(server.directory().resolve("state"));
    try (var directories = Files.list(state.resolve("jobs"))) {
      for (Path directory : directories.toList()) {
        if (!listed.contains(String.valueOf(directory.getFileName()))) {
          wrong.add(Kind.LEFTOVER + ": directory " + directory);
        }
        for (String file : List.of("control", "life", "stdin")) {
          if (Files.exists(directory.resolve(file))) {
            wrong.add(Kind.LEFTOVER + ": " + directory.resolve(file));
          }
        }
      }
    }
    server.jobCgroups().forEach(cgroup -> wrong.add(Kind.LEFTOVER + ": cgroup " + cgroup));
    return wrong;
  }
}
