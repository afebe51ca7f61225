package io.jobworker.core.output;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import io.jobworker.core.ByteSize;
import io.jobworker.core.linux.Fd;
import io.jobworker.core.linux.Linux;
import io.jobworker.core.output.OutputLog.OnFull;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * One writer and many readers at once, through real pipes, event loops and files. Each byte follows
 * from its offset, so that one that is lost, doubled or misplaced is seen.
 */
class OutputLogStressTest {
  private static final int READERS = 6;
  private static final long BYTES = 24 << 20;
  private static final long PATIENCE_SECONDS = 60;

  @TempDir Path directory;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private Capture capture;

  @BeforeEach
  void startCapture() throws IOException {
    capture = new Capture(1);
  }

  @AfterEach
  void stop() {
    capture.close();
    threads.shutdownNow();
  }

  private OutputLog open(String name, String retain, OnFull onFull) throws IOException {
    return OutputLog.open(
        directory.resolve(name),
        ByteSize.parse(retain),
        onFull,
        Budget.unlimited(),
        Clock.systemUTC());
  }

  private Path fifo(String name) throws IOException, InterruptedException {
    Path fifo = directory.resolve(name);
    assertThat(new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor()).isZero();
    return fifo;
  }

  private static byte byteAt(long offset) {
    return (byte) ((offset * 0x9E3779B97F4A7C15L) >>> 56);
  }

  // --- many readers

  @ParameterizedTest
  @EnumSource
  void everyReaderGetsEveryByteInOrderOrIsToldHowManyAreGone(OnFull onFull) throws Exception {
    OutputLog log = open("log", "256K", onFull);
    Path fifo = fifo("stdout");
    Fd pipe = Linux.open(fifo, Linux.O_RDONLY | Linux.O_NONBLOCK);
    List<Future<Long>> readers = new ArrayList<>();
    CountDownLatch attached = new CountDownLatch(READERS);
    for (int i = 0; i < READERS; i++) {
      boolean slow = i == 0;
      readers.add(threads.submit(() -> readAll(log, attached, slow)));
    }
    assertThat(attached.await(PATIENCE_SECONDS, SECONDS)).isTrue();
    try (FileChannel job = FileChannel.open(fifo, StandardOpenOption.WRITE)) {
      Capture.Tap tap = capture.open(log, Map.of(Stream.STDOUT, pipe));
      writeAll(job, BYTES);
      tap.drain().join();
      log.finish();
    }
    long dropped = 0;
    for (Future<Long> reader : readers) {
      dropped += reader.get(PATIENCE_SECONDS, SECONDS);
    }
    if (onFull == OnFull.BLOCK) {
      assertThat(dropped).as("dropped although the job is to wait").isZero();
    } else {
      assertThat(dropped).as("the slow reader is overtaken").isPositive();
    }
    assertThat(log.end()).isEqualTo(BYTES);
  }

  private static void writeAll(FileChannel job, long bytes) throws IOException {
    Random random = new Random(1);
    ByteBuffer buffer = ByteBuffer.allocate(64 << 10);
    for (long offset = 0; offset < bytes; ) {
      buffer.clear().limit((int) Math.min(bytes - offset, 1 + random.nextInt(buffer.capacity())));
      while (buffer.hasRemaining()) {
        buffer.put(byteAt(offset++));
      }
      buffer.flip();
      while (buffer.hasRemaining()) {
        job.write(buffer);
      }
    }
  }

  /** Reads to the end and checks each byte; answers how many were dropped. */
  private static long readAll(OutputLog log, CountDownLatch attached, boolean slow)
      throws IOException, InterruptedException {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    byte[] buffer = new byte[32 << 10];
    long dropped = 0;
    long seen = 0;
    Cursor cursor = log.cursor(0, Optional.empty());
    attached.countDown();
    try {
      while (true) {
        long expected = cursor.offset();
        int max = 1 + random.nextInt(random.nextInt(4) == 0 ? 100 : buffer.length);
        if (random.nextInt(8) == 0) {
          cursor.isInMemory(max); // looking changes nothing
        }
        switch (cursor.read(buffer, max)) {
          case Read.Chunk chunk -> {
            assertThat(chunk.offset()).isEqualTo(expected);
            for (int i = 0; i < chunk.bytes().remaining(); i++) {
              if (chunk.bytes().get(i) != byteAt(chunk.offset() + i)) {
                throw new AssertionError("wrong byte at " + (chunk.offset() + i));
              }
            }
            seen += chunk.bytes().remaining();
            if (slow) {
              LockSupport.parkNanos(200_000); // a reader that is slow, not one that waits
            }
          }
          case Read.Dropped gone -> {
            assertThat(gone.resumeOffset()).isEqualTo(expected + gone.bytes());
            dropped += gone.bytes();
          }
          case Read.CaughtUp _ -> {
            if (random.nextInt(16) == 0) { // as a client that comes back where it was
              Cursor again = log.cursor(cursor.offset(), Optional.empty());
              cursor.close();
              cursor = again;
            }
            CountDownLatch more = new CountDownLatch(1);
            cursor.await(more::countDown);
            assertThat(more.await(PATIENCE_SECONDS, SECONDS)).as("woken").isTrue();
          }
          case Read.End _ -> {
            assertThat(seen + dropped).isEqualTo(BYTES);
            return dropped;
          }
        }
      }
    } finally {
      cursor.close();
    }
  }

  // --- the end

