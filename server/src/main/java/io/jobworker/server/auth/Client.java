package io.jobworker.server.auth;

import java.time.Instant;

/**
 * A registered client.
 *
 * @param name unique; jobs belong to it by this name
 * @param cn the common name of its certificates, unique
 */
public record Client(String name, String cn, Role role, boolean disabled, Instant createdAt) {}
