package io.jobworker.core.job;

/**
 * A part of a request that has bounds. Its text is the library's own name for it; whoever takes
 * requests from elsewhere knows what it is called there.
 */
public sealed interface Field permits RequestField, Limit {}
