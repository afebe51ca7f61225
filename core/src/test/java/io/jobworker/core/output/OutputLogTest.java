package io.jobworker.core.output;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.jobworker.base.linux.Fd;
import io.jobworker.base.linux.FileCalls;
import io.jobworker.core.output.OutputLog.OnFull;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What readers see of a log, against a plain model of it; and of a log that is not as it should be.
 */
class OutputLogTest {
  @TempDir Path directory;
  private Instant now = Instant.parse("2026-01-01T00:00:00Z");

  private static OutputLog follow(Path directory, LogPage page) {
    return OutputLog.running(
        directory, page, OnFull.OVERWRITE, Duration.ZERO, Budget.unlimited(), () -> {});
  }

  private OutputLog follow(LogWriter writer) {
    return follow(directory.resolve("log"), writer.page);
  }

  private LogWriter writer(int indexBytes) throws IOException {
    return new LogWriter(directory.resolve("log"), 8, indexBytes, false);
  }

  private void write(LogWriter log, StdStream stream, byte[] bytes) throws IOException {
    log.append(stream, bytes, ChronoUnit.MICROS.between(Instant.EPOCH, now));
  }

  private void write(LogWriter log, StdStream stream, String text) throws IOException {
    write(log, stream, text.getBytes(StandardCharsets.US_ASCII));
  }

