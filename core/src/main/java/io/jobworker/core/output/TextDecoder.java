package io.jobworker.core.output;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Makes text of the bytes of one stream, which come in pieces that end anywhere. A character whose
 * rest has not come is held back until it does; what is no UTF-8 becomes U+FFFD. For one thread at
 * a time.
 */
public final class TextDecoder {
  private static final String REPLACEMENT = "\uFFFD";

  private byte[] held = new byte[0]; // the beginning of a character
  private int mayBeRest; // so many bytes may still be the end of a character that is not there
  private int leftOut;

  private TextDecoder(boolean inside) {
    mayBeRest = inside ? Utf8.MAX_MISSING : 0;
  }

  /** For a stream from its first byte on. */
  public static TextDecoder fromStart() {
    return new TextDecoder(false);
  }

  /** For a stream that is read from later on, perhaps from inside a character. */
  public static TextDecoder fromLater() {
    return new TextDecoder(true);
  }

  /** The text that is complete with these bytes; the rest is held back. */
  public String decode(ByteBuffer bytes) {
    byte[] all = Arrays.copyOf(held, held.length + bytes.remaining());
    bytes.get(bytes.position(), all, held.length, bytes.remaining());
    int from = 0;
    while (from < all.length && mayBeRest > 0) {
      if (Utf8.isContinuation(all[from])) {
        mayBeRest--;
        from++;
      } else {
        mayBeRest = 0;
      }
    }
    leftOut = from;
    int to = all.length - Utf8.unfinished(all, from, all.length);
    held = Arrays.copyOfRange(all, to, all.length);
    return new String(all, from, to - from, StandardCharsets.UTF_8);
  }

  /**
   * How many bytes the last {@link #decode} left out, from the first on: they are the end of a
   * character whose beginning is not there.
   */
  public int leftOut() {
    return leftOut;
  }

  /** How many bytes are held back. */
  public int held() {
    return held.length;
  }

  /** The stream has ended: what stands for the bytes that are held back. */
  public String end() {
    String text = held.length == 0 ? "" : REPLACEMENT;
    held = new byte[0];
    return text;
  }

  /**
   * The next bytes are not those that follow. Of the character that was held back there is no rest:
   * it is as missing as what is. Answers how many bytes that were.
   */
  public int interrupt() {
    mayBeRest = Utf8.MAX_MISSING;
    int missing = held.length;
    held = new byte[0];
    return missing;
  }
}
