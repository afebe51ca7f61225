package io.jobworker.core.process;

import java.util.Optional;

/** A launch that failed: the launcher's own word on which step, and the kernel's on why. */
public final class LaunchFailure extends Exception {
  private final String step;
  private final int errno;
  private final String missingInterpreter;

  /** The steps that are no launcher's own. */
  static final String VANISHED = "launcher";

  static final String NO_OUTPUT = "output";

  LaunchFailure(String step, int errno) {
    this(step, errno, "");
  }

  LaunchFailure(String step, int errno, String missingInterpreter) {
    super(step + ": errno " + errno);
    this.step = step;
    this.errno = errno;
    this.missingInterpreter = missingInterpreter;
  }

  /** Whether the launcher itself says so: then the program was not executed, and will not be. */
  public boolean isLaunchersWord() {
    return !step.equals(VANISHED) && !step.equals(NO_OUTPUT);
  }

  public String step() {
    return step;
  }

  public int errno() {
    return errno;
  }

  /**
   * What should have interpreted the program, which is there, and is missing itself; found by the
   * job's user. Empty if it is none of that.
   */
  public Optional<String> missingInterpreter() {
    return missingInterpreter.isEmpty() ? Optional.empty() : Optional.of(missingInterpreter);
  }
}
