/** Benchmarks: each prints its figure beside a floor that was measured in the same run. */
@NullMarked
package io.jobworker.acceptance.bench;

import org.jspecify.annotations.NullMarked;
