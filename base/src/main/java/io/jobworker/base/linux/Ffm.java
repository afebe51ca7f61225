package io.jobworker.base.linux;

import io.jobworker.base.words.OsString;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * What all native calls of this room have in common: how a function is bound through the Foreign
 * Function and Memory API, and how its errno becomes a {@link LinuxException}. A method that is
 * bound here either succeeds or throws; where "not now" is an ordinary answer, it says so.
 */
@SuppressWarnings("restricted") // the one class that is allowed to
final class Ffm {
  private static final Linker LINKER = Linker.nativeLinker();
  private static final SymbolLookup LIBC = LINKER.defaultLookup();
  private static final Linker.Option ERRNO = Linker.Option.captureCallState("errno");
  private static final StructLayout CALL_STATE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO_VALUE =
      CALL_STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));

  /** Virtual threads get one too; it goes with them. */
  static final ThreadLocal<MemorySegment> STATE =
      ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(CALL_STATE));

  private Ffm() {}

  /** What a string function of C has returned. */
  static String text(MemorySegment unbounded) {
    return unbounded.reinterpret(256).getString(0);
  }

  /** A word as C takes it. */
  static MemorySegment word(Arena arena, String text) {
    byte[] bytes = OsString.bytes(text);
    MemorySegment ended = arena.allocate(bytes.length + 1L); // zeroed
    MemorySegment.copy(bytes, 0, ended, ValueLayout.JAVA_BYTE, 0, bytes.length);
    return ended;
  }

  /** A function that sets errno: its first argument is {@link #STATE}. */
  static MethodHandle bind(String name, MemoryLayout result, MemoryLayout... arguments) {
    return LINKER.downcallHandle(
        LIBC.findOrThrow(name), FunctionDescriptor.of(result, arguments), ERRNO);
  }

  /** The same of a function that not every libc has. */
  static Optional<MethodHandle> bindIfThere(
      String name, MemoryLayout result, MemoryLayout... arguments) {
    return LIBC.find(name)
        .map(function ->
            LINKER.downcallHandle(function, FunctionDescriptor.of(result, arguments), ERRNO));
  }

  /** One that does not. */
  static MethodHandle bindPlain(String name, MemoryLayout result, MemoryLayout... arguments) {
    return LINKER.downcallHandle(LIBC.findOrThrow(name), FunctionDescriptor.of(result, arguments));
  }

  /** Without errno, and during which the garbage collector waits: for what cannot block. */
  static MethodHandle bindCritical(String name, MemoryLayout result, MemoryLayout... arguments) {
    return LINKER.downcallHandle(
        LIBC.findOrThrow(name),
        FunctionDescriptor.of(result, arguments),
        Linker.Option.critical(true));
  }

  /** Of a function whose arguments from the {@code fixed}-th on are variadic. */
  static MethodHandle bindVariadic(
      String name, int fixed, MemoryLayout result, MemoryLayout... arguments) {
    return LINKER.downcallHandle(
        LIBC.findOrThrow(name),
        FunctionDescriptor.of(result, arguments),
        ERRNO,
        Linker.Option.firstVariadicArg(fixed));
  }

  /** So much memory from an address on; {@code release} is called when it is unreachable. */
  static MemorySegment untilUnreachable(
      MemorySegment address, long length, Consumer<MemorySegment> release) {
    return address.reinterpret(length, Arena.ofAuto(), release);
  }

  /** Of the call that was made with this state. */
  static int errno(MemorySegment state) {
    return (int) ERRNO_VALUE.get(state, 0L);
  }

  static int checked(int result, MemorySegment state, String call, String subject)
      throws LinuxException {
    return (int) checked((long) result, state, call, subject);
  }

  static long checked(long result, MemorySegment state, String call, String subject)
      throws LinuxException {
    if (result < 0) {
      throw new LinuxException(call, subject, errno(state));
    }
    return result;
  }

  /** {@link FileCalls#WOULD_BLOCK} if the call says so, or was interrupted. */
  static long notNow(long result, MemorySegment state, String call, String subject)
      throws LinuxException {
    if (result < 0) {
      int errno = errno(state);
      if (errno == Errno.EAGAIN || errno == Errno.EINTR) {
        return FileCalls.WOULD_BLOCK;
      }
    }
    return checked(result, state, call, subject);
  }

  static LinuxException rethrow(Throwable t) {
    return switch (t) {
      case LinuxException e -> e;
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      default -> throw new LinkageError("native call", t);
    };
  }
}
