package io.jobworker.base.linux;

import java.io.IOException;

/** A system call that failed: which, on what, and the kernel's reason. */
public final class LinuxException extends IOException {
  private final String call;
  private final int errno;

  public LinuxException(String call, String subject, int errno) {
    super(call + " " + subject + ": " + Errno.describe(errno));
    this.call = call;
    this.errno = errno;
  }

  /** The system call's name, as in section 2 of the manual. */
  public String call() {
    return call;
  }

  public int errno() {
    return errno;
  }
}
