package io.jobworker.server.rpc;

import com.google.protobuf.InvalidProtocolBufferException;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobSpec;
import io.jobworker.server.gate.InvalidField;

/** Whatever a Start asks for is a job within its bounds, or refused by its field. */
public final class StartRequestFuzz {
  private StartRequestFuzz() {}

  public static void fuzzerTestOneInput(byte[] input) throws Exception {
    try {
      JobRequest request = JobRequest.parseFrom(input);
      JobSpec spec = Wire.spec(request.getSpec());
      spec.requireValid(request.getSpec().getStdin().toByteArray());
      if (!request.getSpec().getCommandList().equals(spec.command()) || spec.command().isEmpty()) {
        throw new AssertionError("not the command that was asked for");
      }
    } catch (InvalidProtocolBufferException | JobException | InvalidField e) {
      // refused
    }
  }
}
