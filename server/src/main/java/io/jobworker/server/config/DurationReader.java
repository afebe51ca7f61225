package io.jobworker.server.config;

import io.jobworker.base.units.Durations;
import java.time.Duration;
import tools.jackson.core.JsonParser;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.ValueDeserializer;

/** Reads a duration as people write it, not as ISO 8601 does. */
final class DurationReader extends ValueDeserializer<Duration> {
  @Override
  public Duration deserialize(JsonParser parser, DeserializationContext context) {
    String text = context.readValue(parser, String.class);
    try {
      return Durations.parse(text);
    } catch (IllegalArgumentException e) {
      throw context.weirdStringException(text, Duration.class, e.getMessage());
    }
  }
}
