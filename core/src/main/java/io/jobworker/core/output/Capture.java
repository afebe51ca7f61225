package io.jobworker.core.output;

import io.jobworker.core.linux.EventLoop;
import io.jobworker.core.linux.Fd;
import io.jobworker.core.linux.LinuxException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Moves the output of all jobs from their pipes into their logs, on a few event loops. Each job
 * belongs to one loop, which is its log's only writer. A pipe gets {@link #TURN_BYTES} at a turn,
 * so that a job that floods does not keep others waiting. Thread-safe.
 */
public final class Capture implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Capture.class);

  /** As much as the largest pipe holds. */
  private static final long TURN_BYTES = 1 << 20;

  /** More than any pipe holds; a writer that should be dead must not keep the loop for ever. */
  private static final int MAX_DRAIN_TURNS = 64;

  private final List<EventLoop> loops = new ArrayList<>();
  private final AtomicInteger next = new AtomicInteger();
  private final ThreadLocal<MemorySegment> scrap =
      ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(64 << 10));

  public Capture(int threads) throws LinuxException {
    for (int i = 0; i < threads; i++) {
      loops.add(EventLoop.start("capture-" + i));
    }
  }

  /**
   * Starts moving what comes out of {@code pipes} into {@code log}. The pipes are closed by the
   * returned tap, or before this throws; the log is not finished by it.
   *
   * @throws LinuxException if the kernel cannot watch the pipes
   */
  public Tap open(OutputLog log, Map<Stream, Fd> pipes) throws LinuxException {
    Tap tap = new Tap(loops.get(Math.floorMod(next.getAndIncrement(), loops.size())), log);
    CompletableFuture<Optional<LinuxException>> started = new CompletableFuture<>();
    tap.loop.execute(() -> started.complete(tap.start(pipes)));
    Optional<LinuxException> problem = started.join();
    if (problem.isPresent()) {
      throw problem.get();
    }
    return tap;
  }

  private interface Append {
    long append(Fd pipe, Stream stream, long maxBytes) throws IOException;
  }

  /** One job's capture. */
  public final class Tap {
    private final EventLoop loop;
    private final OutputLog log;
    private final List<Line> lines = new ArrayList<>(); // confined to the loop
    private boolean
        troubled; // confined to the loop: the log cannot take more, and it has been said

    private Tap(EventLoop loop, OutputLog log) {
      this.loop = loop;
      this.log = log;
    }

    private Optional<LinuxException> start(Map<Stream, Fd> pipes) {
      pipes.forEach((stream, pipe) -> lines.add(new Line(stream, pipe)));
      try {
        for (Line line : lines) {
          line.registration = loop.register(line.pipe, line::turn);
        }
        return Optional.empty();
      } catch (LinuxException e) {
        lines.forEach(Line::close);
        return Optional.of(e);
      }
    }

    /**
     * Moves what is still in the pipes, to the last byte, and closes them. To be called when nobody
     * can write to them any more.
     */
    public CompletableFuture<@Nullable Void> drain() {
      CompletableFuture<@Nullable Void> drained = new CompletableFuture<>();
      loop.execute(() -> {
        for (Line line : lines) {
          for (int turn = 0; turn < MAX_DRAIN_TURNS && line.moveLast() > 0; turn++) {}
          line.close();
        }
        drained.complete(null);
      });
      return drained;
    }

    /** Stops capturing and leaves what is in the pipes there, for whoever takes it up. */
    public CompletableFuture<@Nullable Void> leave() {
      CompletableFuture<@Nullable Void> left = new CompletableFuture<>();
      loop.execute(() -> {
        lines.forEach(Line::close);
        left.complete(null);
      });
      return left;
    }

    /** Called by whichever reader has made room. */
    private void hasRoom() {
      try {
        loop.execute(this::resume);
      } catch (RejectedExecutionException e) {
        // nothing is captured any more; what is in the pipes waits for the next server
      }
    }

    private void resume() {
      for (Line line : lines) {
        try {
          if (line.registration != null && line.pipe.isOpen()) {
            line.registration.resume();
          }
        } catch (LinuxException e) {
          LOG.atError().addKeyValue("pipe", line.pipe).setCause(e).log("capture.pipe_failed");
        }
      }
    }

    /** One of the job's pipes. Confined to the loop. */
    private final class Line {
      private final Stream stream;
      private final Fd pipe;
      private EventLoop.@Nullable Registration registration;

      private Line(Stream stream, Fd pipe) {
        this.stream = stream;
        this.pipe = pipe;
      }

      private void turn() throws LinuxException {
        long moved = move(log::append);
        if (moved == 0) {
          close(); // no writer is left
        } else if (moved == OutputLog.FULL && registration != null) {
          registration.pause();
          log.awaitRoom(Tap.this::hasRoom);
        }
      }

      private long moveLast() {
        return move(log::appendLast);
      }

      /** Answers as append; a log that can take nothing for lack of disk never blocks the job. */
      private long move(Append append) {
        if (!pipe.isOpen()) {
          return 0;
        }
        try {
          long moved = append.append(pipe, stream, TURN_BYTES);
          troubled = troubled && moved <= 0;
          return moved;
        } catch (IOException e) {
          if (!troubled) {
            troubled = true;
            LOG.atError().addKeyValue("pipe", pipe).setCause(e).log("capture.output_dropped");
          }
          return discard();
        }
      }

      private long discard() {
        try {
          return log.discard(pipe, scrap.get());
        } catch (LinuxException e) {
          LOG.atError().addKeyValue("pipe", pipe).setCause(e).log("capture.pipe_failed");
          return 0;
        }
      }

      private void close() {
        if (registration != null) {
          registration.cancel();
        }
        pipe.close();
      }
    }
  }

  @Override
  public void close() {
    loops.forEach(EventLoop::close);
  }
}
