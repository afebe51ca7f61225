package io.jobworker.core.output;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.concurrent.Semaphore;

/**
 * A writer of logs for tests, made after docs/log-format.md and not after the launcher's. For one
 * thread; its page is for any.
 */
final class LogWriter {
  private final Path directory;
  private final int segments;
  private final int indexBytes;
  private final int dataBytes;
  private final boolean block;
  final Page page = new Page();
  private final ArrayDeque<long[]> kept = new ArrayDeque<>(); // base, bytes
  private final Semaphore looks = new Semaphore(0);
  private Runnable wake = () -> {};
  private long sequence = -1;
  private long end;
  private FileChannel file;
  private int records;
  private long lastEnd;
  private long lastMicros = -1;
  private int lastStream;

  LogWriter(Path directory, int segments, int indexBytes, boolean block) throws IOException {
    this.directory = Files.createDirectories(directory);
    this.segments = segments;
    this.indexBytes = indexBytes;
    this.dataBytes = 4 * indexBytes;
    this.block = block;
    nextSegment();
  }

  void onWake(Runnable woken) {
    wake = woken;
  }

  /** What a server calls to have the page looked at. */
  void look() {
    looks.release();
  }

  long retained() {
    return (long) segments * (indexBytes + dataBytes);
  }

  @SuppressWarnings("NonAtomicVolatileUpdate") // one writer
  void append(StdStream stream, byte[] bytes, long micros) throws IOException {
    for (int from = 0; from < bytes.length; ) {
      long used = kept.getLast()[1];
      if (used >= dataBytes || (records + 2) * 16 + 64 > indexBytes) {
        nextSegment();
        continue;
      }
      int length = (int) Math.min(dataBytes - used, bytes.length - from);
      write(ByteBuffer.wrap(bytes, from, length), indexBytes + used);
      int code = stream == StdStream.STDOUT ? 1 : 2;
      boolean joins = records > 0 && lastStream == code && micros - lastMicros < 10_000;
      if (!joins) {
        records++;
        lastMicros = micros;
        lastStream = code;
      }
      end += length;
      lastEnd = end;
      record(records - 1, lastEnd, lastMicros << 2 | lastStream);
      kept.getLast()[1] += length;
      page.kept += length;
      page.end = end;
      tell();
      from += length;
    }
  }

  /** Bytes that the disk did not take. */
  void lose(long bytes) throws IOException {
    end += bytes;
    write(words(end), 48);
    if (kept.getLast()[1] == 0) {
      kept.removeLast();
      sequence--;
    }
    nextSegment();
    page.end = end;
    tell();
  }

  void finish() {
    page.finished = true;
    tell();
  }

  private void tell() {
    if (page.waiting.getAndSet(false)) {
      wake.run();
    }
  }

  @SuppressWarnings("NonAtomicVolatileUpdate") // one writer
  private void nextSegment() throws IOException {
    if (kept.size() == segments) {
      long oldestEnd = kept.getFirst()[0] + kept.getFirst()[1];
      while (block && !page.passed(oldestEnd)) {
        page.writerWaits = true;
        if (!page.passed(oldestEnd)) {
          wake.run();
          looks.acquireUninterruptibly();
        }
        page.writerWaits = false;
      }
      page.kept -= kept.removeFirst()[1];
      page.oldest = kept.isEmpty() ? end : kept.getFirst()[0];
    }
    if (file != null) {
      file.close();
    }
    sequence++;
    file =
        FileChannel.open(
            directory.resolve("%04d.seg".formatted(sequence % segments)),
            StandardOpenOption.CREATE,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE);
    ByteBuffer header = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
    header.put("JWLOG1\r\n".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
    header.putInt(2).putInt(segments).putLong(indexBytes).putLong(dataBytes);
    header.putLong(sequence).putLong(end).putLong(end).putLong(0).flip();
    write(header, 0);
    kept.addLast(new long[] {end, 0});
    records = 0;
    if (kept.size() == 1) {
      page.oldest = end;
    }
  }

  private void record(int position, long recordEnd, long timeAndStream) throws IOException {
    write(words(recordEnd, timeAndStream), 64 + 16L * position);
  }

  private static ByteBuffer words(long... words) {
    ByteBuffer buffer = ByteBuffer.allocate(8 * words.length).order(ByteOrder.LITTLE_ENDIAN);
    for (long word : words) {
      buffer.putLong(word);
    }
    return buffer.flip();
  }

  private void write(ByteBuffer bytes, long at) throws IOException {
    for (long to = at; bytes.hasRemaining(); ) {
      to += file.write(bytes, to);
    }
  }

  /** A page in the memory of this process. */
  static final class Page implements LogPage {
    volatile long end;
    volatile long oldest;
    volatile long kept;
    volatile long mark = NO_MARK;
    volatile boolean writerWaits;
    volatile boolean finished;
    final java.util.concurrent.atomic.AtomicBoolean waiting =
        new java.util.concurrent.atomic.AtomicBoolean();

    boolean passed(long offset) {
      long at = mark;
      return at == NO_MARK || at >= offset;
    }

    @Override
    public long end() {
      return end;
    }

    @Override
    public long oldest() {
      return oldest;
    }

    @Override
    public long kept() {
      return kept;
    }

    @Override
    public long lost() {
      return 0;
    }

    @Override
    public int error() {
      return 0;
    }

    @Override
    public boolean isFinished() {
      return finished;
    }

    @Override
    public long readingSinceMillis() {
      return 0;
    }

    @Override
    public void wantWakeUp() {
      waiting.set(true);
    }

    @Override
    public boolean writerWaits() {
      return writerWaits;
    }

    @Override
    public void mark(long offset) {
      mark = offset;
    }

    @Override
    public long mark() {
      return mark;
    }

    @Override
    public void share(long bytes) {}
  }
}
