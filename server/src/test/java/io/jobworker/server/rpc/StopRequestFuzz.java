package io.jobworker.server.rpc;

import com.google.protobuf.InvalidProtocolBufferException;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.core.job.JobException;
import io.jobworker.server.gate.InvalidField;

/** Whatever a Stop asks for is a grace and a signal, or refused by its field. */
public final class StopRequestFuzz {
  private StopRequestFuzz() {}

  public static void fuzzerTestOneInput(byte[] input) throws Exception {
    try {
      Wire.stop(JobRequest.parseFrom(input).getStop());
    } catch (InvalidProtocolBufferException | JobException | InvalidField e) {
      // refused
    }
  }
}
