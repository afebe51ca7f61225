package io.jobworker.cli.render;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;

/**
 * One of several writers to the same output, who do not break one another's lines: what is written
 * goes on when its line has ended. For one thread each.
 */
public final class WholeLines extends OutputStream {
  /** What is longer goes on in pieces; nobody's memory is an output's to take. */
  private static final int MAX_LINE_BYTES = 1 << 20;

  private final OutputStream shared;
  private final ByteArrayOutputStream line = new ByteArrayOutputStream();

  /** {@code shared} is what all of them write to, and their lock. */
  public WholeLines(OutputStream shared) {
    this.shared = shared;
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    int whole = length;
    while (whole > 0 && bytes[offset + whole - 1] != '\n') {
      whole--;
    }
    if (whole > 0) {
      line.write(bytes, offset, whole);
      pass();
    }
    line.write(bytes, offset + whole, length - whole);
    if (line.size() > MAX_LINE_BYTES) {
      endLine();
    }
  }

  /** What has no end of its line gets one. */
  public void endLine() throws IOException {
    if (line.size() > 0) {
      line.write('\n');
      pass();
    }
  }

  private void pass() throws IOException {
    synchronized (shared) {
      line.writeTo(shared);
    }
    line.reset();
  }
}
