package io.jobworker.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import io.jobworker.base.units.ByteSize;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** {@code docs/limits.md} says what the code's constants say. */
class LimitsPageTest {
  private static final String JOB = "io.jobworker.core.job.";
  private static final String SERVER = "io.jobworker.server.";

  private static Object constant(String owner, String name) throws ReflectiveOperationException {
    Field field = Class.forName(owner).getDeclaredField(name);
    field.setAccessible(true);
    return field.get(null);
  }

  private static long number(String owner, String name) throws ReflectiveOperationException {
    return ((Number) constant(owner, name)).longValue();
  }

  private static String size(String owner, String name) throws ReflectiveOperationException {
    Object found = constant(owner, name);
    long bytes = found instanceof ByteSize size ? size.bytes() : ((Number) found).longValue();
    for (Map.Entry<String, Integer> unit :
        List.of(Map.entry("TiB", 40), Map.entry("MiB", 20), Map.entry("KiB", 10))) {
      if (bytes >= 1L << unit.getValue() && bytes % (1L << unit.getValue()) == 0) {
        return (bytes >> unit.getValue()) + " " + unit.getKey();
      }
    }
    return bytes + " bytes";
  }

  private static List<String> ofAJob() throws ReflectiveOperationException {
    String check = JOB + "SpecCheck";
    return List.of(
        "command and environment together | " + size(check, "MAX_COMMAND_AND_ENVIRONMENT_BYTES"),
        "an argument, a variable | " + size(check, "MAX_WORD_BYTES"),
        "standard input that comes with the Start | " + size(check, "MAX_STDIN_BYTES"),
        "a path | " + number(check, "MAX_PATH_BYTES") + " bytes",
        "labels | "
            + number(check, "MAX_LABELS")
            + ", of "
            + number(check, "MAX_LABEL_LENGTH")
            + " characters each, key and value",
        "devices whose I/O is limited | " + number(check, "MAX_IO_LIMITS"),
        "a name | " + number(check, "MAX_NAME_LENGTH") + " characters",
        "a request id | " + number(check, "MAX_REQUEST_ID_LENGTH") + " characters",
        "a time-out, a grace | " + ((Duration) constant(check, "MAX_DURATION")).toDays() + " days",
        "output that is kept | "
            + size(check, "MIN_OUTPUT_RETAIN")
            + " to "
            + size(check, "MAX_OUTPUT_RETAIN")
            + ", and what `[limits.max]` says");
  }

  private static List<String> ofAnswers() throws ReflectiveOperationException {
    String rpc = SERVER + "rpc.";
    Duration shortest = (Duration) constant(rpc + "StatsMethod", "MIN_INTERVAL");
    Duration longest = (Duration) constant(rpc + "StatsMethod", "MAX_INTERVAL");
    return List.of(
        "a page of List | "
            + number(JOB + "JobQuery", "MAX_LIMIT")
            + " jobs, and "
            + size(rpc + "ListMethod", "FULL_PAGE_BYTES"),
        "names and prefixes of ids that a List asks for | "
            + number(JOB + "JobFilter$Naming", "MAX"),
        "the newest output in a Status | "
            + number(rpc + "StatusMethod", "NEWEST_OUTPUT_BYTES")
            + " bytes",
        "the interval of figures that are streamed | "
            + shortest.toMillis()
            + " ms to "
            + longest.toHours()
            + " h",
        "a client's name, the CN of its certificate | "
            + number(SERVER + "clients.Client", "MAX_NAME_LENGTH")
            + " and "
            + number(SERVER + "clients.Client", "MAX_CN_LENGTH")
            + " characters",
        "a command in the audit log | "
            + number(SERVER + "audit.ArgvMask", "MAX_CHARACTERS")
            + " characters",
        "what the log says of a connection that was refused | "
            + number(SERVER + "transport.RefusedConnection", "MAX_DETAIL")
            + " characters");
  }

  private static List<String> ofMemory() throws ReflectiveOperationException {
    return List.of(
        "one request | " + size(SERVER + "config.Bounds", "MAX_MESSAGE_BYTES"),
        "how long a request may take to come | "
            + ((Duration) constant(SERVER + "gate.RequestMemory", "PATIENCE")).toSeconds()
            + " s",
        "what has come of requests that nobody has asked for yet | "
            + size(SERVER + "transport.Connections", "FLOW_CONTROL_WINDOW")
            + " a connection");
  }

  private static String budget(String frames, String kind) throws ReflectiveOperationException {
    for (Object found : Class.forName(SERVER + "transport.FrameGovernor$Kind").getEnumConstants()) {
      if (((Enum<?>) found).name().equals(kind)) {
        List<Object> figures = new ArrayList<>();
        for (String name : List.of("burst", "perSecond")) {
          Field field = found.getClass().getDeclaredField(name);
          field.setAccessible(true);
          figures.add(field.get(found));
        }
        return frames + " | " + figures.get(0) + " | " + figures.get(1);
      }
    }
    throw new AssertionError("there is no " + kind);
  }

  private static List<String> ofFrames() throws ReflectiveOperationException {
    String governor = SERVER + "transport.FrameGovernor";
    return List.of(
        budget("data without a byte, or padded", "EMPTY_DATA"),
        budget(
            "data of less than "
                + number(governor, "SMALL_BYTES")
                + " bytes, but for the last of a request",
            "SMALL_DATA"),
        budget("streams that are reset, by either side", "RESET"),
        budget("settings", "SETTINGS"),
        budget("pings, beyond one for each frame of ours", "PING"),
        budget("priorities, and what nobody knows", "OTHER"),
        budget(
            "window updates, beyond two for each frame of either side and one for each KiB that was sent",
            "WINDOW_UPDATE"),
        budget("calls of a certificate that is no client's", "STRANGERS_CALL"));
  }

  @Test
  void itsTablesSayWhatTheCodeSays() throws Exception {
    List<String> wanted = new ArrayList<>();
    for (List<String> rows : List.of(ofMemory(), ofAJob(), ofAnswers(), ofFrames())) {
      rows.forEach(row -> wanted.add("| " + row + " |"));
    }
    assertThat(Files.readAllLines(Path.of("../docs/limits.md"))).containsAll(wanted);
  }

  @Test
  void itsSentencesSayWhatTheCodeSays() throws Exception {
    String page = Files.readString(Path.of("../docs/limits.md")).replace('\n', ' ');
    String transport = SERVER + "transport.";
    assertThat(page)
        .contains(
            "while " + number(transport + "FrameGovernor", "MAX_UNTAKEN") + " of our frames",
            "while " + number(transport + "Connections", "MAX_CALLS_PER_CONNECTION") + " calls",
            "more than "
                + (number(transport + "FrameGovernor", "EARLY_STREAMS")
                    + number(transport + "Connections", "MAX_CALLS_PER_CONNECTION"))
                + " streams",
            "at most " + size(transport + "HandshakeWatch", "MAX_HELD_BYTES") + " of what")
        .contains("up to five times `connections.per-second`", "of a network four times")
        .contains("of all ten times");
    assertThat(List.of("TOO_QUICK", "OF_A_NETWORK", "OF_ALL"))
        .extracting(name -> number(transport + "Paces", name))
        .containsExactly(5L, 4L, 10L);
  }
}
