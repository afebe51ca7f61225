package io.jobworker.server.rpc;

import com.google.protobuf.InvalidProtocolBufferException;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.core.job.JobException;
import io.jobworker.server.gate.InvalidField;
import java.time.Duration;

/** Whatever interval Stats is asked for is within its bounds, or refused. */
public final class StatsRequestFuzz {
  private StatsRequestFuzz() {}

  public static void fuzzerTestOneInput(byte[] input) throws Exception {
    try {
      Duration interval = StatsMethod.interval(JobRequest.parseFrom(input).getStats());
      if (interval.toMillis() < 100 || interval.toHours() > 1) {
        throw new AssertionError("out of bounds: " + interval);
      }
    } catch (InvalidProtocolBufferException | JobException | InvalidField e) {
      // refused
    }
  }
}
