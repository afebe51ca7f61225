package io.jobworker.core.process;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import io.jobworker.base.linux.EventLoop;
import io.jobworker.base.linux.Fd;
import io.jobworker.base.linux.LinuxException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.Executor;

/**
 * Where all that is sent to jobs' feeders is sent from, and what they say is heard: one thread of
 * its own, so that the bytes of streams delay no launch. The buffers are the loop's, and shared.
 */
public final class InputLoop implements Executor, AutoCloseable {
  /** {@code launcher/src/feeder.h}; numbers are little-endian, as every machine is that has one. */
  static final int PACKET_BYTES = 64 << 10;

  static final int HEADER_BYTES = 16;
  private static final int REPORT_BYTES = 24;

  private final EventLoop loop;
  private final MemorySegment packet = Arena.ofAuto().allocate(HEADER_BYTES + PACKET_BYTES, 8);
  private final MemorySegment report = Arena.ofAuto().allocate(REPORT_BYTES, 8);

  private InputLoop(EventLoop loop) {
    this.loop = loop;
  }

  /** The caller closes it. */
  public static InputLoop start() throws LinuxException {
    return new InputLoop(EventLoop.start("input"));
  }

  /** Runs {@code task}, which must not block, on the loop. */
  @Override
  public void execute(Runnable task) {
    loop.execute(task);
  }

  /**
   * Speaks with a feeder by this connection, which is closed with what is returned. To be called on
   * the loop.
   */
  public InputChannel open(Fd socket, InputChannel.Listener listener) throws LinuxException {
    InputChannel channel = new InputChannel(this, socket, listener);
    channel.registered(loop.register(socket, channel::hear));
    return channel;
  }

  /** With a header; what follows it is the caller's to fill. */
  MemorySegment packet(long what, long offset) {
    packet.set(JAVA_LONG_UNALIGNED, 0, what);
    packet.set(JAVA_LONG_UNALIGNED, 8, offset);
    return packet;
  }

  MemorySegment report() {
    return report;
  }

  @Override
  public void close() {
    loop.close();
  }
}
