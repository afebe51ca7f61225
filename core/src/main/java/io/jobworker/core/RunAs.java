package io.jobworker.core;

/** The user and group that a job runs as. */
public record RunAs(int uid, int gid) {}
