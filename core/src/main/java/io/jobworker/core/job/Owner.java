package io.jobworker.core.job;

import java.util.Optional;

/**
 * Whom a job is started for.
 *
 * @param name jobs belong to it by this name
 * @param runAs the user that the job runs as; empty: this process's own
 */
public record Owner(String name, Optional<RunAs> runAs, Allowance allowance) {
  /** One whose jobs run as this process's own user, and who may have everything. */
  public static Owner of(String name) {
    return new Owner(name, Optional.empty(), Allowance.UNLIMITED);
  }
}
