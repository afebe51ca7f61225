/** Real servers, the real command line, and what tests look at of both. */
@NullMarked
package io.jobworker.acceptance.support;

import org.jspecify.annotations.NullMarked;
