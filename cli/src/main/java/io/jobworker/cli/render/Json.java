package io.jobworker.cli.render;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageOrBuilder;
import com.google.protobuf.util.JsonFormat;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Protobuf's JSON mapping, for programs: every field that cannot be absent is there, also when it
 * is 0 or empty.
 */
public final class Json {
  /** A pair after a backslash, so that an escaped backslash is passed over. */
  private static final Pattern ESCAPE = Pattern.compile("\\\\(u00(3c|3d|3e|26|27)|.)");

  private Json() {}

  /** On a line of its own. */
  public static String line(MessageOrBuilder message) throws InvalidProtocolBufferException {
    return plain(
        JsonFormat.printer()
            .alwaysPrintFieldsWithNoPresence()
            .omittingInsignificantWhitespace()
            .print(message));
  }

  /** On a line of its own, with no fields but those that are set and {@code always}. */
  public static String line(MessageOrBuilder message, Set<FieldDescriptor> always)
      throws InvalidProtocolBufferException {
    return plain(
        JsonFormat.printer()
            .includingDefaultValueFields(always)
            .omittingInsignificantWhitespace()
            .print(message));
  }

  public static String of(MessageOrBuilder message) throws InvalidProtocolBufferException {
    return plain(JsonFormat.printer().alwaysPrintFieldsWithNoPresence().print(message));
  }

  /** An array of them. */
  public static String array(List<? extends MessageOrBuilder> messages)
      throws InvalidProtocolBufferException {
    if (messages.isEmpty()) {
      return "[]";
    }
    List<String> texts = new ArrayList<>();
    for (MessageOrBuilder message : messages) {
      texts.add(of(message).lines().map(line -> "  " + line).collect(Collectors.joining("\n")));
    }
    return "[\n" + String.join(",\n", texts) + "\n]";
  }

  /** The library escapes for HTML what JSON (RFC 8259, 7) leaves as it is. */
  private static String plain(String json) {
    return ESCAPE
        .matcher(json)
        .replaceAll(match ->
            match.group(2) == null
                ? java.util.regex.Matcher.quoteReplacement(match.group())
                : Character.toString(Integer.parseInt(match.group(2), 16)));
  }
}
