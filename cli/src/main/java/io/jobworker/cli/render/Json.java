package io.jobworker.cli.render;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageOrBuilder;
import com.google.protobuf.util.JsonFormat;

/** Protobuf's JSON mapping, for programs. */
public final class Json {
  private Json() {}

  /** On a line of its own. */
  public static String line(MessageOrBuilder message) throws InvalidProtocolBufferException {
    return JsonFormat.printer().omittingInsignificantWhitespace().print(message);
  }

  public static String of(MessageOrBuilder message) throws InvalidProtocolBufferException {
    return JsonFormat.printer().print(message);
  }
}
