package io.jobworker.cli.command;

import com.google.protobuf.Duration;
import picocli.CommandLine.ITypeConverter;

/** Reads an option's duration. */
final class Times implements ITypeConverter<Duration> {
  @Override
  public Duration convert(String text) {
    java.time.Duration time = TimeLengths.parse(text);
    return Duration.newBuilder().setSeconds(time.getSeconds()).setNanos(time.getNano()).build();
  }
}
