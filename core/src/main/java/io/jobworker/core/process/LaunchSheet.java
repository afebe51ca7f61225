package io.jobworker.core.process;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/**
 * Everything the launcher must know about one job, in the form that {@code launcher/src/sheet.h}
 * describes. Not thread-safe.
 */
public final class LaunchSheet {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  public LaunchSheet() {
    put("version", "2");
  }

  /**
   * Adds an entry. A NUL character cannot be passed on and is an {@link IllegalArgumentException}.
   */
  @CanIgnoreReturnValue
  public LaunchSheet put(String key, Object value) {
    String text = value.toString();
    if (text.indexOf('\0') >= 0) {
      throw new IllegalArgumentException(key + " must not hold a NUL character");
    }
    bytes.writeBytes((key + "=" + text).getBytes(StandardCharsets.UTF_8));
    bytes.write(0);
    return this;
  }

  byte[] toBytes() {
    return bytes.toByteArray();
  }
}
