package io.jobworker.core.output;

import java.nio.ByteBuffer;
import java.time.Instant;

/** What a cursor found at its position. */
public sealed interface ReadResult {

  /**
   * Bytes of one stream that follow one another in the job's output.
   *
   * @param offset of the first byte, counted over both streams from the job's start
   * @param capturedAt when they were captured, to within {@link OutputLog#TIME_RESOLUTION}
   * @param bytes in the array that was given to be read into, from its start
   */
  record Chunk(StdStream stream, long offset, Instant capturedAt, ByteBuffer bytes)
      implements ReadResult {
    /** A copy of the bytes, the caller's to keep. */
    public byte[] copy() {
      byte[] copied = new byte[bytes.remaining()];
      bytes.get(bytes.position(), copied);
      return copied;
    }
  }

  /**
   * Bytes between the last position and {@code resumeOffset} are no longer kept, or could not be.
   *
   * @param bytes how many, of both streams together
   */
  record Dropped(long resumeOffset, long bytes) implements ReadResult {}

  /** Everything so far has been read, and there may be more. */
  record CaughtUp() implements ReadResult {}

  /** Everything has been read, and there will be no more. */
  record End() implements ReadResult {}

  CaughtUp CAUGHT_UP = new CaughtUp();
  End END = new End();
}
