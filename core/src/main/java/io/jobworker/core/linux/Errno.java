package io.jobworker.core.linux;

/** The errno values that decisions are made on (errno(3); the same on x86-64 and aarch64). */
public final class Errno {
  public static final int ENOENT = 2;
  public static final int EINTR = 4;
  static final int EBADF = 9;
  public static final int EAGAIN = 11;
  public static final int ENOMEM = 12;
  public static final int ENODEV = 19;
  static final int EINVAL = 22;
  public static final int ENFILE = 23;
  public static final int EMFILE = 24;
  public static final int ENOSPC = 28;
  public static final int EPIPE = 32;
  public static final int ETIME = 62;
  public static final int EPROTO = 71;
  public static final int ECONNREFUSED = 111;
  public static final int EDQUOT = 122;

  private Errno() {}

  /**
   * The C library's words and name for an errno value, as in "No such file or directory (ENOENT)".
   */
  public static String describe(int errno) {
    return Linux.strerror(errno) + " (" + Linux.strerrorname(errno) + ")";
  }
}
