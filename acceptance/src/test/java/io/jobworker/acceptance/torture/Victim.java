package io.jobworker.acceptance.torture;

import io.jobworker.api.v1.JobSpec;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.api.v1.Limits;
import io.jobworker.api.v1.Reason;
import java.time.Duration;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;

/**
 * A job whose output and end are known beforehand: lines numbered from 1 on each stream.
 *
 * @param lines on each stream
 * @param retain the size of its ring; 0: the server's
 * @param memory its limit; 0: none
 */
record Victim(
    String script, Optional<Duration> timeout, int lines, long retain, long memory, End end) {

  /** How it should end. */
  record End(Reason reason, int exitCode, int signal) {
    static End exit(int code) {
      return new End(Reason.REASON_EXITED, code, 0);
    }

    boolean is(JobStatusResponse job) {
      return job.getReason() == reason
          && (reason != Reason.REASON_EXITED || job.getExitCode() == exitCode)
          && (reason != Reason.REASON_SIGNALED || job.getSignal() == signal);
    }
  }

  /** As fast as it goes, on both streams at once. */
  private static String both(int lines) {
    return "seq 1 " + lines + " & seq 1 " + lines + " >&2; wait; ";
  }

  /** One of the kinds, by chance; {@code limits}: whether memory can be limited here. */
  static Victim any(Random random, boolean limits) {
    int many = 1 + random.nextInt(60_000);
    int code = random.nextInt(120);
    int few = 2 + random.nextInt(20);
    return switch (random.nextInt(limits ? 8 : 7)) {
      case 0 -> new Victim(both(many) + "kill -USR1 $$; sleep 10", signaled(10), many);
      case 1 -> new Victim(both(many) + "kill -9 $$; sleep 10", signaled(9), many);
      case 2 -> // what it writes must be written in time, beside all the others
          new Victim(
              both(few) + "sleep 1000",
              Optional.of(Duration.ofSeconds(10)),
              few,
              0,
              0,
              new End(Reason.REASON_TIMED_OUT, 0, 0));
      case 3, 4 ->
          new Victim(
              "i=0; while [ $i -lt %d ]; do i=$((i+1)); echo $i; echo $i >&2; sleep 0.%d; done; exit %d"
                  .formatted(few, 1 + random.nextInt(8), code),
              End.exit(code),
              few);
      case 5 ->
          new Victim(
              both(many + 20_000) + "exit " + code,
              Optional.empty(),
              many + 20_000,
              128 << 10,
              0,
              End.exit(code));
      case 7 ->
          new Victim(
              both(many) + "head -c 500000000 /dev/zero | tail",
              Optional.empty(),
              many,
              0,
              48 << 20,
              new End(Reason.REASON_OOM_KILLED, 0, 0));
      default -> new Victim(both(many) + "exit " + code, End.exit(code), many);
    };
  }

  private Victim(String script, End end, int lines) {
    this(script, Optional.empty(), lines, 0, 0, end);
  }

  private static End signaled(int signal) {
    return new End(Reason.REASON_SIGNALED, 0, signal);
  }

  /** What to ask for, each time with a request id of its own. */
  JobSpec spec() {
    JobSpec.Builder spec =
        JobSpec.newBuilder()
            .addCommand("/bin/sh")
            .addCommand("-c")
            .addCommand(script)
            .setOutputRetainBytes(retain)
            .setLimits(Limits.newBuilder().setMemoryBytes(memory))
            .setRequestId(UUID.randomUUID().toString());
    timeout.ifPresent(limit ->
        spec.setTimeout(
            com.google.protobuf.Duration.newBuilder()
                .setSeconds(limit.toSeconds())
                .setNanos(limit.toNanosPart())));
    return spec.build();
  }
}
