package io.jobworker.core.output;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.jobworker.core.ByteSize;
import io.jobworker.core.linux.Fd;
import io.jobworker.core.linux.Linux;
import io.jobworker.core.output.OutputLog.OnFull;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The ring against a plain model of it, through real pipes and files. */
class OutputLogTest {
  @TempDir Path directory;
  private final Map<Stream, Fd> readers = new EnumMap<>(Stream.class);
  private final Map<Stream, FileChannel> writers = new EnumMap<>(Stream.class);
  private Instant now = Instant.parse("2026-01-01T00:00:00Z");
  private final Clock clock =
      InstantSource.tick(() -> now, java.time.Duration.ofNanos(1000)).withZone(ZoneOffset.UTC);

  @BeforeEach
  void makePipes() throws IOException, InterruptedException {
    for (Stream stream : Stream.values()) {
      Path fifo = directory.resolve("fifo-" + stream.fifo());
      new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor();
      readers.put(stream, Linux.open(fifo, Linux.O_RDONLY | Linux.O_NONBLOCK));
      writers.put(stream, FileChannel.open(fifo, StandardOpenOption.WRITE));
    }
  }

  @AfterEach
  void closePipes() throws IOException {
    for (Stream stream : Stream.values()) {
      reader(stream).close();
      writer(stream).close();
    }
  }

  private Fd reader(Stream stream) {
    return requireNonNull(readers.get(stream));
  }

  private FileChannel writer(Stream stream) {
    return requireNonNull(writers.get(stream));
  }

  private OutputLog open(String retain) throws IOException {
    return OutputLog.open(
        directory.resolve("log"),
        ByteSize.parse(retain),
        OnFull.OVERWRITE,
        Budget.unlimited(),
        clock);
  }

  private void write(OutputLog log, Stream stream, byte[] bytes) throws IOException {
    for (int done = 0; done < bytes.length; ) {
      int length = Math.min(32 << 10, bytes.length - done);
      writer(stream).write(java.nio.ByteBuffer.wrap(bytes, done, length));
      while (log.append(reader(stream), stream, 1 << 20) > 0) {}
      done += length;
    }
  }

  private void write(OutputLog log, Stream stream, String text) throws IOException {
    write(log, stream, text.getBytes(java.nio.charset.StandardCharsets.US_ASCII));
  }

