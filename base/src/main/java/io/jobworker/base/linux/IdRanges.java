package io.jobworker.base.linux;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Who has user and group ids on this host: passwd(5) and group(5) give single ones, subuid(5) and
 * subgid(5) ranges, which are the users of somebody's containers.
 */
public final class IdRanges {
  private static final Path ETC = Path.of("/etc");
  private static final Pattern NUMBER = Pattern.compile("\\d{1,10}");

  private IdRanges() {}

  /** Ids from {@code first} to {@code last}. */
  private record Range(long first, long last, String whose) {
    boolean meets(int from, int to) {
      return first <= to && from <= last;
    }
  }

  /**
   * Those who have any id of a range, as {@code alice in /etc/subuid}; each once. What cannot be
   * read has none, and neither have users that a directory service knows.
   */
  public static List<String> othersIn(int first, int last) {
    return othersIn(ETC, first, last);
  }

  static List<String> othersIn(Path etc, int first, int last) {
    return Stream.of(
            ranges(etc.resolve("passwd"), 2, Optional.empty()),
            ranges(etc.resolve("group"), 2, Optional.empty()),
            ranges(etc.resolve("subuid"), 1, Optional.of(2)),
            ranges(etc.resolve("subgid"), 1, Optional.of(2)))
        .flatMap(List::stream)
        .filter(range -> range.meets(first, last))
        .map(Range::whose)
        .distinct()
        .toList();
  }

  /** {@code at} and {@code count} are fields of a line; without the latter it is one id. */
  private static List<Range> ranges(Path file, int at, Optional<Integer> count) {
    try (Stream<String> lines = Files.lines(file, ISO_8859_1)) {
      return lines
          .map(line -> line.strip().split(":", -1))
          .filter(
              fields -> isNumber(fields, at) && count.stream().allMatch(n -> isNumber(fields, n)))
          .map(fields -> {
            long first = Long.parseLong(fields[at]);
            long ids = count.map(n -> Long.parseLong(fields[n])).orElse(1L);
            return new Range(first, first + ids - 1, fields[0] + " in " + file);
          })
          .filter(range -> range.first() <= range.last()) // a count may be 0
          .toList();
    } catch (IOException | UncheckedIOException e) {
      return List.of();
    }
  }

  private static boolean isNumber(String[] fields, int index) {
    return index < fields.length && NUMBER.matcher(fields[index]).matches();
  }
}
