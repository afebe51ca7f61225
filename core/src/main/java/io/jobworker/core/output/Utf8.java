package io.jobworker.core.output;

/** Where UTF-8 characters end in bytes that may be anything. */
final class Utf8 {
  /** So many bytes can be missing from a character of which there is a beginning. */
  static final int MAX_MISSING = 3;

  private Utf8() {}

  /** Whether the byte can only be inside a character. */
  static boolean isContinuation(byte value) {
    return (value & 0xc0) == 0x80;
  }

  /**
   * How many bytes at the end of the range are the beginning of a character that is not all there;
   * 0 if the range ends with a character, or with what cannot become one.
   */
  static int unfinished(byte[] bytes, int from, int to) {
    for (int start = to - 1; start >= from && start >= to - MAX_MISSING; start--) {
      if (!isContinuation(bytes[start])) {
        int length = to - start;
        boolean goesOn =
            length < lengthOf(bytes[start])
                && (length < 2 || maySecond(bytes[start], bytes[start + 1]));
        return goesOn ? length : 0;
      }
    }
    return 0;
  }

  /** How many bytes the last character of the range still needs; 0 as above. */
  static int missing(byte[] bytes, int from, int to) {
    int unfinished = unfinished(bytes, from, to);
    return unfinished == 0 ? 0 : lengthOf(bytes[to - unfinished]) - unfinished;
  }

  /** Of the character that begins so; 0: none does. */
  private static int lengthOf(byte first) {
    int value = first & 0xff;
    if (value < 0x80) {
      return 1;
    }
    if (value < 0xc2 || value > 0xf4) {
      return 0;
    }
    return value < 0xe0 ? 2 : value < 0xf0 ? 3 : 4;
  }

  /**
   * The Unicode Standard, table 3-7: after some first bytes not every second one is allowed. After
   * ED this takes surrogates too, of which the JDK's decoder replaces all three bytes by one.
   */
  private static boolean maySecond(byte first, byte second) {
    int value = second & 0xff;
    return switch (first & 0xff) {
      case 0xe0 -> value >= 0xa0;
      case 0xf0 -> value >= 0x90;
      case 0xf4 -> value <= 0x8f;
      default -> true;
    };
  }
}
