package io.jobworker.cli.run;

import java.lang.reflect.Proxy;
import java.util.function.Consumer;

/** The signals to us that are the job's concern; numbers as on every Linux. */
enum PassedSignal {
  HUP(1),
  INT(2),
  TERM(15);

  private static final String SIGNAL = "sun.misc.Signal";
  private static final String HANDLER = "sun.misc.SignalHandler";

  private final int number;

  PassedSignal(int number) {
    this.number = number;
  }

  int number() {
    return number;
  }

  /**
   * From here on the process takes these signals by {@code handler}, on a thread of its own. One
   * that is ignored, as nohup(1) has it, stays so.
   *
   * <p>By reflection, since the compiler warns of the class in a way that cannot be suppressed; it
   * is in jdk.unsupported, which every JDK has.
   */
  @SuppressWarnings("ReferenceEquality") // which is what equals() of a proxy comes to
  static void handleAll(Consumer<PassedSignal> handler) {
    try {
      Class<?> signalClass = Class.forName(SIGNAL);
      Class<?> handlerClass = Class.forName(HANDLER);
      for (PassedSignal signal : values()) {
        Object proxy =
            Proxy.newProxyInstance(
                handlerClass.getClassLoader(),
                new Class<?>[] {handlerClass},
                (self, method, arguments) ->
                    switch (method.getName()) {
                      case "handle" -> {
                        handler.accept(signal);
                        yield null;
                      }
                      case "equals" -> self == arguments[0];
                      case "hashCode" -> System.identityHashCode(self);
                      default -> signal.name();
                    });
        signalClass
            .getMethod("handle", signalClass, handlerClass)
            .invoke(
                null, signalClass.getConstructor(String.class).newInstance(signal.name()), proxy);
      }
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("this Java cannot take signals", e);
    }
  }
}