  private static byte[] readAll(OutputLog log, long offset, Optional<StdStream> only, int max)
      throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (Cursor cursor = log.cursor(offset, only)) {
      for (; ; ) {
        switch (cursor.read(new byte[max])) {
          case ReadResult.Chunk chunk -> {
            assertThat(chunk.bytes().remaining()).isBetween(1, max);
            bytes.writeBytes(chunk.copy());
          }
          case ReadResult.Dropped dropped -> assertThat(dropped.bytes()).isPositive();
          case ReadResult.CaughtUp _, ReadResult.End _ -> {
            return bytes.toByteArray();
          }
        }
      }
    }
  }

  private static String text(OutputLog log, long offset) throws IOException {
    return new String(readAll(log, offset, Optional.empty(), 100), StandardCharsets.US_ASCII);
  }

  /**
   * Random writes to both streams, readers of random speeds, random rings, restarts at random;
   * every byte is compared.
   */
  @Test
  void whateverIsWrittenIsReadBackOrToldAsDropped() throws IOException {
    for (int seed = 0; seed < 30; seed++) {
      Random random = new Random(seed);
      Path own = directory.resolve("seed-" + seed);
      LogWriter writer = new LogWriter(own, 8, 1024 + 16 * random.nextInt(1 << 10), false);
      OutputLog log = follow(own, writer.page);
      ByteArrayOutputStream model = new ByteArrayOutputStream();
      List<Cursor> readers = new ArrayList<>();
      for (int reader = 0; reader < 4; reader++) {
        readers.add(log.cursor(0, Optional.empty()));
      }
      for (int i = 0; i < 200; i++) {
        StdStream stream = random.nextBoolean() ? StdStream.STDOUT : StdStream.STDERR;
        byte[] bytes = new byte[1 + random.nextInt(random.nextBoolean() ? 50 : 30000)];
        random.nextBytes(bytes);
        write(writer, stream, bytes);
        model.write(bytes);
        now = now.plusMillis(random.nextInt(30));
        if (random.nextInt(20) == 0) { // as after a restart of the server
          log = follow(own, writer.page);
          for (int reader = 0; reader < readers.size(); reader++) {
            Cursor before = readers.get(reader);
            readers.set(reader, log.cursor(before.offset(), Optional.empty()));
            before.close();
          }
        }
        for (Cursor reader : readers) {
          readSome(reader, model.toByteArray(), random);
        }
        if (random.nextInt(10) == 0) {
          compare(log, model.toByteArray(), random);
        }
      }
      readers.forEach(Cursor::close);
      compare(log, model.toByteArray(), random);
      LogPage last = OutputLog.lastState(own); // as if the writer had been killed now
      assertThat(last.end()).isEqualTo(model.size());
      assertThat(last.kept()).isEqualTo(writer.page.kept());
      assertThat(last.oldest()).isEqualTo(writer.page.oldest());
      compare(OutputLog.finished(own, last.end(), last.kept()), model.toByteArray(), random);
    }
  }

  /** From where the reader is, so much as it happens to take. */
  private static void readSome(Cursor reader, byte[] model, Random random) throws IOException {
    for (int reads = random.nextInt(4); reads > 0; reads--) {
      long expected = reader.offset();
      switch (reader.read(new byte[1 + random.nextInt(20_000)])) {
        case ReadResult.Chunk chunk -> {
          assertThat(chunk.offset()).isEqualTo(expected);
          int from = (int) chunk.offset();
          byte[] bytes = chunk.copy();
          assertThat(bytes).isEqualTo(Arrays.copyOfRange(model, from, from + bytes.length));
        }
        case ReadResult.Dropped dropped ->
            assertThat(dropped.resumeOffset()).isEqualTo(expected + dropped.bytes());
        case ReadResult.CaughtUp _ -> assertThat(expected).isEqualTo(model.length);
        case ReadResult.End _ -> throw new AssertionError("the log has not ended");
      }
    }
  }

  private static void compare(OutputLog log, byte[] model, Random random) throws IOException {
    assertThat(log.end()).isEqualTo(model.length);
    assertThat(log.droppedBytes()).isEqualTo(log.start());
    long from = random.nextLong(model.length + 1);
    long kept = Math.max(from, log.start());
    assertThat(readAll(log, from, Optional.empty(), 1 + random.nextInt(100_000)))
        .isEqualTo(Arrays.copyOfRange(model, (int) kept, model.length));
  }

  @Test
  void whatNoRecordCoversIsNeverServed() throws IOException {
    LogWriter writer = writer(1024);
    write(writer, StdStream.STDOUT, "hello ");
    Path file = directory.resolve("log/0000.seg");
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(bytes, bytes.length + 100)); // written, and then killed
    LogPage last = OutputLog.lastState(directory.resolve("log"));
    assertThat(last.end()).isEqualTo(6);
    OutputLog log = OutputLog.finished(directory.resolve("log"), last.end(), last.kept());
    assertThat(text(log, 0)).isEqualTo("hello ");
  }

  @Test
  void whatTheDiskDidNotTakeIsToldAsDroppedAtItsPlace() throws IOException {
    LogWriter writer = writer(1024);
    OutputLog log = follow(writer);
    write(writer, StdStream.STDOUT, "before");
    writer.lose(100);
    writer.lose(50);
    write(writer, StdStream.STDOUT, "after");
    try (Cursor cursor = log.cursor(0, Optional.empty())) {
      assertThat(cursor.read(new byte[100])).isInstanceOf(ReadResult.Chunk.class);
      assertThat(cursor.read(new byte[100])).isEqualTo(new ReadResult.Dropped(156, 150));
      assertThat(cursor.read(new byte[100])).isInstanceOf(ReadResult.Chunk.class);
      assertThat(cursor.read(new byte[100])).isEqualTo(ReadResult.CAUGHT_UP);
    }
    assertThat(log.droppedBytes()).isEqualTo(150);
    assertThat(OutputLog.lastState(directory.resolve("log")).end()).isEqualTo(161);
  }

  @Test
  void anEndThatMovedOverLostBytesOnlyIsKnownFromTheFiles() throws IOException {
    LogWriter writer = writer(1024);
    write(writer, StdStream.STDOUT, "before");
    writer.lose(100);
    assertThat(OutputLog.lastState(directory.resolve("log")).end()).isEqualTo(106);
  }

  @Test
  void aDamagedIndexIsToldAsDropped() throws IOException {
    LogWriter writer = writer(1024);
    write(writer, StdStream.STDOUT, new byte[20_000]);
    writer.finish();
    Path second = directory.resolve("log/0001.seg");
    byte[] bytes = Files.readAllBytes(second);
    Arrays.fill(bytes, 64, 1024, (byte) 0);
    Files.write(second, bytes);
    OutputLog log = OutputLog.finished(directory.resolve("log"), 20_000, 20_000);
    assertThat(readAll(log, 0, Optional.empty(), 1 << 20)).hasSize(20_000 - 4096);
    assertThat(readAll(log, 0, Optional.of(StdStream.STDERR), 1 << 20)).isEmpty();
  }

  /** Reads at low addresses of a process's memory are answered with EIO (proc_pid_mem(5)). */
  @SuppressWarnings("restricted") // dup2
  private void makeUnreadable() throws Throwable {
    Linker linker = Linker.nativeLinker();
    MethodHandle dup2 =
        linker.downcallHandle(
            linker.defaultLookup().findOrThrow("dup2"),
            FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
    try (Fd memory = FileCalls.open(Path.of("/proc/self/mem"), FileCalls.O_RDONLY);
        Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
      for (Path fd : open.filter(Files::isSymbolicLink).toList()) {
        if (Files.exists(fd) && Files.readSymbolicLink(fd).startsWith(directory)) {
          int number = Integer.parseInt(fd.getFileName().toString());
          assertThat((int) dup2.invokeExact(memory.number(), number)).isEqualTo(number);
        }
      }
    }
  }

  @Test
  void whatADiskDoesNotGiveIsToldAsDroppedAndTheReaderGoesOn() throws Throwable {
    LogWriter writer = writer(4096);
    write(writer, StdStream.STDOUT, "x".repeat(10_000));
    OutputLog log = follow(writer);
    try (Cursor cursor = log.cursor(0, Optional.empty())) {
      assertThat(cursor.read(new byte[100])).isInstanceOf(ReadResult.Chunk.class);
      while (cursor.offset() < 10_000) {
        var _ = cursor.isInMemory(1); // it has the file open, then
        makeUnreadable();
        cursor.load(3000);
        assertThat(cursor.isInMemory(3000)).as("there is nothing to wait for").isTrue();
        assertThat(cursor.read(new byte[3000]))
            .isInstanceOfSatisfying(
                ReadResult.Dropped.class, gap -> assertThat(gap.bytes()).isBetween(1L, 4096L));
      }
      assertThat(cursor.read(new byte[100])).isEqualTo(ReadResult.CAUGHT_UP);
    }
    assertThat(text(log, 0)).as("of another reader").isEqualTo("x".repeat(10_000));
  }

  @Test
  void aMissingSegmentIsToldAsDropped() throws IOException {
    LogWriter writer = writer(1024);
    write(writer, StdStream.STDOUT, new byte[20_000]);
    Files.delete(directory.resolve("log/0002.seg"));
    OutputLog log = OutputLog.finished(directory.resolve("log"), 20_000, 20_000);
    assertThat(readAll(log, 0, Optional.empty(), 1 << 20)).hasSize(20_000 - 4096);
  }

  @Test
  void aLogOfAnotherVersionIsRefused() throws IOException {
    Path old = Files.createDirectories(directory.resolve("old"));
    Files.createFile(old.resolve("00000000000000000000.log"));
    assertThatThrownBy(() -> OutputLog.finished(old, 0, 0))
        .isInstanceOf(OutputLog.UnknownVersion.class);
    LogWriter writer = writer(1024);
    write(writer, StdStream.STDOUT, "later");
    Path file = directory.resolve("log/0000.seg");
    byte[] bytes = Files.readAllBytes(file);
    bytes[8] = 3;
    Files.write(file, bytes);
    assertThatThrownBy(() -> OutputLog.finished(directory.resolve("log"), 5, 5))
        .isInstanceOf(OutputLog.UnknownVersion.class);
  }

  @Test
  void theLastLinesAreFoundFromTheEnd() throws IOException {
    LogWriter writer = writer(200 << 10);
    OutputLog log = follow(writer);
    for (int i = 1; i <= 30000; i++) {
      write(writer, i % 2 == 0 ? StdStream.STDERR : StdStream.STDOUT, i + "\n");
      now = now.plusMillis(11);
    }
    assertThat(text(log, log.offsetOfLastLines(2, Optional.empty()))).isEqualTo("29999\n30000\n");
    Optional<StdStream> stdout = Optional.of(StdStream.STDOUT);
    assertThat(readAll(log, log.offsetOfLastLines(2, stdout), stdout, 100))
        .asString()
        .isEqualTo("29997\n29999\n");
    assertThat(log.offsetOfLastLines(0, Optional.empty())).isEqualTo(log.end());
    assertThat(log.offsetOfLastLines(1_000_000, Optional.empty())).isEqualTo(log.start());
    assertThat(text(log, log.offsetOfLastLines(20000, Optional.empty()))).startsWith("10001\n");
    write(writer, StdStream.STDOUT, "no end");
    assertThat(text(log, log.offsetOfLastLines(1, Optional.empty()))).isEqualTo("no end");
  }

  @Test
  void aTimeIsFoundByTheFrames() throws IOException {
    LogWriter writer = writer(200 << 10);
    OutputLog log = follow(writer);
    Instant start = now;
    for (int i = 0; i < 1000; i++) {
      now = start.plusSeconds(i);
      write(writer, StdStream.STDOUT, "%03d\n".formatted(i));
    }
    assertThat(text(log, log.offsetAt(start.plusSeconds(995))))
        .isEqualTo("995\n996\n997\n998\n999\n");
    assertThat(log.offsetAt(start.minusSeconds(1))).isZero();
    assertThat(log.offsetAt(now.plusSeconds(1))).isEqualTo(log.end());
  }

  private static final String JAPANESE = "\u65e5\u672c\u8a9e\u306e\u51fa\u529b\ud83d\ude00\n";

  private void writeText(LogWriter log, StdStream stream, String text) throws IOException {
    write(log, stream, text.getBytes(StandardCharsets.UTF_8));
  }

  /** What is read in pieces of at most so many bytes, each taken to the end of its character. */
  private static List<String> pieces(OutputLog log, long until, int max) throws IOException {
    List<String> pieces = new ArrayList<>();
    byte[] into = new byte[max + 3];
    try (Cursor cursor = log.cursor(0, Optional.empty())) {
      while (cursor.offset() < until
          && cursor.read(into, (int) Math.min(max, until - cursor.offset()))
              instanceof ReadResult.Chunk chunk) {
        ReadResult.Chunk whole = cursor.toCharacterEnd(chunk, until);
        assertThat(cursor.offset()).isEqualTo(whole.offset() + whole.bytes().remaining());
        pieces.add(new String(whole.copy(), StandardCharsets.UTF_8));
      }
    }
    return pieces;
  }

  @Test
  void aPieceCanBeTakenToTheEndOfItsCharacterAlsoOverFramesAndSegments() throws IOException {
    LogWriter writer = new LogWriter(directory.resolve("log"), 64, 1024, false);
    OutputLog log = follow(writer);
    byte[] text = JAPANESE.repeat(600).getBytes(StandardCharsets.UTF_8);
    for (int from = 0; from < text.length; ) { // each write is a frame of its own
      int to = Math.min(text.length, from + 1 + from % 500);
      write(writer, StdStream.STDOUT, Arrays.copyOfRange(text, from, to));
      now = now.plusMillis(11);
      from = to;
    }
    for (int max : new int[] {1, 2, 3, 5, 100, 5000}) {
      List<String> pieces = pieces(log, log.end(), max);
      assertThat(pieces).noneMatch(piece -> piece.contains("\ufffd"));
      assertThat(String.join("", pieces)).isEqualTo(JAPANESE.repeat(600));
    }
  }

  @Test
  void aPieceEndsInsideACharacterWhereItsRestDoesNotFollow() throws IOException {
    LogWriter writer = writer(1024);
    OutputLog log = follow(writer);
    byte[] character = "\u65e5".getBytes(StandardCharsets.UTF_8);
    write(writer, StdStream.STDOUT, Arrays.copyOf(character, 1));
    write(writer, StdStream.STDERR, "E");
    write(writer, StdStream.STDOUT, Arrays.copyOfRange(character, 1, 3));
    writeText(writer, StdStream.STDOUT, "\u65e5");
    assertThat(pieces(log, log.end(), 100)).hasSize(3).element(1).isEqualTo("E");
    assertThat(pieces(log, log.end() - 1, 100).getLast()).endsWith("\ufffd"); // not beyond
    write(writer, StdStream.STDOUT, Arrays.copyOf(character, 2));
    assertThat(pieces(log, log.end(), 100).getLast()).endsWith("\u65e5\ufffd"); // not there yet
  }

  @Test
  void theNewestOutputNeitherBeginsNorEndsInsideACharacter() throws IOException {
    LogWriter writer = writer(1024);
    OutputLog log = follow(writer);
    writeText(writer, StdStream.STDOUT, JAPANESE.repeat(3000)); // the ring wraps
    assertThat(log.start()).isPositive();
    for (int bytes = 1; bytes < 50; bytes++) {
      String newest = log.newest(bytes);
      assertThat(JAPANESE.repeat(3)).as("%d bytes", bytes).endsWith(newest);
      assertThat(bytes - newest.getBytes(StandardCharsets.UTF_8).length).isBetween(0, 3);
    }
    assertThat(JAPANESE.repeat(3000)).endsWith(log.newest(1 << 20));
    byte[] character = "\u65e5".getBytes(StandardCharsets.UTF_8);
    write(writer, StdStream.STDOUT, Arrays.copyOf(character, 2));
    assertThat(log.newest(6)).isEqualTo("\n"); // of the four bytes before, one
    write(writer, StdStream.STDERR, "E");
    write(writer, StdStream.STDOUT, Arrays.copyOfRange(character, 2, 3));
    assertThat(log.newest(5)).isEqualTo("\nE\u65e5");
    write(writer, StdStream.STDOUT, Arrays.copyOf(character, 2));
    OutputLog ended = OutputLog.finished(directory.resolve("log"), log.end(), writer.page.kept());
    assertThat(ended.newest(6)).isEqualTo("E\u65e5\ufffd");
  }
}