  @Test
  void aReaderThatAttachesExactlyAtTheEndIsToldOfIt() throws Exception {
    for (int round = 0; round < 2000; round++) {
      OutputLog log = open("empty", "64K", OnFull.OVERWRITE);
      CountDownLatch go = new CountDownLatch(1);
      Future<Read> reader =
          threads.submit(
              (Callable<Read>)
                  () -> {
                    go.await();
                    try (Cursor cursor = log.cursor(log.end(), Optional.empty())) {
                      CountDownLatch woken = new CountDownLatch(1);
                      cursor.await(woken::countDown);
                      assertThat(woken.await(PATIENCE_SECONDS, SECONDS)).isTrue();
                      return cursor.read(new byte[1]);
                    }
                  });
      go.countDown();
      log.finish();
      assertThat(reader.get(PATIENCE_SECONDS, SECONDS)).isEqualTo(Read.END);
    }
  }

  // --- a job that waits

  @Test
  void aJobThatWaitsForItsReaderGoesOnWhenTheReaderGoes() throws Exception {
    OutputLog log = open("log", "64K", OnFull.BLOCK);
    Path fifo = fifo("stdout");
    Fd pipe = Linux.open(fifo, Linux.O_RDONLY | Linux.O_NONBLOCK);
    Cursor reader = log.cursor(0, Optional.empty());
    try (FileChannel job = FileChannel.open(fifo, StandardOpenOption.WRITE)) {
      Capture.Tap tap = capture.open(log, Map.of(Stream.STDOUT, pipe));
      Future<?> written =
          threads.submit(() -> {
            writeAll(job, 4 << 20);
            return null;
          });
      assertThat(written).failsWithin(java.time.Duration.ofMillis(300));
      assertThat(log.end()).isLessThanOrEqualTo(64 << 10);
      reader.close();
      written.get(PATIENCE_SECONDS, SECONDS);
      tap.drain().join();
    }
    log.finish();
    assertThat(log.end()).isEqualTo(4 << 20);
  }

  @Test
  void aJobThatHasEndedWaitsForNoReader() throws Exception {
    OutputLog log = open("log", "64K", OnFull.BLOCK);
    Path fifo = fifo("stdout");
    Fd pipe = Linux.open(fifo, Linux.O_RDONLY | Linux.O_NONBLOCK);
    try (Cursor reader = log.cursor(0, Optional.empty())) {
      Capture.Tap tap;
      try (FileChannel job = FileChannel.open(fifo, StandardOpenOption.WRITE)) {
        tap = capture.open(log, Map.of(Stream.STDOUT, pipe));
        writeAll(job, 100 << 10); // more than the ring, less than ring and pipe
      }
      tap.drain().get(PATIENCE_SECONDS, SECONDS);
      log.finish();
      byte[] buffer = new byte[1 << 20];
      long seen = 0;
      while (reader.read(buffer) instanceof Read.Chunk chunk) {
        seen += chunk.bytes().remaining();
      }
      assertThat(seen).as("and the reader gets all of it").isEqualTo(100 << 10);
    }
  }

  // --- two streams

  @Test
  void twoStreamsInterleavedAMillionTimesKeepTheirOrder() throws Exception {
    OutputLog log = open("log", "1G", OnFull.OVERWRITE);
    Map<Stream, Fd> pipes = new EnumMap<>(Stream.class);
    Map<Stream, FileChannel> jobs = new EnumMap<>(Stream.class);
    for (Stream stream : Stream.values()) {
      Path fifo = fifo(stream.fifo());
      pipes.put(stream, Linux.open(fifo, Linux.O_RDONLY | Linux.O_NONBLOCK));
      jobs.put(stream, FileChannel.open(fifo, StandardOpenOption.WRITE));
    }
    ByteBuffer number = ByteBuffer.allocateDirect(Long.BYTES);
    int count = 1_000_000;
    for (long i = 0; i < count; i++) {
      Stream stream = i % 2 == 0 ? Stream.STDOUT : Stream.STDERR;
      number.clear().putLong(i).flip();
      write(jobs.get(stream), number);
      assertThat(append(log, pipes.get(stream), stream)).isEqualTo(Long.BYTES);
    }
    log.finish();
    byte[] buffer = new byte[64 << 10];
    long next = 0;
    try (Cursor cursor = log.cursor(0, Optional.empty())) {
      while (cursor.read(buffer) instanceof Read.Chunk chunk) {
        assertThat(chunk.stream()).isEqualTo(next % 2 == 0 ? Stream.STDOUT : Stream.STDERR);
        while (chunk.bytes().hasRemaining()) {
          assertThat(chunk.bytes().getLong()).isEqualTo(next++);
        }
      }
    }
    assertThat(next).isEqualTo(count);
    for (Stream stream : Stream.values()) {
      java.util.Objects.requireNonNull(pipes.get(stream)).close();
      java.util.Objects.requireNonNull(jobs.get(stream)).close();
    }
    assertThat(Files.exists(directory.resolve("log"))).isTrue();
  }

  private static void write(@org.jspecify.annotations.Nullable FileChannel job, ByteBuffer bytes)
      throws IOException {
    java.util.Objects.requireNonNull(job).write(bytes);
  }

  private static long append(
      OutputLog log, @org.jspecify.annotations.Nullable Fd pipe, Stream stream) throws IOException {
    return log.append(java.util.Objects.requireNonNull(pipe), stream, 1 << 20);
  }
}
