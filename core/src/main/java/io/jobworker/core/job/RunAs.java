package io.jobworker.core.job;

/** The user and group that a job runs as. */
public record RunAs(int uid, int gid) {}
