package io.jobworker.core.output;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A job's output in the files that the job's launcher writes ({@code docs/log-format.md}): a ring
 * of segments; so it survives every process, and the page cache makes it as quick as memory.
 *
 * <ul>
 *   <li>A reader takes nothing that the writer needs, and costs the writer nothing while it is not
 *       waiting.
 *   <li>What the files and the page say is untrusted: it may mislead the readers of this log, and
 *       does not make them fail otherwise, wait for ever or read without end.
 * </ul>
 *
 * <p>Thread-safe.
 */
public final class OutputLog implements JobOutput {
  private static final Logger LOG = LoggerFactory.getLogger(OutputLog.class);

  /** A log that must make room keeps so much of what it has, at a time. */
  private static final int SHRINKS_TO_PERCENT = 75;

  /** What happens when a job's share of the disk is used up. */
  public enum OnFull {
    /** The oldest output makes room; a reader that is overtaken is told. */
    OVERWRITE,
    /**
     * The job waits, once its pipe is full, until the slowest reader has read what is oldest. While
     * there is no reader, the oldest output makes room.
     */
    BLOCK
  }

  /** The log was written by a version that this one cannot read. */
  public static final class UnknownVersion extends IOException {
    UnknownVersion(String message) {
      super(message);
    }
  }

  private final Path directory;
  private final Ring ring;
  private final LogEnd end;
  private final Optional<ReaderGate> gate; // where the log blocks
  private final Budget budget;
  private final Runnable look;
  private final CompletableFuture<Boolean> writerFinished = new CompletableFuture<>();

  /** Guards {@link #counted} and {@link #toldOfLost}. */
  private final ReentrantLock lock = new ReentrantLock();

  private long counted; // of what is kept, in the budget
  private long toldOfLost; // bytes that the disk did not take

  private OutputLog(Path directory, LogPage page, OnFull onFull, Budget budget, Runnable look) {
    this.directory = directory;
    this.ring = new Ring(directory);
    this.end = new LogEnd(page);
    this.budget = budget;
    this.look = look;
    this.gate = onFull == OnFull.BLOCK ? Optional.of(new ReaderGate(page, look)) : Optional.empty();
    if (page.isFinished()) {
      writerFinished.complete(true);
    }
  }

  /**
   * The log of a job that runs. What it keeps is counted in {@code budget} until {@link #finish} or
   * {@link #abandon}.
   *
   * @param page by which its writer and its readers tell one another what is new
   * @param look has the writer look into the page; must not block
   * @param patience how long readers of a server before this one are waited for; zero: for ever
   */
  public static OutputLog running(
      Path directory,
      LogPage page,
      OnFull onFull,
      Duration patience,
      Budget budget,
      Runnable look) {
    OutputLog log = new OutputLog(directory, page, onFull, budget, look);
    if (log.gate.filter(ReaderGate::awaitsAbsent).isPresent() && !patience.isZero()) {
      CompletableFuture.delayedExecutor(
              patience.toMillis(), TimeUnit.MILLISECONDS, Runnable::run) // it does not block
          .execute(log.gate.get()::forgetAbsent);
    }
    log.count();
    return log;
  }

  /**
   * The log of a job that has ended after {@code end} bytes, for reading; whatever of it is not
   * there any more counts as dropped.
   *
   * @throws UnknownVersion if it was written by a version that this one cannot read
   */
  public static OutputLog finished(Path directory, long end, long kept) throws IOException {
    List<Segment> segments = new Ring(directory).all();
    long oldest = segments.isEmpty() ? end : Math.min(end, segments.getFirst().base());
    OutputLog log =
        new OutputLog(
            directory,
            LogPage.finished(end, oldest, kept),
            OnFull.OVERWRITE,
            Budget.unlimited(),
            () -> {});
    log.end.finish(log.end.page());
    return log;
  }

  /** How far a log had got whose writer has died without a word: as its files tell. */
  public static LogPage lastState(Path directory) throws IOException {
    long end = 0;
    long kept = 0;
    List<Segment> segments = new Ring(directory).all();
    for (Segment segment : segments) {
      if (segment.acquire()) {
        try {
          long last = segment.index().end();
          kept += last - segment.base();
          end = Math.max(end, Math.max(last, segment.floor()));
        } finally {
          segment.release();
        }
      }
    }
    return LogPage.finished(end, segments.isEmpty() ? end : segments.getFirst().base(), kept);
  }

  // --- what the writer says

  /** The writer has written to its eventfd. Does not block. */
  public void woken() {
    count();
    gate.ifPresent(ReaderGate::passed);
    end.wakeAll();
    if (end.page().isFinished()) {
      writerFinished.complete(true);
    }
  }

  /** Completes when the writer has said that there will be no more; perhaps never. */
  public CompletableFuture<Boolean> writerFinished() {
    return writerFinished.copy();
  }

  /** There will be no more than {@code last} says. Everyone who waits is woken. Idempotent. */
  public void finish(LogPage last) {
    count(last.kept());
    end.finish(last);
  }

  /** Nobody will use this log: what it keeps counts no more. */
  public void abandon() {
    count(0);
  }

