package io.jobworker.base.linux;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Proxy;

/**
 * Signals to this process, by their names in signal(7) without SIG.
 *
 * <p>By reflection, since the compiler warns of the class in a way that cannot be suppressed; it is
 * in jdk.unsupported, which every JDK has.
 */
public final class Signals {
  private static final String SIGNAL = "sun.misc.Signal";
  private static final String HANDLER = "sun.misc.SignalHandler";

  private Signals() {}

  /**
   * From here on the process takes this signal by {@code handler}, on a thread of its own. One that
   * is ignored, as nohup(1) has it, stays so.
   */
  @SuppressWarnings("ReferenceEquality") // which is what equals() of a proxy comes to
  public static void handle(String name, Runnable handler) {
    try {
      Class<?> handlerClass = Class.forName(HANDLER);
      handle(
          name,
          Proxy.newProxyInstance(
              handlerClass.getClassLoader(),
              new Class<?>[] {handlerClass},
              (self, method, arguments) ->
                  switch (method.getName()) {
                    case "handle" -> {
                      handler.run();
                      yield null;
                    }
                    case "equals" -> self == arguments[0];
                    case "hashCode" -> System.identityHashCode(self);
                    default -> name;
                  }));
    } catch (ReflectiveOperationException e) {
      throw unable(e);
    }
  }

  /**
   * From here on nobody handles this signal, and now it comes. Of one that stops the process, this
   * returns when it goes on.
   */
  public static void raise(String name) {
    String self = Long.toString(ProcessHandle.current().pid());
    try {
      handle(name, Class.forName(HANDLER).getField("SIG_DFL").get(null));
      // Java itself raises only signals that it handles.
      new ProcessBuilder("sh", "-c", "kill -s \"$0\" \"$1\"", name, self).start().waitFor();
    } catch (ReflectiveOperationException e) {
      throw unable(e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void handle(String name, Object handler) throws ReflectiveOperationException {
    Class.forName(SIGNAL)
        .getMethod("handle", Class.forName(SIGNAL), Class.forName(HANDLER))
        .invoke(null, signal(name), handler);
  }

  private static Object signal(String name) throws ReflectiveOperationException {
    return Class.forName(SIGNAL).getConstructor(String.class).newInstance(name);
  }

  private static IllegalStateException unable(ReflectiveOperationException cause) {
    return new IllegalStateException("this Java cannot take signals", cause);
  }
}
