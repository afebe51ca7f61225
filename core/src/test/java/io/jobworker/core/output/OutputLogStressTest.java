package io.jobworker.core.output;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import io.jobworker.core.output.OutputLog.OnFull;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * One writer and many readers at once. Each byte follows from its offset, so that one that is lost,
 * doubled or misplaced is seen. The launcher as the writer is in {@code OutputTest} of the library.
 */
class OutputLogStressTest {
  private static final int READERS = 6;
  private static final long BYTES = 24 << 20;
  private static final long PATIENCE_SECONDS = 60;

  @TempDir Path directory;
  private final ExecutorService threads = Executors.newCachedThreadPool();

  @AfterEach
  void stop() {
    threads.shutdownNow();
  }

  private static OutputLog follow(Path directory, LogWriter writer, OnFull onFull) {
    OutputLog log =
        OutputLog.running(
            directory, writer.page, onFull, Duration.ZERO, Budget.unlimited(), writer::look);
    writer.onWake(log::woken);
    return log;
  }

  private static byte byteAt(long offset) {
    return (byte) ((offset * 0x9E3779B97F4A7C15L) >>> 56);
  }

  @ParameterizedTest
  @EnumSource
  void everyReaderGetsEveryByteInOrderOrIsToldHowManyAreGone(OnFull onFull) throws Exception {
    LogWriter writer = new LogWriter(directory.resolve("log"), 8, 6 << 10, onFull == OnFull.BLOCK);
    OutputLog log = follow(directory.resolve("log"), writer, onFull);
    List<Future<Long>> readers = new ArrayList<>();
    CountDownLatch attached = new CountDownLatch(READERS);
    // Where the writer waits for its readers, none is overtaken.
    CountDownLatch overtaken = new CountDownLatch(onFull == OnFull.BLOCK ? 0 : 1);
    for (int i = 0; i < READERS; i++) {
      boolean slow = i == 0;
      readers.add(threads.submit(() -> readAll(log, attached, slow, overtaken)));
    }
    assertThat(attached.await(PATIENCE_SECONDS, SECONDS)).isTrue();
    writeAll(writer, BYTES, overtaken);
    writer.finish();
    log.finish(log.state());
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

  private static void writeAll(LogWriter writer, long bytes, CountDownLatch overtaken)
      throws IOException {
    Random random = new Random(1);
    for (long offset = 0; offset < bytes; ) {
      byte[] piece = new byte[(int) Math.min(bytes - offset, 1 + random.nextInt(64 << 10))];
      for (int i = 0; i < piece.length; i++) {
        piece[i] = byteAt(offset++);
      }
      writer.append(random.nextBoolean() ? StdStream.STDOUT : StdStream.STDERR, piece, offset);
      if (offset > 1 << 20) { // many times what is kept
        overtaken.countDown();
      }
    }
  }

  /** Reads to the end and checks each byte; returns how many were dropped. */
  private static long readAll(
      OutputLog log, CountDownLatch attached, boolean slow, CountDownLatch overtaken)
      throws IOException, InterruptedException {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    byte[] buffer = new byte[32 << 10];
    long dropped = 0;
    long seen = 0;
    Cursor cursor = log.cursor(0, Optional.empty());
    attached.countDown();
    try {
      if (slow) {
        assertThat(overtaken.await(PATIENCE_SECONDS, SECONDS)).isTrue();
      }
      while (true) {
        long expected = cursor.offset();
        int max = 1 + random.nextInt(random.nextInt(4) == 0 ? 100 : buffer.length);
        if (random.nextInt(8) == 0) {
          cursor.isInMemory(max); // looking changes nothing
        }
        switch (cursor.read(buffer, max)) {
          case ReadResult.Chunk chunk -> {
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
          case ReadResult.Dropped gone -> {
            assertThat(gone.resumeOffset()).isEqualTo(expected + gone.bytes());
            dropped += gone.bytes();
          }
          case ReadResult.CaughtUp _ -> {
            if (random.nextInt(16) == 0) { // as a client that comes back where it was
              Cursor again = log.cursor(cursor.offset(), Optional.empty());
              cursor.close();
              cursor = again;
            }
            CountDownLatch more = new CountDownLatch(1);
            cursor.await(more::countDown);
            assertThat(more.await(PATIENCE_SECONDS, SECONDS)).as("woken").isTrue();
          }
          case ReadResult.End _ -> {
            assertThat(seen + dropped).isEqualTo(BYTES);
            return dropped;
          }
        }
      }
    } finally {
      cursor.close();
    }
  }

  @Test
  void aReaderThatAttachesExactlyAtTheEndIsToldOfIt() throws Exception {
    Path own = directory.resolve("empty");
    LogWriter writer = new LogWriter(own, 8, 1024, false);
    for (int round = 0; round < 2000; round++) {
      OutputLog log = follow(own, writer, OnFull.OVERWRITE);
      CountDownLatch go = new CountDownLatch(1);
      Future<ReadResult> reader =
          threads.submit(
              (Callable<ReadResult>)
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
      log.finish(log.state());
      assertThat(reader.get(PATIENCE_SECONDS, SECONDS)).isEqualTo(ReadResult.END);
    }
  }
}
