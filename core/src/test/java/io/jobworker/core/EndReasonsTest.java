package io.jobworker.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.jobworker.core.job.EndReason;
import io.jobworker.core.process.ExitRecord.Cause;
import java.util.OptionalInt;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every row of what can be recorded; {@code EndsTest} makes them happen. */
class EndReasonsTest {
  @ParameterizedTest
  @CsvSource({
    // cause, signal or 0, whether memory ran out, whether it was stopping
    "STOP, 0, false, true, STOPPED",
    "STOP, 9, false, true, STOPPED",
    "STOP, 9, true, true, STOPPED",
    "STOP, 15, false, true, STOPPED",
    "STOP, 9, false, false, STOPPED",
    "TIMEOUT, 0, false, false, TIMED_OUT",
    "TIMEOUT, 9, false, false, TIMED_OUT",
    "TIMEOUT, 9, true, false, TIMED_OUT",
    "TIMEOUT, 15, false, true, TIMED_OUT",
    "NONE, 0, false, false, EXITED",
    "NONE, 0, true, false, EXITED",
    "NONE, 0, false, true, EXITED",
    "NONE, 11, false, false, SIGNALED",
    "NONE, 11, true, true, SIGNALED",
    "NONE, 9, false, false, SIGNALED",
    "NONE, 9, true, false, OOM_KILLED",
    "NONE, 9, true, true, OOM_KILLED",
    "NONE, 9, false, true, STOPPED"
  })
  void anEndIsCalledWhatItWas(
      Cause cause, int signal, boolean outOfMemory, boolean stopping, EndReason reason) {
    OptionalInt died = signal == 0 ? OptionalInt.empty() : OptionalInt.of(signal);
    assertThat(EndReasons.of(cause, died, outOfMemory ? 2 : 0, stopping)).isEqualTo(reason);
  }
}
