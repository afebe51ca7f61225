package io.jobworker.cli.render;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.gson.JsonObject;
import com.google.protobuf.ByteString;
import com.google.protobuf.util.Timestamps;
import io.jobworker.api.v1.JobLogsResponse;
import io.jobworker.api.v1.Stream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Base64;

/**
 * A job's output for programs, an object a line: which job, which stream, when, at which offset,
 * and the bytes, as text where they are UTF-8. Together they are the whole output, with its line
 * ends; where output is missing there is an object that says how much. For one thread.
 */
public final class JsonLines implements LogSink {
  private final String id;
  private final OutputStream out;

  public JsonLines(String id, OutputStream out) {
    this.id = id;
    this.out = out;
  }

  @Override
  public boolean accept(JobLogsResponse message) throws IOException {
    StringBuilder lines = new StringBuilder();
    if (message.getDroppedBytes() != 0) {
      JsonObject gap = new JsonObject();
      gap.addProperty("id", id);
      gap.addProperty("offset", message.getOffset());
      gap.addProperty("droppedBytes", message.getDroppedBytes());
      lines.append(gap).append('\n');
    }
    ByteString log = message.getLog();
    for (int start = 0; start < log.size(); ) {
      int end = endOfLine(log, start);
      lines.append(object(message, start, log.substring(start, end))).append('\n');
      start = end;
    }
    try {
      out.write(lines.toString().getBytes(UTF_8));
      return true;
    } catch (StandardOutput.WriteFailed e) {
      if (e.isNobodyReading()) {
        return false;
      }
      throw e;
    }
  }

  private static int endOfLine(ByteString log, int start) {
    int end = start;
    while (end < log.size() && log.byteAt(end) != '\n') {
      end++;
    }
    return Math.min(log.size(), end + 1);
  }

  private JsonObject object(JobLogsResponse message, int start, ByteString bytes) {
    JsonObject object = new JsonObject();
    object.addProperty("id", id);
    object.addProperty("stream", message.getStream() == Stream.STREAM_STDERR ? "stderr" : "stdout");
    object.addProperty("time", Timestamps.toString(message.getTime()));
    object.addProperty("offset", message.getOffset() + start);
    if (bytes.isValidUtf8()) {
      object.addProperty("text", bytes.toStringUtf8());
    } else {
      object.addProperty("base64", Base64.getEncoder().encodeToString(bytes.toByteArray()));
    }
    return object;
  }
}
