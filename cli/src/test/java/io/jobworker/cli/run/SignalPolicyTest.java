package io.jobworker.cli.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.jobworker.cli.run.SignalPolicy.Action;
import org.junit.jupiter.api.Test;

class SignalPolicyTest {
  private static final long SECOND = 1_000_000_000;

  private final SignalPolicy policy = new SignalPolicy();

  @Test
  void controlCInterruptsTheJob() {
    assertThat(policy.on(PassedSignal.INT, 0)).isEqualTo(new Action.Pass("INT"));
  }

  @Test
  void controlCTwiceWithinTwoSecondsKillsIt() {
    policy.on(PassedSignal.INT, 5 * SECOND);
    assertThat(policy.on(PassedSignal.INT, 7 * SECOND)).isEqualTo(new Action.Kill());
  }

  @Test
  void controlCTwiceWithTimeInBetweenInterruptsItTwice() {
    policy.on(PassedSignal.INT, 0);
    assertThat(policy.on(PassedSignal.INT, 2 * SECOND + 1)).isEqualTo(new Action.Pass("INT"));
    assertThat(policy.on(PassedSignal.INT, 3 * SECOND)).isEqualTo(new Action.Kill());
  }

  @Test
  void controlCAfterAKillLeavesTheJobAlone() {
    policy.on(PassedSignal.INT, 0);
    policy.on(PassedSignal.INT, 1);
    assertThat(policy.on(PassedSignal.INT, 60 * SECOND)).isEqualTo(new Action.Leave(130));
  }

  @Test
  void aClockThatWrapsAroundDisturbsNothing() {
    policy.on(PassedSignal.INT, Long.MAX_VALUE);
    assertThat(policy.on(PassedSignal.INT, Long.MIN_VALUE)).isEqualTo(new Action.Kill());
  }

  @Test
  void terminationIsPassedOnHoweverOften() {
    for (int i = 0; i < 3; i++) {
      assertThat(policy.on(PassedSignal.TERM, i)).isEqualTo(new Action.Pass("TERM"));
    }
  }

  @Test
  void aClosedTerminalLeavesTheJobAlone() {
    assertThat(policy.on(PassedSignal.HUP, 0)).isEqualTo(new Action.Leave(129));
  }
}
