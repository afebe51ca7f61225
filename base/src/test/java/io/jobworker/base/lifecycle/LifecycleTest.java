package io.jobworker.base.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class LifecycleTest {
  private final List<String> closed = new ArrayList<>();
  private final Lifecycle lifecycle = new Lifecycle();

  private void add(String part) {
    lifecycle.onClose(() -> closed.add(part));
  }

  private void addFailing(String part) {
    lifecycle.onClose(() -> {
      closed.add(part);
      throw new IOException(part);
    });
  }

  @Test
  void whatBeganLastEndsFirstAndOnce() {
    add("one");
    add("two");
    AutoCloseable three = lifecycle.add(() -> closed.add("three"));
    assertThat(three).isNotNull();
    lifecycle.close();
    lifecycle.close();
    assertThat(closed).containsExactly("three", "two", "one");
  }

  @Test
  void allIsClosedWhateverFailsAndTheFirstFailureTellsOfTheOthers() {
    addFailing("one");
    add("two");
    addFailing("three");
    assertThatThrownBy(lifecycle::close)
        .hasRootCauseMessage("three")
        .cause()
        .satisfies(first -> assertThat(first.getSuppressed()).hasSize(1))
        .satisfies(first -> assertThat(first.getSuppressed()[0]).hasMessage("one"));
    assertThat(closed).containsExactly("three", "two", "one");
  }

  @Test
  void theFailureThatMadeItCloseStaysTheFirst() {
    addFailing("one");
    addFailing("two");
    IllegalStateException why = new IllegalStateException("why");
    lifecycle.closeAfter(why);
    assertThat(closed).containsExactly("two", "one");
    assertThat(why.getSuppressed()).extracting(Throwable::getMessage).containsExactly("two", "one");
  }

  @Test
  void anInterruptIsPassedOnOnceAllIsClosed() {
    add("one");
    lifecycle.onClose(() -> {
      throw new InterruptedException();
    });
    assertThatThrownBy(lifecycle::close).hasRootCauseInstanceOf(InterruptedException.class);
    assertThat(closed).containsExactly("one");
    assertThat(Thread.interrupted()).isTrue();
  }
}
