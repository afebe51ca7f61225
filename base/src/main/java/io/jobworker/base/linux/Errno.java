package io.jobworker.base.linux;

import static io.jobworker.base.linux.Ffm.bindPlain;
import static io.jobworker.base.linux.Ffm.text;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** The errno values that decisions are made on (errno(3); the same on x86-64 and aarch64). */
public final class Errno {
  public static final int EPERM = 1;
  public static final int ENOENT = 2;
  public static final int ESRCH = 3;
  public static final int EINTR = 4;
  public static final int EIO = 5;
  public static final int ENOEXEC = 8;
  static final int EBADF = 9;
  public static final int EAGAIN = 11;
  public static final int ENOMEM = 12;
  public static final int EACCES = 13;
  public static final int ENODEV = 19;
  public static final int EISDIR = 21;
  static final int EINVAL = 22;
  public static final int ENFILE = 23;
  public static final int EMFILE = 24;
  static final int ETXTBSY = 26;
  public static final int ENOSPC = 28;
  public static final int EPIPE = 32;
  public static final int ETIME = 62;
  public static final int EPROTO = 71;
  public static final int ECONNRESET = 104;
  public static final int ECONNREFUSED = 111;
  public static final int EDQUOT = 122;

  /**
   * strerror(3) would speak the language of the server's locale; this one does not (glibc 2.32).
   */
  private static final MethodHandle STRERROR = bindPlain("strerrordesc_np", ADDRESS, JAVA_INT);

  private static final MethodHandle STRERRORNAME = bindPlain("strerrorname_np", ADDRESS, JAVA_INT);

  private Errno() {}

  /**
   * The C library's words and name for an errno value, as in "No such file or directory (ENOENT)".
   */
  public static String describe(int errno) {
    return strerror(errno) + " (" + strerrorname(errno) + ")";
  }

  private static String strerror(int errno) {
    try {
      MemorySegment words = (MemorySegment) STRERROR.invokeExact(errno);
      return words.address() == 0 ? "Unknown error" : text(words);
    } catch (Throwable t) {
      throw new LinkageError("strerrordesc_np", t);
    }
  }

  private static String strerrorname(int errno) {
    try {
      MemorySegment name = (MemorySegment) STRERRORNAME.invokeExact(errno);
      return name.address() == 0 ? "errno " + errno : text(name);
    } catch (Throwable t) {
      throw new LinkageError("strerrorname_np", t);
    }
  }
}
