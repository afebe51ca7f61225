package io.jobworker.server.auth;

import java.time.Instant;
import java.util.Optional;

/**
 * A registered client.
 *
 * @param name unique; jobs belong to it by this name
 * @param runAs the named user that its jobs run as; empty: one of its own
 * @param cn the common name of its certificates, unique
 */
public record Client(
    String name,
    String cn,
    Role role,
    boolean disabled,
    Instant createdAt,
    Optional<String> runAs) {
  /** RFC 5280, ub-common-name. */
  public static final int MAX_CN_LENGTH = 64;
}