  private static byte[] readAll(OutputLog log, long offset, Optional<Stream> only, int max)
      throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (Cursor cursor = log.cursor(offset, only)) {
      for (; ; ) {
        switch (cursor.read(new byte[max])) {
          case Read.Chunk chunk -> {
            assertThat(chunk.bytes().remaining()).isBetween(1, max);
            bytes.writeBytes(chunk.copy());
          }
          case Read.Dropped dropped -> assertThat(dropped.bytes()).isPositive();
          case Read.CaughtUp _, Read.End _ -> {
            return bytes.toByteArray();
          }
        }
      }
    }
  }

  private static String text(OutputLog log, long offset) throws IOException {
    return new String(
        readAll(log, offset, Optional.empty(), 100), java.nio.charset.StandardCharsets.US_ASCII);
  }

  /**
   * Random writes to both streams, readers of random speeds, random ring sizes, restarts at random;
   * every byte is compared.
   */
  @Test
  void whateverIsWrittenIsReadBackOrCountedAsDropped() throws IOException {
    for (int seed = 0; seed < 30; seed++) {
      Random random = new Random(seed);
      Path own = directory.resolve("seed-" + seed);
      ByteSize retain = ByteSize.of((64 << 10) + random.nextInt(1 << 20));
      OutputLog log = OutputLog.open(own, retain, OnFull.OVERWRITE, Budget.unlimited(), clock);
      ByteArrayOutputStream model = new ByteArrayOutputStream();
      List<Cursor> readers = new ArrayList<>();
      for (int reader = 0; reader < 4; reader++) {
        readers.add(log.cursor(0, Optional.empty()));
      }
      for (int i = 0; i < 200; i++) {
        Stream stream = random.nextBoolean() ? Stream.STDOUT : Stream.STDERR;
        byte[] bytes = new byte[1 + random.nextInt(random.nextBoolean() ? 50 : 30000)];
        random.nextBytes(bytes);
        write(log, stream, bytes);
        model.write(bytes);
        now = now.plusMillis(random.nextInt(30));
        if (random.nextInt(20) == 0) { // as after a kill: nothing was closed
          log = OutputLog.open(own, retain, OnFull.OVERWRITE, Budget.unlimited(), clock);
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
      assertThat(diskUse(own)).isLessThanOrEqualTo(retain.bytes());
    }
  }

  /** From where the reader is, so much as it happens to take. */
  private static void readSome(Cursor reader, byte[] model, Random random) throws IOException {
    for (int reads = random.nextInt(4); reads > 0; reads--) {
      long expected = reader.offset();
      switch (reader.read(new byte[1 + random.nextInt(20_000)])) {
        case Read.Chunk chunk -> {
          assertThat(chunk.offset()).isEqualTo(expected);
          int from = (int) chunk.offset();
          byte[] bytes = chunk.copy();
          assertThat(bytes).isEqualTo(Arrays.copyOfRange(model, from, from + bytes.length));
        }
        case Read.Dropped dropped ->
            assertThat(dropped.resumeOffset()).isEqualTo(expected + dropped.bytes());
        case Read.CaughtUp _ -> assertThat(expected).isEqualTo(model.length);
        case Read.End _ -> throw new AssertionError("the log has not ended");
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

  private static long diskUse(Path path) throws IOException {
    try (var files = Files.list(path)) {
      return files.mapToLong(file -> file.toFile().length()).sum();
    }
  }

  @Test
  void aHalfWrittenFrameIsNotSeenAndIsOverwritten() throws IOException {
    OutputLog log = open("1M");
    write(log, Stream.STDOUT, "hello ");
    Path index = directory.resolve("log/00000000000000000000.idx");
    // A writer that died between the record and its bytes, and one that died within the record.
    Files.write(
        index,
        java.nio.ByteBuffer.allocate(16).putLong(6).putLong(42 << 2 | 2).array(),
        StandardOpenOption.APPEND);
    Files.write(index, new byte[5], StandardOpenOption.APPEND);
    OutputLog recovered = open("1M");
    assertThat(text(recovered, 0)).isEqualTo("hello ");
    now = now.plusSeconds(1);
    write(recovered, Stream.STDERR, "world");
    assertThat(text(recovered, 0)).isEqualTo("hello world");
    assertThat(readAll(recovered, 0, Optional.of(Stream.STDERR), 100)).hasSize(5);
  }

  @Test
  void aSegmentWithoutItsIndexIsCountedAsDropped() throws IOException {
    OutputLog log = open("64K");
    write(log, Stream.STDOUT, new byte[20_000]);
    long first = 8 << 10; // the ring has segments of an eighth of it
    Files.delete(directory.resolve("log/%020d.idx".formatted(first)));
    OutputLog damaged = open("64K");
    assertThat(readAll(damaged, 0, Optional.empty(), 1 << 20)).hasSize(20_000 - (8 << 10));
  }

  @Test
  void theLastLinesAreFoundFromTheEnd() throws IOException {
    OutputLog log = open("1M");
    for (int i = 1; i <= 30000; i++) {
      write(log, i % 2 == 0 ? Stream.STDERR : Stream.STDOUT, i + "\n");
      now = now.plusMillis(11);
    }
    assertThat(text(log, log.offsetOfLastLines(2, Optional.empty()))).isEqualTo("29999\n30000\n");
    Optional<Stream> stdout = Optional.of(Stream.STDOUT);
    assertThat(readAll(log, log.offsetOfLastLines(2, stdout), stdout, 100))
        .asString()
        .isEqualTo("29997\n29999\n");
    assertThat(log.offsetOfLastLines(0, Optional.empty())).isEqualTo(log.end());
    assertThat(log.offsetOfLastLines(1_000_000, Optional.empty())).isEqualTo(log.start());
    assertThat(text(log, log.offsetOfLastLines(20000, Optional.empty()))).startsWith("10001\n");
    write(log, Stream.STDOUT, "no end");
    assertThat(text(log, log.offsetOfLastLines(1, Optional.empty()))).isEqualTo("no end");
  }

  @Test
  void aTimeIsFoundByTheFrames() throws IOException {
    OutputLog log = open("1M");
    Instant start = now;
    for (int i = 0; i < 1000; i++) {
      now = start.plusSeconds(i);
      write(log, Stream.STDOUT, "%03d\n".formatted(i));
    }
    assertThat(text(log, log.offsetAt(start.plusSeconds(995))))
        .isEqualTo("995\n996\n997\n998\n999\n");
    assertThat(log.offsetAt(start.minusSeconds(1))).isZero();
    assertThat(log.offsetAt(now.plusSeconds(1))).isEqualTo(log.end());
  }
}