  /** Counts what is kept now; while all logs together keep too much, this one gives up some. */
  public void count() {
    LogPage page = end.page();
    count(page.kept());
    page.share(budget.isExceeded() ? Math.max(1, page.kept() * SHRINKS_TO_PERCENT / 100) : 0);
    if (budget.isExceeded()) {
      look.run();
    }
    tellOfLost(page);
  }

  private void count(long kept) {
    long change;
    lock.lock();
    try {
      change = kept - counted;
      counted = kept;
    } finally {
      lock.unlock();
    }
    if (change != 0) {
      budget.add(change);
    }
  }

  private void tellOfLost(LogPage page) {
    long lost = page.lost();
    boolean first;
    lock.lock();
    try {
      first = lost > 0 && toldOfLost == 0;
      toldOfLost = Math.max(toldOfLost, lost);
    } finally {
      lock.unlock();
    }
    if (first) {
      LOG.atError()
          .addKeyValue("output", directory)
          .addKeyValue("errno", page.error())
          .log("output.lost");
    }
  }

  // --- what readers see

  @Override
  public long start() {
    return Math.min(end.page().oldest(), end());
  }

  @Override
  public long end() {
    return end.page().end();
  }

  @Override
  public long droppedBytes() {
    return Math.max(0, end() - end.page().kept());
  }

  /**
   * Since when the writer has been at the job's pipes, in ms of CLOCK_MONOTONIC; 0 if it is not.
   */
  public long readingSinceMillis() {
    return end.page().readingSinceMillis();
  }

  /** How far the writer has got, now; a copy that does not change. */
  public LogPage state() {
    LogPage page = end.page();
    long to = page.end();
    return LogPage.finished(to, Math.min(page.oldest(), to), Math.min(page.kept(), to));
  }

  @Override
  public Cursor cursor(long offset, Optional<StdStream> only) {
    Cursor cursor = new Cursor(this, offset, only);
    gate.ifPresent(g -> g.attach(cursor.where()));
    return cursor;
  }

  @Override
  public long offsetAt(Instant time) throws IOException {
    long micros = ChronoUnit.MICROS.between(Instant.EPOCH, time);
    List<Segment> segments = ring.all();
    int low = 0; // how many segments begin before the time
    int high = segments.size();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (beginsBefore(segments.get(middle), micros)) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    if (low == 0) {
      return start();
    }
    Segment segment = segments.get(low - 1);
    if (!segment.acquire()) {
      return start(); // overtaken meanwhile
    }
    try {
      return Math.clamp(
          segment.index().startOf(segment.index().frameSince(micros)), start(), end());
    } finally {
      segment.release();
    }
  }

  /** True also of one that has been overtaken, for the oldest go first. */
  private static boolean beginsBefore(Segment segment, long micros) throws IOException {
    if (!segment.acquire()) {
      return true;
    }
    try {
      return segment.index().frame(0).filter(frame -> frame.micros() < micros).isPresent();
    } finally {
      segment.release();
    }
  }

  @Override
  public long offsetOfLastLines(int lines, Optional<StdStream> only) throws IOException {
    long from = end();
    return lines <= 0 ? from : new LineFinder(this, only).find(lines, start(), from);
  }

  @Override
  public String newest(int maxBytes) throws IOException {
    long to = end();
    int room = (int) Math.min(maxBytes, to - start());
    byte[] piece = new byte[room];
    NewestText text = new NewestText(to > room);
    try (Cursor cursor = new Cursor(this, to - room, Optional.empty())) {
      for (int left = room; left > 0; ) {
        switch (cursor.read(piece, left)) {
          case ReadResult.Chunk chunk -> {
            text.add(chunk);
            left -= chunk.bytes().remaining();
          }
          case ReadResult.Dropped _ -> { // overtaken meanwhile: what follows is newer
            text = new NewestText(true);
            left = room;
          }
          case ReadResult.CaughtUp _, ReadResult.End _ -> left = 0;
        }
      }
      return end.at(cursor.offset()) == LogEnd.State.END ? text.ended() : text.soFar();
    }
  }

  /** Text of both streams, in the order of its pieces. */
  private static final class NewestText {
    private final Map<StdStream, TextDecoder> decoders = new EnumMap<>(StdStream.class);
    private final StringBuilder text = new StringBuilder();

    private NewestText(boolean isCut) {
      for (StdStream stream : StdStream.values()) {
        decoders.put(stream, isCut ? TextDecoder.fromLater() : TextDecoder.fromStart());
      }
    }

    private void add(ReadResult.Chunk chunk) {
      text.append(requireNonNull(decoders.get(chunk.stream())).decode(chunk.bytes()));
    }

    /** Without a character that is not all there yet. */
    private String soFar() {
      return text.toString();
    }

    private String ended() {
      decoders.values().forEach(decoder -> text.append(decoder.end()));
      return text.toString();
    }
  }

  LogEnd logEnd() {
    return end;
  }

  Ring ring() {
    return ring;
  }

  long oldest() {
    return end.page().oldest();
  }

  /** A reader has taken what it was given. */
  void passed() {
    gate.ifPresent(ReaderGate::passed);
  }

  /** A reader has gone. */
  void detach(Runnable waiter, LongSupplier where) {
    end.forget(waiter);
    gate.ifPresent(g -> g.detach(where));
  }
}
