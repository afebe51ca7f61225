package io.jobworker.core;

import io.jobworker.base.units.ByteSize;
import io.jobworker.core.job.Allowance;
import io.jobworker.core.job.JobException;
import io.jobworker.core.output.Budget;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicInteger;

/** What each owner has. Thread-safe. */
final class Admission {
  private final Budget total;
  private final ConcurrentMap<String, Share> byOwner = new ConcurrentHashMap<>();

  /** {@code kept} is how much output of each owner's ended jobs there is, in bytes. */
  Admission(Budget total, Map<String, Long> kept) {
    this.total = total;
    kept.forEach((owner, bytes) -> of(owner).output().add(bytes));
  }

  Share of(String owner) {
    return byOwner.computeIfAbsent(owner, _ -> new Share(total.part()));
  }

  /** What one owner has. */
  static final class Share {
    private final AtomicInteger running = new AtomicInteger();
    private final Budget output;

    private Share(Budget output) {
      this.output = output;
    }

    /** What the owner's logs keep is counted here. */
    Budget output() {
      return output;
    }

    /**
     * Counts one more job that runs; {@link #release} is to follow.
     *
     * @throws JobException.QuotaExceeded if that would be more than is allowed; nothing is counted
     */
    void admit(Allowance allowance) {
      long kept = output.used();
      if (kept >= allowance.retainedOutput().bytes()) {
        throw new JobException.QuotaExceeded(
            "retained-output",
            "%s of %s are kept; remove ended jobs"
                .formatted(ByteSize.of(kept), allowance.retainedOutput()));
      }
      int before =
          running.getAndUpdate(count -> count < allowance.runningJobs() ? count + 1 : count);
      if (before >= allowance.runningJobs()) {
        throw new JobException.QuotaExceeded(
            "running-jobs", before + " of " + allowance.runningJobs() + " are running");
      }
    }

    /** Counts a job that was started by another process. */
    void takeOver() {
      running.incrementAndGet();
    }

    void release() {
      running.decrementAndGet();
    }
  }
}
