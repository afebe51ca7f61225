package io.jobworker.base.words;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What our caller has given us, byte for byte as {@link OsString}s. The JVM's own arguments and
 * variables have gone through the locale, and what that cannot say is lost in them.
 */
public final class CallersBytes {
  private static final Path ARGUMENTS = Path.of("/proc/self/cmdline"); // proc_pid_cmdline(5)
  private static final Path ENVIRONMENT = Path.of("/proc/self/environ");

  private CallersBytes() {}

  /** The program's arguments, of which {@code decoded} is what the JVM made. */
  public static List<String> arguments(String... decoded) {
    if (List.of(decoded).stream().allMatch(CallersBytes::isPlain)) {
      return List.of(decoded);
    }
    List<String> line;
    try {
      line = entries(ARGUMENTS);
    } catch (IOException e) {
      return List.of(decoded); // no /proc: what the JVM says is all there is
    }
    int before = line.size() - decoded.length; // the JVM's own options
    if (before < 1) {
      return List.of(decoded);
    }
    List<String> arguments = line.subList(before, line.size());
    for (int i = 0; i < decoded.length; i++) {
      if (isPlain(decoded[i]) && !decoded[i].equals(arguments.get(i))) {
        return List.of(decoded); // somebody else's command line: we are not the JVM's main program
      }
    }
    return List.copyOf(arguments);
  }

  /** The environment. */
  public static Map<String, String> environment() {
    List<String> entries;
    try {
      entries = entries(ENVIRONMENT);
    } catch (IOException e) {
      return System.getenv();
    }
    Map<String, String> variables = new LinkedHashMap<>();
    for (String entry : entries) {
      int equals = entry.indexOf('=');
      if (equals > 0) {
        variables.putIfAbsent(entry.substring(0, equals), entry.substring(equals + 1));
      }
    }
    return variables;
  }

  /** Whether the JVM cannot have got it wrong; a question mark may be what it put in. */
  private static boolean isPlain(String argument) {
    return argument.chars().allMatch(c -> c < 0x80 && c != '?');
  }

  private static List<String> entries(Path file) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    List<String> entries = new ArrayList<>();
    for (int start = 0, at = 0; at < bytes.length; at++) {
      if (bytes[at] == 0) {
        entries.add(OsString.of(bytes, start, at - start));
        start = at + 1;
      }
    }
    return entries;
  }
}
