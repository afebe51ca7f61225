package io.jobworker.core.output;

import static io.jobworker.core.output.WakeProtocolTest.Step.*;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The wake-ups between a launcher and the server ({@code launcher/src/page.h}, {@link LogPage}), in
 * every order that their steps can take on a memory weaker than that of the machine this runs on.
 *
 * <p>Each side's stores wait in a buffer of its own and reach memory at any later time, in any
 * order but that of one place; only a fence waits for them. Neither an exchange nor a system call
 * is taken for one. Loads are in program order: each that matters follows a fence, and could
 * overtake nothing else. What is not modelled: that two compilers make of a sequentially consistent
 * access what is a store and a fence here, which is why the last test looks at the sources.
 */
class WakeProtocolTest {
  enum Step {
    SET_FLAG,
    CLEAR,
    LOOK,
    SLEEP,
    PUBLISH,
    TAKE,
    PEEK,
    WAKE,
    FENCE
  }

  private static final int LAST = 3;
  private static final int VALUE = 0;
  private static final int FLAG = 1;

  private record Store(int place, int value) {}

  /** {@code value}: the last that was seen, or published. Done where no step is left. */
  private record Side(List<Step> steps, int next, int value, List<Store> buffer) {
    Side at(int step, int value) {
      boolean done = step == 0 && value == LAST;
      return new Side(steps, done ? steps.size() : step % steps.size(), value, buffer);
    }

    Side with(Store store) {
      List<Store> more = new ArrayList<>(buffer);
      more.add(store);
      return new Side(steps, next, value, more);
    }

    boolean isDone() {
      return next == steps.size();
    }
  }

  private record State(int value, int flag, boolean woken, Side sleeper, Side waker) {
    State with(boolean isSleeper, Side side) {
      return new State(value, flag, woken, isSleeper ? side : sleeper, isSleeper ? waker : side);
    }

    State with(Store store) {
      return new State(
          store.place == VALUE ? store.value : value,
          store.place == FLAG ? store.value : flag,
          woken,
          sleeper,
          waker);
    }

    State woken(boolean now) {
      return new State(value, flag, now, sleeper, waker);
    }
  }

  private static List<State> after(State state, boolean isSleeper) {
    Side me = isSleeper ? state.sleeper : state.waker;
    List<State> all = new ArrayList<>();
    for (int i = 0; i < me.buffer.size(); i++) {
      Store store = me.buffer.get(i);
      if (me.buffer.subList(0, i).stream().noneMatch(b -> b.place == store.place)) {
        List<Store> rest = new ArrayList<>(me.buffer);
        rest.remove(i);
        all.add(state.with(store).with(isSleeper, new Side(me.steps, me.next, me.value, rest)));
      }
    }
    if (me.isDone()) {
      return all;
    }
    Side next = me.at((me.next + 1) % me.steps.size(), me.value);
    switch (me.steps.get(me.next)) {
      case SET_FLAG -> all.add(state.with(isSleeper, next.with(new Store(FLAG, 1))));
      case CLEAR -> all.add(state.with(isSleeper, next.with(new Store(FLAG, 0))));
      case LOOK -> {
        int clear = Math.max(0, me.steps.indexOf(CLEAR));
        boolean isNew = state.value > me.value;
        all.add(state.with(isSleeper, isNew ? me.at(clear, state.value) : next));
      }
      case SLEEP -> {
        if (state.woken) {
          all.add(state.woken(false).with(isSleeper, me.at(0, me.value)));
        }
      }
      case PUBLISH -> {
        Side later = me.at(me.next + 1, me.value + 1);
        all.add(state.with(isSleeper, later.with(new Store(VALUE, me.value + 1))));
      }
      case TAKE, PEEK -> {
        boolean takes = me.steps.get(me.next) == TAKE;
        State then = takes ? state.with(new Store(FLAG, 0)) : state;
        all.add(then.with(isSleeper, state.flag == 1 ? next : me.at(0, me.value)));
      }
      case WAKE -> all.add(state.woken(true).with(isSleeper, next));
      case FENCE -> {
        if (me.buffer.isEmpty()) {
          all.add(state.with(isSleeper, next));
        }
      }
    }
    return all;
  }

