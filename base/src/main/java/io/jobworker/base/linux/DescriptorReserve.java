package io.jobworker.base.linux;

import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Some descriptors that are held for what must be done even where the process has no others left
 * (getrlimit(2), RLIMIT_NOFILE). One at a time may have them. Thread-safe.
 */
public final class DescriptorReserve implements AutoCloseable {
  private static final Path NOTHING = Path.of("/dev/null");

  private final int size;
  private final Deque<Fd> held = new ArrayDeque<>();

  /** Guards {@link #held}; held by whoever has what was in it. */
  private final ReentrantLock lock = new ReentrantLock();

  /** What is done with descriptors at hand. */
  @FunctionalInterface
  public interface Action {
    void run() throws Exception;
  }

  private DescriptorReserve(int size) {
    this.size = size;
  }

  /**
   * Takes so many.
   *
   * @throws LinuxException if there are not so many left
   */
  public static DescriptorReserve of(int size) throws LinuxException {
    DescriptorReserve reserve = new DescriptorReserve(size);
    try {
      while (reserve.held.size() < size) {
        reserve.held.add(FileCalls.open(NOTHING, FileCalls.O_RDONLY));
      }
      return reserve;
    } catch (LinuxException e) {
      reserve.close();
      throw e;
    }
  }

  /**
   * Does something while the held ones are free; others may take some of them, too. Afterwards as
   * many are held as there are. Waits for nobody: while they are lent, it is done without them.
   */
  public void lend(Action action) throws Exception {
    if (!lock.tryLock()) {
      action.run();
      return;
    }
    try {
      release();
      action.run();
    } finally {
      refill();
      lock.unlock();
    }
  }

  private void refill() {
    try {
      while (held.size() < size) {
        held.add(FileCalls.open(NOTHING, FileCalls.O_RDONLY));
      }
    } catch (LinuxException e) {
      // the next time, then
    }
  }

  private void release() {
    while (!held.isEmpty()) {
      held.remove().close();
    }
  }

  @Override
  public void close() {
    lock.lock();
    try {
      release();
    } finally {
      lock.unlock();
    }
  }
}
