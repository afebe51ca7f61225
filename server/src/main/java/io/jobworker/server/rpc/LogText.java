package io.jobworker.server.rpc;

import static java.util.Objects.requireNonNull;

import com.google.protobuf.ByteString;
import io.jobworker.api.v1.JobLogsResponse;
import io.jobworker.core.output.ReadResult;
import io.jobworker.core.output.StdStream;
import io.jobworker.core.output.TextDecoder;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A log stream's messages for a client to which {@code log} is a string, and a message that is no
 * UTF-8 an error that ends the stream: each holds whole characters of one stream. A character that
 * is written in parts is sent when it is complete, also if the other stream wrote in between.
 */
final class LogText {
  /** One byte that is no UTF-8 is replaced by so many. */
  static final int GROWTH = 3;

  private final Map<StdStream, Held> streams = new EnumMap<>(StdStream.class);

  LogText(boolean fromStart) {
    for (StdStream stream : StdStream.values()) {
      streams.put(stream, new Held(fromStart ? TextDecoder.fromStart() : TextDecoder.fromLater()));
    }
  }

  /** One stream's, with the place and the time of the first byte that is held back. */
  private static final class Held {
    private final TextDecoder decoder;
    private long offset;
    private Instant capturedAt = Instant.EPOCH;

    private Held(TextDecoder decoder) {
      this.decoder = decoder;
    }

    private Optional<JobLogsResponse> message(StdStream stream, String text, int leftOut) {
      return text.isEmpty() && leftOut == 0
          ? Optional.empty()
          : Optional.of(
              JobLogsResponse.newBuilder()
                  .setLog(ByteString.copyFromUtf8(text))
                  .setStream(Wire.stream(stream))
                  .setOffset(offset + leftOut)
                  .setTime(Wire.timestamp(capturedAt))
                  .setDroppedBytes(leftOut)
                  .build());
    }
  }

  /** The message for these bytes; empty: they are held back. */
  Optional<JobLogsResponse> message(ReadResult.Chunk chunk) {
    Held held = requireNonNull(streams.get(chunk.stream()));
    if (held.decoder.held() == 0) {
      held.offset = chunk.offset();
      held.capturedAt = chunk.capturedAt();
    }
    String text = held.decoder.decode(chunk.bytes());
    Optional<JobLogsResponse> message = held.message(chunk.stream(), text, held.decoder.leftOut());
    if (message.isPresent()) {
      held.offset = chunk.offset() + chunk.bytes().remaining() - held.decoder.held();
      held.capturedAt = chunk.capturedAt();
    }
    return message;
  }

  /**
   * Bytes are missing before the next ones. What was held back is missing, too: answers how many
   * bytes.
   */
  int interrupted() {
    return streams.values().stream().mapToInt(held -> held.decoder.interrupt()).sum();
  }

  /** There are no more bytes: the messages for what was held back. */
  List<JobLogsResponse> ended() {
    List<JobLogsResponse> messages = new ArrayList<>();
    streams.forEach(
        (stream, held) -> held.message(stream, held.decoder.end(), 0).ifPresent(messages::add));
    return messages;
  }
}
