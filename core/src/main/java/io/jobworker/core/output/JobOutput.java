package io.jobworker.core.output;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * What a reader may do with a job's output: a bounded, circular buffer that any number of readers
 * follow, each at a position of its own. Offsets count the bytes of both streams from the job's
 * start and are never reused.
 *
 * <p>Readers get every byte from the first one still kept, in order, or are told how many are gone.
 * Thread-safe.
 */
public interface JobOutput {
  /** Bytes of one stream that arrive within this time may share one time stamp. */
  Duration TIME_RESOLUTION = Duration.ofMillis(10);

  /** The offset of the first byte still kept; {@link #end} when there is none. */
  long start();

  /** The offset after the last byte: how many bytes the job has written. */
  long end();

  /**
   * How many of the bytes written are not kept: overwritten by the ring, or lost to a full disk.
   */
  long droppedBytes();

  /**
   * A reader's position at {@code offset}, or at the first byte still kept if that is later. The
   * caller closes it.
   *
   * @param only of this stream; empty: of both
   */
  Cursor cursor(long offset, Optional<StdStream> only);

  /** The offset of the first byte that was captured at or after {@code time}. */
  long offsetAt(Instant time) throws IOException;

  /**
   * Where the last {@code lines} lines start, of both streams together or of one; found from the
   * end, so that it costs what they are long. A last line without an end counts as one.
   */
  long offsetOfLastLines(int lines, Optional<StdStream> only) throws IOException;

  /**
   * The newest output of both streams as text, at most {@code maxBytes} of it. It neither begins
   * inside a character nor, before the job's end, ends inside one; what is no UTF-8 is replaced by
   * U+FFFD.
   */
  String newest(int maxBytes) throws IOException;
}