  /** Whether there is an order in which somebody sleeps for ever. */
  private static boolean canLoseAWakeUp(List<Step> sleeper, List<Step> waker) {
    Side asleep = new Side(sleeper, 0, 0, List.of());
    Deque<State> open = new ArrayDeque<>();
    open.add(new State(0, 0, false, asleep, new Side(waker, 0, 0, List.of())));
    Set<State> seen = new HashSet<>(open);
    boolean lost = false;
    while (!open.isEmpty()) {
      State state = open.pop();
      List<State> next = new ArrayList<>(after(state, true));
      next.addAll(after(state, false));
      lost |= next.isEmpty() && !state.sleeper.isDone();
      next.stream().filter(seen::add).forEach(open::push);
    }
    assertThat(seen).hasSizeGreaterThan(100);
    return lost;
  }

  private static final List<Step> READER = List.of(SET_FLAG, FENCE, LOOK, SLEEP);
  private static final List<Step> WRITER = List.of(PUBLISH, FENCE, TAKE, WAKE);

  @Test
  void noReaderSleepsThroughANewEnd() {
    assertThat(canLoseAWakeUp(READER, WRITER)).isFalse();
    assertThat(canLoseAWakeUp(List.of(SET_FLAG, LOOK, SLEEP), WRITER)).isTrue();
    assertThat(canLoseAWakeUp(READER, List.of(PUBLISH, TAKE, WAKE))).isTrue();
    assertThat(canLoseAWakeUp(List.of(LOOK, SET_FLAG, FENCE, SLEEP), WRITER)).isTrue();
  }

  @Test
  void noWriterSleepsThroughANewMark() {
    List<Step> writer = List.of(SET_FLAG, FENCE, LOOK, SLEEP, CLEAR);
    List<Step> server = List.of(PUBLISH, FENCE, PEEK, WAKE);
    assertThat(canLoseAWakeUp(writer, server)).isFalse();
    assertThat(canLoseAWakeUp(List.of(SET_FLAG, LOOK, SLEEP, CLEAR), server)).isTrue();
    assertThat(canLoseAWakeUp(writer, List.of(PUBLISH, PEEK, WAKE))).isTrue();
    assertThat(canLoseAWakeUp(List.of(LOOK, SET_FLAG, FENCE, SLEEP, CLEAR), server)).isTrue();
  }

  /** In C, what is not called explicit is sequentially consistent; in Java, what is volatile is. */
  @Test
  void bothSidesTouchTheseFourByNothingWeaker() throws IOException {
    String page = Files.readString(Path.of("src/main/java/io/jobworker/core/output/LogPage.java"));
    assertThat(page)
        .contains("END.getVolatile", "WAITING.setVolatile", "WRITER_WAITS.getVolatile")
        .contains("MARK.getVolatile", "MARK.setVolatile")
        .doesNotContainPattern("\\b(END|WAITING|MARK|WRITER_WAITS)\\.(?![gs]etVolatile)");
    StringBuilder launcher = new StringBuilder();
    try (Stream<Path> sources = Files.list(Path.of("../launcher/src"))) {
      for (Path source : sources.filter(file -> file.toString().endsWith(".c")).toList()) {
        launcher.append(Files.readString(source));
      }
    }
    assertThat(launcher)
        .contains("atomic_store(&log->page->end, log->end)")
        .contains("atomic_exchange(&me->log->page->waiting, 0)")
        .contains("atomic_store(&log->page->writer_waits, 1)")
        .doesNotContainPattern("_explicit\\(&[^,]*->(end|waiting|mark)\\b")
        .doesNotContainPattern("store_explicit\\(&[^,]*->writer_waits\\b");
  }
}
