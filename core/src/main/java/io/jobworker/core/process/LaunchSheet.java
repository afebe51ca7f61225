package io.jobworker.core.process;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import io.jobworker.base.words.OsString;
import java.io.ByteArrayOutputStream;
import java.nio.file.Path;

/** The text of a {@link LaunchPlan}, as {@code launcher/src/sheet.h} describes it. */
final class LaunchSheet {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  /**
   * Adds an entry. A NUL character cannot be passed on and is an {@link IllegalArgumentException}.
   */
  @CanIgnoreReturnValue
  LaunchSheet put(String key, Object value) {
    String text = value instanceof Path path ? OsString.of(path) : value.toString();
    if (text.indexOf('\0') >= 0) {
      throw new IllegalArgumentException(key + " must not hold a NUL character");
    }
    bytes.writeBytes(OsString.bytes(key + "=" + text));
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
