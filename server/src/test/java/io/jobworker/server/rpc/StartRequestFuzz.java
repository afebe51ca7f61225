package io.jobworker.server.rpc;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.base.words.OsString;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobSpec;
import io.jobworker.server.gate.InvalidField;
import java.util.List;

/** Whatever a Start asks for is a job within its bounds, or refused by its field. */
public final class StartRequestFuzz {
  private StartRequestFuzz() {}

  /** Word for word, in bytes. */
  private static List<ByteString> asked(io.jobworker.api.v1.JobSpec wire) {
    return wire.getRawCommandCount() > 0
        ? wire.getRawCommandList()
        : wire.getCommandList().stream().map(ByteString::copyFromUtf8).toList();
  }

  private static List<ByteString> given(JobSpec spec) {
    return spec.command().stream().map(OsString::bytes).map(ByteString::copyFrom).toList();
  }

  public static void fuzzerTestOneInput(byte[] input) throws Exception {
    try {
      JobRequest request = JobRequest.parseFrom(input);
      JobSpec spec = Wire.spec(request.getSpec());
      spec.requireValid(request.getSpec().getStdin().toByteArray());
      if (!asked(request.getSpec()).equals(given(spec)) || spec.command().isEmpty()) {
        throw new AssertionError("not the command that was asked for");
      }
    } catch (InvalidProtocolBufferException | JobException | InvalidField e) {
      // refused
    }
  }
}
