package io.jobworker.acceptance.torture;

import io.jobworker.acceptance.torture.Finding.Kind;

/** Checks that a stream is the lines 1, 2, 3 ... each once and in order, as far as it is kept. */
final class NumberedLines {
  private final int last;
  private long expected = 1; // 0 after a gap, when any line may be the next
  private long number;
  private boolean inLine;
  private boolean torn; // a gap may have taken the beginning of this line
  private long verified;

  /** Lines from 1 to {@code last}. */
  NumberedLines(int last) {
    this.last = last;
  }

  /** Bytes were dropped here, and said to be. */
  void gap() {
    torn = true;
    expected = 0;
  }

  /** The next bytes. Throws {@link Finding} on the first line that is not as it should be. */
  void add(Iterable<Byte> bytes) {
    for (byte b : bytes) {
      if (b == '\n') {
        endLine();
      } else if (b >= '0' && b <= '9') {
        inLine = true;
        number = number * 10 + (b - '0');
      } else {
        throw new Finding(Kind.OUTPUT, "a byte of value " + b + " after line " + (expected - 1));
      }
    }
  }

  private void endLine() {
    if (!torn) {
      if (!inLine || (expected != 0 && number != expected)) {
        throw new Finding(Kind.OUTPUT, "line " + number + " where " + expected + " should be");
      }
      expected = number + 1;
      verified++;
    }
    torn = false;
    inLine = false;
    number = 0;
  }

  /** The stream has ended; answers how many lines were verified. */
  long finish() {
    if (inLine && !torn) { // a gap may have taken its end
      throw new Finding(Kind.OUTPUT, "the last line has no end");
    }
    if (expected != 0 && expected != last + 1L) {
      throw new Finding(Kind.OUTPUT, "ends after line " + (expected - 1) + " of " + last);
    }
    return verified;
  }
}
