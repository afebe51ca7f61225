package io.jobworker.core.process;

/** A launch that failed: the launcher's own word on which step, and the kernel's on why. */
public final class LaunchFailure extends Exception {
  private final String step;
  private final int errno;

  /** The steps that are no launcher's own. */
  static final String VANISHED = "launcher";

  static final String NO_OUTPUT = "output";

  LaunchFailure(String step, int errno) {
    super(step + ": errno " + errno);
    this.step = step;
    this.errno = errno;
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
}
