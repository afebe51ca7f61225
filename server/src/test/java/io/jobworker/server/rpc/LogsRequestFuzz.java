package io.jobworker.server.rpc;

import com.google.protobuf.InvalidProtocolBufferException;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.LogOptions;
import io.jobworker.core.job.JobException;
import io.jobworker.core.output.Cursor;
import io.jobworker.core.output.JobOutput;
import io.jobworker.core.output.OutputLog;
import io.jobworker.server.gate.InvalidField;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Wherever Logs is asked to begin, it reads from within the output, or is refused. */
public final class LogsRequestFuzz {
  private static final byte[] BUFFER = new byte[1 << 16];
  private static final JobOutput OUTPUT = output();

  private static JobOutput output() {
    try {
      Path directory = Files.createTempDirectory("job-worker-fuzz-");
      directory.toFile().deleteOnExit();
      return OutputLog.finished(directory, 0, 0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private LogsRequestFuzz() {}

  public static void fuzzerTestOneInput(byte[] input) throws Exception {
    try {
      LogOptions options = JobRequest.parseFrom(input).getLogs();
      long offset = LogsMethod.firstOffset(OUTPUT, options);
      try (Cursor cursor = OUTPUT.cursor(offset, Wire.stream(options.getStream()))) {
        if (offset < 0 || offset > OUTPUT.end() || cursor.offset() < 0) {
          throw new AssertionError("out of the output: " + offset);
        }
        cursor.read(BUFFER, BUFFER.length);
      }
    } catch (InvalidProtocolBufferException | JobException | InvalidField e) {
      // refused
    }
  }
}
