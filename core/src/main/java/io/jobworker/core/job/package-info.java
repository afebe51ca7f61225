/**
 * What is said about jobs: ids, specs, limits, requests, states, ends, events and errors. Values
 * only, which know of no file, process or kernel; everybody may use them, and they use nobody.
 */
@NullMarked
package io.jobworker.core.job;

import org.jspecify.annotations.NullMarked;
