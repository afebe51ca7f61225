package io.jobworker.core.process;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** The text of a {@link LaunchPlan}, as {@code launcher/src/sheet.h} describes it. */
final class LaunchSheet {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  /**
   * Adds an entry. A NUL character cannot be passed on and is an {@link IllegalArgumentException}.
   */
  @CanIgnoreReturnValue
  LaunchSheet put(String key, Object value) {
    String text = value.toString();
    if (text.indexOf('\0') >= 0) {
      throw new IllegalArgumentException(key + " must not hold a NUL character");
    }
    bytes.writeBytes((key + "=" + text).getBytes(StandardCharsets.UTF_8));
    bytes.write(0);
    return this;
  }

  @CanIgnoreReturnValue
  LaunchSheet flag(String key) {
    return put(key, 1);
  }

  byte[] toBytes() {
    return bytes.toByteArray();
  }
}
