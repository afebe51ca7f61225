package io.jobworker.core.process;

/** A launch that failed: the launcher's own word on which step, and the kernel's on why. */
public final class LaunchFailure extends Exception {
  private final String step;
  private final int errno;

  LaunchFailure(String step, int errno) {
    super(step + ": errno " + errno);
    this.step = step;
    this.errno = errno;
  }

  public String step() {
    return step;
  }

  public int errno() {
    return errno;
  }
}
