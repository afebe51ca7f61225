package io.jobworker.base.linux;

import io.jobworker.base.words.OsString;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A mount that this process sees (proc_pid_mountinfo(5)).
 *
 * @param device as MAJOR:MINOR
 * @param point where it is
 * @param type of its file system
 * @param source of the file system, as the file system names it
 * @param options of the file system
 */
public record MountInfo(String device, Path point, String type, String source, String options) {
  private static final Path FILE = Path.of("/proc/self/mountinfo");

  /** Blanks, line ends and backslashes stand as octal numbers. */
  private static final Pattern ESCAPED = Pattern.compile("\\\\([0-7]{3})");

  /** All of them, in the order in which they were mounted. */
  public static List<MountInfo> all() throws IOException {
    // Any byte can stand in a name, a carriage return too.
    return Arrays.stream(OsString.of(Files.readAllBytes(FILE)).split("\n"))
        .map(line -> of(line.split(" ", -1)))
        .toList();
  }

  private static MountInfo of(String[] fields) {
    int hyphen = Arrays.asList(fields).indexOf("-"); // optional fields end there
    return new MountInfo(
        fields[2],
        OsString.path(unescaped(fields[4])),
        fields[hyphen + 1],
        unescaped(fields[hyphen + 2]),
        unescaped(fields[hyphen + 3]));
  }

  private static String unescaped(String field) {
    return ESCAPED
        .matcher(field)
        .replaceAll(octal ->
            Matcher.quoteReplacement(Character.toString(Integer.parseInt(octal.group(1), 8))));
  }
}
