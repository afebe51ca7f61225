package io.jobworker.core.output;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.regex.Pattern;

/**
 * Which segments of a log there are, found out by their headers and remembered, so that readers
 * share them. All but the last are what they are until they are overtaken. Thread-safe; takes no
 * lock, and none that the writer could need, for that is another process.
 */
final class Ring {
  private static final Pattern NAME = Pattern.compile("\\d{4,}\\.seg");

  /** What version 1 wrote. */
  private static final Pattern OLD_NAME = Pattern.compile("\\d{20}\\.log");

  private final Path directory;
  private final ConcurrentSkipListMap<Long, Segment> known = new ConcurrentSkipListMap<>();

  Ring(Path directory) {
    this.directory = directory;
  }

  /** The segment that has {@code offset}, or the next one after it; empty if there is none. */
  Optional<Segment> at(long offset) throws IOException {
    Optional<Segment> remembered = amongKnown(offset);
    return remembered.isPresent() ? remembered : among(look(), offset);
  }

  /** The one that follows; empty if there is none yet. */
  Optional<Segment> after(Segment segment) throws IOException {
    long sequence = segment.sequence() + 1;
    Optional<Segment> next =
        SegmentHeader.read(Segment.file(directory, sequence, segment.segments()))
            .filter(header -> header.sequence() == sequence)
            .map(this::remember);
    if (next.isPresent()) {
      return next;
    }
    var later = look().higherEntry(segment.sequence()); // overtaken, or damaged
    return later == null ? Optional.empty() : Optional.of(later.getValue());
  }

  /** All there are now, from the oldest on. */
  List<Segment> all() throws IOException {
    return List.copyOf(look().values());
  }

  private Optional<Segment> amongKnown(long offset) {
    Segment before = null;
    for (Segment next : known.values()) { // a few
      if (before != null
          && next.sequence() == before.sequence() + 1
          && before.base() <= offset
          && offset < next.base()) {
        return Optional.of(before);
      }
      before = next;
    }
    return Optional.empty();
  }

  private static Optional<Segment> among(NavigableMap<Long, Segment> segments, long offset) {
    Segment best = null;
    for (Segment segment : segments.values()) {
      if (segment.base() > offset) {
        return Optional.of(best == null ? segment : best);
      }
      best = segment;
    }
    return Optional.ofNullable(best);
  }

  /** By sequence, and so by base: what is out of order is damaged, and left out. */
  private NavigableMap<Long, Segment> look() throws IOException {
    TreeMap<Long, Segment> found = new TreeMap<>();
    try (var files = Files.newDirectoryStream(directory)) {
      for (Path file : files) {
        String name = String.valueOf(file.getFileName());
        if (OLD_NAME.matcher(name).matches()) {
          throw new OutputLog.UnknownVersion(directory + " is a log of version 1");
        }
        if (NAME.matcher(name).matches()) {
          SegmentHeader.read(file)
              .map(this::remember)
              .ifPresent(segment -> found.put(segment.sequence(), segment));
        }
      }
    } catch (NoSuchFileException e) {
      // nothing is kept
    }
    long base = -1;
    for (var entries = found.values().iterator(); entries.hasNext(); ) {
      Segment segment = entries.next();
      if (segment.base() < base) {
        entries.remove();
      } else {
        base = segment.base();
      }
    }
    known.keySet().retainAll(found.keySet());
    return found;
  }

  private Segment remember(SegmentHeader header) {
    known.headMap(header.sequence() - header.segments(), true).clear();
    return known.compute(
        header.sequence(),
        (_, before) ->
            before != null && before.has(header) ? before : new Segment(directory, header));
  }

  @Override
  public String toString() {
    return directory + " " + Map.copyOf(known);
  }
}
