package io.jobworker.core.process;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import io.jobworker.base.linux.EventLoop;
import io.jobworker.base.linux.Fd;
import io.jobworker.base.linux.FileCalls;
import io.jobworker.base.linux.LinuxException;
import io.jobworker.base.linux.SocketCalls;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The server's end of one connection to a job's feeder ({@code launcher/src/feeder.h}). Never
 * waits: what the socket does not take is kept here, which is never more than the feeder has
 * allowed. Confined to its {@link InputLoop}.
 */
public final class InputChannel {
  private static final Logger LOG = LoggerFactory.getLogger(InputChannel.class);
  private static final long BYTES = 1;
  private static final long END = 2;
  private static final byte[] NOTHING = {};

  /** How far the job has been fed. */
  public enum Kind {
    OPEN,
    /** It was given its end of file. */
    ENDED,
    /** It has closed its stdin. */
    CLOSED,
    /** It is dead. */
    OVER
  }

  /**
   * What the feeder says.
   *
   * @param taken all before this offset is in the job's pipe, and nothing from it on
   * @param limit what is sent may go up to here
   */
  public record Progress(Kind kind, long taken, long limit) {}

  /** Hears of it, on the loop. */
  public interface Listener {
    /** First of where things stand, and then of each change. */
    void progress(Progress progress);

    /** The feeder has gone, or has turned to a newer connection. Nothing follows. */
    void broken();
  }

  private final InputLoop loop;
  private final Fd socket;
  private final Listener listener;
  private EventLoop.@Nullable Registration registration;

  /** What the socket did not take, from {@link #from} on: bytes that follow one another. */
  private byte[] held = NOTHING;

  private int from;
  private int to;
  private long offset; // of held[from]
  private long end = -1; // where the bytes end, while that is to be sent

  InputChannel(InputLoop loop, Fd socket, Listener listener) {
    this.loop = loop;
    this.socket = socket;
    this.listener = listener;
  }

  void registered(EventLoop.Registration place) {
    registration = place;
  }

  /** Sends bytes, the first of which is that of {@code at}; they follow those sent before. */
  public void write(long at, ByteBuffer bytes) {
    try {
      long next = at;
      while (from == to && bytes.hasRemaining()) {
        int length = Math.min(bytes.remaining(), InputLoop.PACKET_BYTES);
        ByteBuffer part = bytes.slice(bytes.position(), length);
        if (!send(next, MemorySegment.ofBuffer(part))) {
          break;
        }
        bytes.position(bytes.position() + length);
        next += length;
      }
      if (bytes.hasRemaining()) {
        hold(next, bytes);
      }
    } catch (LinuxException e) {
      failed(e);
    }
  }

  /** There are so many bytes, and no more. */
  public void end(long at) {
    end = at;
    flush();
  }

  private boolean send(long at, MemorySegment bytes) throws LinuxException {
    MemorySegment packet = loop.packet(BYTES, at);
    MemorySegment.copy(bytes, 0, packet, InputLoop.HEADER_BYTES, bytes.byteSize());
    return SocketCalls.trySend(
        socket, packet.asSlice(0, InputLoop.HEADER_BYTES + bytes.byteSize()));
  }

  private void hold(long at, ByteBuffer bytes) {
    int length = bytes.remaining();
    if (from == to) {
      offset = at;
      from = 0;
      to = 0;
    }
    if (to + length > held.length) {
      byte[] larger = new byte[Math.max(to - from + length, 2 * (to - from))];
      System.arraycopy(held, from, larger, 0, to - from);
      held = larger;
      to -= from;
      from = 0;
    }
    bytes.get(held, to, length);
    to += length;
  }

  /** Sends what was held, as far as there is room now. */
  private void flush() {
    try {
      while (from < to) {
        int length = Math.min(to - from, InputLoop.PACKET_BYTES);
        if (!send(offset, MemorySegment.ofArray(held).asSlice(from, length))) {
          return; // the feeder is at what it has, and will say so
        }
        from += length;
        offset += length;
      }
      held = NOTHING;
      from = 0;
      to = 0;
      if (end >= 0
          && SocketCalls.trySend(
              socket, loop.packet(END, end).asSlice(0, InputLoop.HEADER_BYTES))) {
        end = -1;
      }
    } catch (LinuxException e) {
      failed(e);
    }
  }

  /** A feeder that has gone shows as the socket's end, with what it has said last before it. */
  private void failed(LinuxException e) {
    LOG.atDebug().setCause(e).log("input.send_failed");
    held = NOTHING;
    from = 0;
    to = 0;
    end = -1;
  }

  void hear() {
    Progress newest = null;
    boolean gone = false;
    boolean failed = false;
    List<Fd> none = new ArrayList<>();
    MemorySegment report = loop.report();
    while (!gone) {
      int length;
      try {
        length = SocketCalls.receive(socket, report, none);
      } catch (LinuxException e) {
        if (!failed) {
          failed = true; // ECONNRESET: gone with bytes of ours unread; what it has said comes after
          continue;
        }
        length = 0;
      }
      if (length == FileCalls.WOULD_BLOCK) {
        break;
      }
      if (length == report.byteSize()) {
        newest = parse(report.toArray(JAVA_BYTE));
      }
      gone = length != report.byteSize() || newest == null;
    }
    none.forEach(Fd::close);
    if (newest != null) {
      flush();
      listener.progress(newest);
    }
    if (gone && socket.isOpen()) {
      close();
      listener.broken();
    }
  }

  private static @Nullable Progress parse(byte[] report) {
    MemorySegment words = MemorySegment.ofArray(report);
    long kind = words.get(JAVA_LONG_UNALIGNED, 0);
    long taken = words.get(JAVA_LONG_UNALIGNED, 8);
    long limit = words.get(JAVA_LONG_UNALIGNED, 16);
    if (kind < 1 || kind > Kind.values().length || taken < 0 || limit < taken) {
      return null;
    }
    return new Progress(Kind.values()[(int) kind - 1], taken, limit);
  }

  /** Nothing more is sent or heard. Idempotent. */
  public void close() {
    if (registration != null) {
      registration.cancel();
    }
    socket.close();
    held = NOTHING;
    from = 0;
    to = 0;
  }
}
