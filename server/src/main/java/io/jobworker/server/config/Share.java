package io.jobworker.server.config;

import com.fasterxml.jackson.annotation.JsonCreator;
import io.jobworker.base.linux.DiskSpace;
import io.jobworker.base.linux.LinuxException;
import io.jobworker.base.linux.MemoryCalls;
import io.jobworker.base.units.ByteSize;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How much of something, as the configuration writes it: {@code 50G}, or {@code 10%} of it. */
public record Share(ByteSize size, int percent) {
  private static final Pattern PERCENT = Pattern.compile("([1-9]\\d?|100)%");

  /** Reads one. */
  @JsonCreator
  public static Share parse(String text) {
    Matcher matcher = PERCENT.matcher(text);
    return matcher.matches()
        ? new Share(ByteSize.of(0), Integer.parseInt(matcher.group(1)))
        : new Share(ByteSize.parse(text), 0);
  }

  /** In bytes, of this machine's memory. */
  public ByteSize ofMemory() {
    return percent == 0 ? size : ByteSize.of(MemoryCalls.totalBytes() / 100 * percent);
  }

  /** In bytes, on the file system that holds {@code directory} or, while that is missing, will. */
  public ByteSize of(Path directory) {
    if (percent == 0) {
      return size;
    }
    Path there = directory.toAbsolutePath();
    while (Files.notExists(there) && there.getParent() != null) {
      there = there.getParent();
    }
    try {
      return ByteSize.of(DiskSpace.of(there).totalBytes() / 100 * percent);
    } catch (LinuxException e) {
      throw new ConfigException(
          "cannot tell the size of the disk under " + directory + ": " + e.getMessage());
    }
  }
}
