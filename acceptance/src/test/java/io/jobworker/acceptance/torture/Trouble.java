package io.jobworker.acceptance.torture;

import io.jobworker.acceptance.support.Programs;
import io.jobworker.acceptance.support.ServerToml;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/**
 * A disk of the jobs' own that fills and empties, and a clock of the servers' that jumps, by a
 * library that is loaded before theirs, so that it is theirs alone. Needs root.
 */
final class Trouble implements AutoCloseable {
  private static final String DISK_SIZE = "400m";

  /** Built of {@code src/torture/c/clock.c}. */
  private static final Path CLOCK = Path.of("target/clock.so").toAbsolutePath();

  /**
   * In seconds. Certificates of clients began five minutes before they were made, and hold for a
   * year.
   */
  private static final List<Long> OFFSETS = List.of(0L, 864_000L, -240L, 8_640_000L, 3600L);

  private final Path disk;
  private final Path clock;
  private final Random random;
  private final Thread thread = Thread.ofPlatform().name("trouble").daemon().unstarted(this::run);
  private volatile boolean over;
  private int fillings;
  private int jumps;

  private Trouble(Path disk, Path clock, Random random) {
    this.disk = disk;
    this.clock = clock;
    this.random = random;
  }

  /** Makes the disk; the trouble begins with {@link #begin}. */
  static Trouble with(Random random) throws IOException {
    Path disk = Files.createTempDirectory("job-worker-trouble-");
    call("mount", "-t", "tmpfs", "-o", "size=" + DISK_SIZE + ",mode=0700", "none", disk.toString());
    Path clock = Files.createTempFile("job-worker-clock-", "");
    Trouble trouble = new Trouble(disk, clock, random);
    trouble.setClock(0);
    return trouble;
  }

  private static void call(String... command) {
    var _ = Programs.run(List.of(command), Map.of()).succeeded();
  }

  /** A server whose jobs are on that disk, which has room for what this load keeps. */
  ServerToml server() {
    return ServerToml.withoutQuotas()
        .with("state.directory", state().toString())
        .with("output.total", "100M");
  }

  Path state() {
    return disk.resolve("state");
  }

  /** Executes its arguments with that clock. */
  List<String> prefix() {
    return List.of("setsid", "env", "LD_PRELOAD=" + CLOCK, "JOB_WORKER_CLOCK=" + clock);
  }

  void begin() {
    thread.start();
  }

  private void run() {
    try {
      while (!over) {
        setClock(OFFSETS.get(random.nextInt(OFFSETS.size())));
        jumps++;
        fill();
        fillings++;
        TimeUnit.MILLISECONDS.sleep(random.nextInt(2000));
        Files.deleteIfExists(filler());
        TimeUnit.MILLISECONDS.sleep(1000 + random.nextInt(4000));
      }
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException("there is no more trouble", e);
    }
  }

  private Path filler() {
    return disk.resolve("filler");
  }

  private void setClock(long offset) throws IOException {
    ByteBuffer number = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.nativeOrder());
    try (FileChannel file = FileChannel.open(clock, StandardOpenOption.WRITE)) {
      file.write(number.putLong(offset).flip()); // in place: it is mapped
    }
  }

  private void fill() {
    byte[] page = new byte[4096];
    try (OutputStream out = new FileOutputStream(filler().toFile(), true)) {
      while (!over) {
        out.write(page);
      }
    } catch (IOException e) {
      // it is full
    }
  }

  /** There is room from here on, and the time is right. */
  void end() throws IOException {
    over = true;
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    Files.deleteIfExists(filler());
    setClock(0);
  }

  @Override
  public String toString() {
    return "the disk was full %d times, and the clock jumped %d times".formatted(fillings, jumps);
  }

  /** The server must be closed before. */
  @Override
  public void close() throws IOException {
    if (thread.isAlive()) {
      end();
    }
    call("umount", disk.toString());
    Files.delete(disk);
    Files.delete(clock);
  }
}
