package io.jobworker.cli.run;

import io.jobworker.cli.render.Terminal;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Our standard input, for a job that stands in for a program here. */
public final class StdinSource {
  private static final Path DESCRIPTOR = Path.of("/proc/self/fd/0");

  private final InputStream in;
  private final Optional<String> name; // of what it is; empty if it is closed

  StdinSource(InputStream in, Optional<String> name) {
    this.in = in;
    this.name = name;
  }

  /** That of this process. */
  @SuppressWarnings("resource") // the descriptor is not ours to close
  public static StdinSource ofProcess() {
    return new StdinSource(new FileInputStream(FileDescriptor.in), nameOf(DESCRIPTOR));
  }

  private static Optional<String> nameOf(Path descriptor) {
    try {
      return Optional.of(Files.readSymbolicLink(descriptor).toString());
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** It, unless it is a terminal, closed, or nothing to begin with. */
  public Optional<InputStream> unlessTerminal() {
    return isGiven() ? Optional.of(in) : Optional.empty();
  }

  /** It, whatever it is. */
  public InputStream whatever() {
    return in;
  }

  private boolean isGiven() {
    return name.isPresent() && !name.get().equals("/dev/null") && !Terminal.isTerminal(name.get());
  }
}
